#include "role/cse/access_rules.h"

#include "role/cse/schedule.h"
#include "role/detail.h"
#include "wire/ipaddr.h"
#include "wire/json.h"

#include <string.h>

#define PATTERN_MAX (M2MID_MAX - 1)

/* Where the compiler is: for the detail of a refusal, "pv.acr[2].acco[0].actw". */
struct compile {
    struct writer *out;
    char *detail;
    const char *name;
    size_t rule;
};

static err_t fault(const struct compile *c, err_t e, const char *member, struct text value)
{
    char where[96];
    struct writer w = WRITER_ARRAY(where);
    writer_z(&w, c->name);
    writer_z(&w, ".acr[");
    writer_decimal(&w, c->rule);
    writer_z(&w, "].");
    writer_z(&w, member);
    TRY(writer_finish_z(&w));
    return detail_fail(c->detail, e, where, value);
}

static struct text string_of(const json_t *v)
{
    return json_is_string(v) ? text_span(json_string_value(v), json_string_length(v)) : text_empty();
}

/* Only these members, and no others: an overlooked restriction would widen the right. */
static err_t members_check(const struct compile *c, const json_t *v, const char *const *allowed, const char *member)
{
    if (!json_is_object(v)) {
        return fault(c, ERR_ATTRIBUTE_TYPE, member, text_empty());
    }
    const char *key;
    json_t *ignored;
    json_object_foreach((json_t *)v, key, ignored) {
        bool known = false;
        for (size_t i = 0; allowed[i] != NULL; i++) {
            known = known || strcmp(allowed[i], key) == 0;
        }
        if (!known) {
            return fault(c, ERR_UNKNOWN_ATTRIBUTE, member, text_of(key));
        }
    }
    return ERR_OK;
}

/* An array with 1..max elements. */
static err_t list_check(const struct compile *c, const json_t *v, size_t max, const char *member)
{
    if (!json_is_array(v) || json_array_size(v) == 0) {
        return fault(c, ERR_ATTRIBUTE_TYPE, member, text_empty());
    }
    return json_array_size(v) <= max ? ERR_OK : fault(c, ERR_LIMIT_SIZE, member, text_empty());
}

/* -- originators ----------------------------------------------------------------------------------- */
static bool pattern_is_sound(struct text t)
{
    if (t.n == 0 || t.n > PATTERN_MAX || text_eq_z(t, "/") || text_eq_z(t, "//")) {
        return false;
    }
    for (size_t i = 0; i < t.n; i++) {
        char c = t.p[i];
        if (!m2mid_is_unreserved(text_span(&c, 1)) && c != '*' && c != '/' && c != '@') {
            return false;
        }
    }
    return true;
}

/* Domain names are compared without case: stored in lower case, as the originator's forms are. */
static void write_pattern(struct writer *w, struct text t)
{
    char folded[M2MID_MAX];
    size_t host = 0;
    if (text_starts(t, "//")) {
        host = 2 + text_find(text_skip(t, 2), '/');
    }
    for (size_t i = 0; i < t.n; i++) {
        folded[i] = i < host ? text_lower(t.p[i]) : t.p[i];
    }
    writer_block16(w, bytes_of(folded, t.n));
}

static err_t originators(const struct compile *c, const json_t *acor)
{
    if (acor == NULL) {
        return fault(c, ERR_MISSING, "acor", text_empty());
    }
    TRY(list_check(c, acor, ACCESS_ORIGINATORS_MAX, "acor"));
    size_t mark = writer_mark16(c->out);
    for (size_t i = 0; i < json_array_size(acor); i++) {
        struct text t = string_of(json_array_get(acor, i));
        if (!pattern_is_sound(t)) {
            return fault(c, ERR_ATTRIBUTE_TYPE, "acor", t);
        }
        write_pattern(c->out, t);
    }
    writer_close16(c->out, mark);
    return ERR_OK;
}

/* -- contexts -------------------------------------------------------------------------------------- */
static err_t windows(const struct compile *c, const json_t *actw)
{
    if (actw == NULL) {
        writer_u8(c->out, 0);
        return ERR_OK;
    }
    TRY(list_check(c, actw, ACCESS_WINDOWS_MAX, "acco.actw"));
    writer_u8(c->out, (uint8_t)json_array_size(actw));
    for (size_t i = 0; i < json_array_size(actw); i++) {
        struct text t = string_of(json_array_get(actw, i));
        struct schedule s;
        if (schedule_parse(t, &s) != ERR_OK) {
            return fault(c, ERR_ATTRIBUTE_TYPE, "acco.actw", t);
        }
        schedule_write(&s, c->out);
    }
    return ERR_OK;
}

static err_t net_list(const struct compile *c, const json_t *list, uint8_t family, const char *member)
{
    if (list == NULL) {
        return ERR_OK;
    }
    TRY(list_check(c, list, ACCESS_NETS_MAX, member));
    for (size_t i = 0; i < json_array_size(list); i++) {
        struct text t = string_of(json_array_get(list, i));
        struct ipaddr_net net;
        if (ipaddr_net_parse(t, &net) != ERR_OK || (family == 4 && net.addr.len != 4)) {
            return fault(c, ERR_ATTRIBUTE_TYPE, member, t);
        }
        writer_u8(c->out, net.addr.len);
        writer_bytes(c->out, bytes_of(net.addr.b, net.addr.len));
        writer_u8(c->out, net.prefix);
    }
    return ERR_OK;
}

static err_t nets(const struct compile *c, const json_t *acip)
{
    static const char *const members[] = {"ipv4", "ipv6", NULL};
    if (acip == NULL) {
        writer_u8(c->out, 0);
        return ERR_OK;
    }
    TRY(members_check(c, acip, members, "acco.acip"));
    const json_t *v4 = json_object_get(acip, "ipv4");
    const json_t *v6 = json_object_get(acip, "ipv6");
    size_t n = json_array_size(v4) + json_array_size(v6);
    if (n == 0) {
        return fault(c, ERR_ATTRIBUTE_TYPE, "acco.acip", text_empty());
    }
    if (n > UINT8_MAX) {
        return fault(c, ERR_LIMIT_SIZE, "acco.acip", text_empty());
    }
    writer_u8(c->out, (uint8_t)n);
    TRY(net_list(c, v4, 4, "acco.acip.ipv4"));
    return net_list(c, v6, 6, "acco.acip.ipv6");
}

/* -- regions --------------------------------------------------------------------------------------- */
/* [lo..hi] as a number of 1/scale from `lo` on; false if it is no number in there. */
static bool scaled(const json_t *v, double lo, double hi, double scale, uint64_t *out)
{
    double d = json_number_value(v);
    if (!json_is_number(v) || !(d >= lo && d <= hi)) {
        return false;
    }
    *out = (uint64_t)((d - lo) * scale + 0.5);
    return true;
}

/* circRegion: latitude, longitude, radius in metres. */
static err_t circle(const struct compile *c, const json_t *accr)
{
    uint64_t at[3];
    bool ok = json_array_size(accr) == 3 && scaled(json_array_get(accr, 0), -90, 90, 1e6, &at[0]) &&
              scaled(json_array_get(accr, 1), -180, 180, 1e6, &at[1]) &&
              scaled(json_array_get(accr, 2), 0, 4e7, 1e3, &at[2]); /* no place is farther away than half of 40,000 km */
    if (!ok) {
        return fault(c, ERR_ATTRIBUTE_TYPE, "acco.aclr.accr", text_empty());
    }
    writer_u8(c->out, 0);
    writer_u32(c->out, (uint32_t)at[0]);
    writer_u32(c->out, (uint32_t)at[1]);
    writer_u64(c->out, at[2]);
    return ERR_OK;
}

/* countryCodes: two letters each, upper case [ISO 3166-1]. */
static err_t countries(const struct compile *c, const json_t *accc)
{
    TRY(list_check(c, accc, ACCESS_COUNTRIES_MAX, "acco.aclr.accc"));
    writer_u8(c->out, (uint8_t)json_array_size(accc));
    for (size_t i = 0; i < json_array_size(accc); i++) {
        struct text t = string_of(json_array_get(accc, i));
        if (t.n != 2 || t.p[0] < 'A' || t.p[0] > 'Z' || t.p[1] < 'A' || t.p[1] > 'Z') {
            return fault(c, ERR_ATTRIBUTE_TYPE, "acco.aclr.accc", t);
        }
        writer_text(c->out, t);
    }
    return ERR_OK;
}

static err_t region(const struct compile *c, const json_t *aclr)
{
    static const char *const members[] = {"accr", "accc", NULL};
    if (aclr == NULL) {
        return ERR_OK;
    }
    TRY(members_check(c, aclr, members, "acco.aclr"));
    if (json_object_size(aclr) != 1) { /* never both, never none */
        return fault(c, ERR_ATTRIBUTE_TYPE, "acco.aclr", text_empty());
    }
    const json_t *accc = json_object_get(aclr, "accc");
    return accc != NULL ? countries(c, accc) : circle(c, json_object_get(aclr, "accr"));
}

static err_t context(const struct compile *c, const json_t *v)
{
    static const char *const members[] = {"actw", "acip", "aclr", NULL};
    TRY(members_check(c, v, members, "acco"));
    const json_t *actw = json_object_get(v, "actw");
    const json_t *acip = json_object_get(v, "acip");
    const json_t *aclr = json_object_get(v, "aclr");
    size_t mark = writer_mark16(c->out);
    writer_u8(c->out, (uint8_t)((actw != NULL ? ACCESS_CONTEXT_TIME : 0) | (acip != NULL ? ACCESS_CONTEXT_IP : 0) |
                                (aclr != NULL ? ACCESS_CONTEXT_LOCATION : 0)));
    TRY(windows(c, actw));
    TRY(nets(c, acip));
    TRY(region(c, aclr));
    writer_close16(c->out, mark);
    return ERR_OK;
}

/* -- object details -------------------------------------------------------------------------------- */
static bool type_of(const json_t *v, uint32_t *out)
{
    if (!json_is_integer(v) || json_integer_value(v) < 1 || json_integer_value(v) > 65535) {
        return false;
    }
    *out = (uint32_t)json_integer_value(v);
    return true;
}

/* specializationType: a number (mgmtDefinition) or an address (containerDefinition), compared as text. */
static err_t specialization(const struct compile *c, const json_t *v)
{
    char digits[24];
    struct writer w = WRITER_ARRAY(digits);
    struct text t = string_of(v);
    if (json_is_integer(v) && json_integer_value(v) >= 0) {
        writer_decimal(&w, (uint64_t)json_integer_value(v));
        t = writer_view_text(&w);
    }
    if (v != NULL && (t.n == 0 || t.n > 256)) {
        return fault(c, ERR_ATTRIBUTE_TYPE, "acod.spty", t);
    }
    writer_block16(c->out, text_bytes(t));
    return ERR_OK;
}

static err_t object_detail(const struct compile *c, const json_t *v)
{
    static const char *const members[] = {"ty", "spty", "chty", NULL};
    TRY(members_check(c, v, members, "acod"));
    const json_t *ty = json_object_get(v, "ty");
    const json_t *spty = json_object_get(v, "spty");
    const json_t *chty = json_object_get(v, "chty");
    uint32_t number = 0;
    if (ty != NULL && !type_of(ty, &number)) {
        return fault(c, ERR_ATTRIBUTE_TYPE, "acod.ty", text_empty());
    }
    if ((number == 13 || number == 28) && spty == NULL) { /* 12.5: required for mgmtObj and flexContainer */
        return fault(c, ERR_MISSING, "acod.spty", text_empty());
    }
    if (chty == NULL) {
        return fault(c, ERR_MISSING, "acod.chty", text_empty());
    }
    TRY(list_check(c, chty, ACCESS_CHILDREN_MAX, "acod.chty"));
    size_t mark = writer_mark16(c->out);
    writer_u8(c->out, (uint8_t)((ty != NULL ? ACCESS_DETAIL_TY : 0) | (spty != NULL ? ACCESS_DETAIL_SPTY : 0)));
    writer_u32(c->out, number);
    TRY(specialization(c, spty));
    writer_u8(c->out, (uint8_t)json_array_size(chty));
    for (size_t i = 0; i < json_array_size(chty); i++) {
        if (!type_of(json_array_get(chty, i), &number)) {
            return fault(c, ERR_ATTRIBUTE_TYPE, "acod.chty", text_empty());
        }
        writer_u32(c->out, number);
    }
    writer_close16(c->out, mark);
    return ERR_OK;
}

/* -- rules ----------------------------------------------------------------------------------------- */
struct part_row {
    const char *member;
    size_t max;
    err_t (*compile)(const struct compile *c, const json_t *v);
};

static err_t parts(const struct compile *c, const json_t *rule, const struct part_row *row)
{
    const json_t *list = json_object_get(rule, row->member);
    if (list == NULL) {
        writer_u8(c->out, 0);
        return ERR_OK;
    }
    TRY(list_check(c, list, row->max, row->member));
    writer_u8(c->out, (uint8_t)json_array_size(list));
    for (size_t i = 0; i < json_array_size(list); i++) {
        TRY(row->compile(c, json_array_get(list, i)));
    }
    return ERR_OK;
}

static err_t rule(const struct compile *c, const json_t *v)
{
    static const char *const members[] = {"acor", "acop", "acco", "acaf", "acod", NULL};
    static const struct part_row contexts = {"acco", ACCESS_CONTEXTS_MAX, context};
    static const struct part_row details = {"acod", ACCESS_DETAILS_MAX, object_detail};
    TRY(members_check(c, v, members, "(rule)"));
    const json_t *acop = json_object_get(v, "acop");
    const json_t *acaf = json_object_get(v, "acaf");
    if (acop == NULL) {
        return fault(c, ERR_MISSING, "acop", text_empty());
    }
    if (!json_is_integer(acop) || json_integer_value(acop) < 1 || json_integer_value(acop) > ACCESS_ALL) {
        return fault(c, ERR_ATTRIBUTE_TYPE, "acop", text_empty());
    }
    if (acaf != NULL && !json_is_boolean(acaf)) {
        return fault(c, ERR_ATTRIBUTE_TYPE, "acaf", text_empty());
    }
    size_t mark = writer_mark16(c->out);
    writer_u8(c->out, (uint8_t)json_integer_value(acop));
    writer_u8(c->out, json_is_true(acaf) ? ACCESS_RULE_AUTHN : 0);
    TRY(originators(c, json_object_get(v, "acor")));
    TRY(parts(c, v, &contexts));
    TRY(parts(c, v, &details));
    writer_close16(c->out, mark);
    return ERR_OK;
}

err_t access_rules_compile(const json_t *pv, const char *name, struct writer *out,
                           char detail[static ROLE_DETAIL_MAX])
{
    struct compile c = {.out = out, .detail = detail, .name = name};
    const json_t *acr = json_object_get(pv, "acr");
    if (!json_is_object(pv) || json_object_size(pv) != (acr != NULL ? 1 : 0) || (acr != NULL && !json_is_array(acr))) {
        return detail_fail(detail, ERR_ATTRIBUTE_TYPE, "must be {\"acr\": [rules]}", text_of(name));
    }
    size_t n = json_array_size(acr);
    if (n > ACCESS_RULES_MAX) {
        return detail_fail(detail, ERR_LIMIT_SIZE, "too many rules", text_of(name));
    }
    size_t start = out->n;
    writer_u16(out, (uint16_t)n);
    for (c.rule = 0; c.rule < n; c.rule++) {
        TRY(rule(&c, json_array_get(acr, c.rule)));
    }
    if (writer_finish(out) != ERR_OK || out->n - start > ACCESS_COMPILED_MAX) {
        return detail_fail(detail, ERR_LIMIT_SIZE, "too many rules", text_of(name));
    }
    return ERR_OK;
}

unsigned access_rules_count(struct bytes rules)
{
    struct reader r = reader_of(rules);
    return reader_u16(&r);
}
