#include "role/cse/criteria.h"

#include "role/detail.h"
#include "wire/json.h"
#include "wire/timestamp.h"

#include <string.h>

#define NAME_MAX_OCTETS 64

/* -- from JSON ------------------------------------------------------------------------------------------------ */
typedef err_t member_fn(const json_t *v, size_t which, struct criteria *out);

static err_t take_time(const json_t *v, size_t which, struct criteria *out)
{
    usec_t t = 0;
    if (!json_is_string(v) ||
        timestamp_parse(text_span(json_string_value(v), json_string_length(v)), &t) != ERR_OK || t < 0) {
        return ERR_ATTRIBUTE_TYPE;
    }
    out->given |= 1U << which;
    out->bound[which] = (uint64_t)t;
    return ERR_OK;
}

static err_t take_number(const json_t *v, size_t which, struct criteria *out)
{
    if (!json_is_integer(v) || json_integer_value(v) < 0) {
        return ERR_ATTRIBUTE_TYPE;
    }
    out->given |= 1U << which;
    out->bound[which] = (uint64_t)json_integer_value(v);
    return ERR_OK;
}

/* 5 to 7: retrieval of a container without instances, triggers, blocking updates. */
static err_t take_net(const json_t *v, size_t which, struct criteria *out)
{
    (void)which;
    if (!json_is_array(v) || json_array_size(v) == 0) {
        return ERR_ATTRIBUTE_TYPE;
    }
    out->net = 0;
    for (size_t i = 0; i < json_array_size(v); i++) {
        const json_t *one = json_array_get(v, i);
        json_int_t n = json_integer_value(one);
        if (!json_is_integer(one) || n < 1 || n > 7) {
            return ERR_ATTRIBUTE_TYPE;
        }
        if (n > CRITERIA_DELETE_CHILD) {
            return ERR_NOT_IMPLEMENTED;
        }
        out->net |= 1U << n;
    }
    return ERR_OK;
}

static err_t take_attributes(const json_t *v, size_t which, struct criteria *out)
{
    (void)which;
    if (!json_is_array(v) || json_array_size(v) == 0 || json_array_size(v) > CRITERIA_ATTRIBUTES_MAX) {
        return ERR_ATTRIBUTE_TYPE;
    }
    for (size_t i = 0; i < json_array_size(v); i++) {
        const json_t *one = json_array_get(v, i);
        size_t n = json_string_length(one);
        if (!json_is_string(one) || n == 0 || n > NAME_MAX_OCTETS || strlen(json_string_value(one)) != n) {
            return ERR_ATTRIBUTE_TYPE;
        }
        out->attributes[out->attributes_n++] = text_span(json_string_value(one), n);
    }
    return ERR_OK;
}

static err_t take_types(const json_t *v, size_t which, struct criteria *out)
{
    (void)which;
    if (!json_is_array(v) || json_array_size(v) == 0 || json_array_size(v) > CRITERIA_TYPES_MAX) {
        return ERR_ATTRIBUTE_TYPE;
    }
    for (size_t i = 0; i < json_array_size(v); i++) {
        const json_t *one = json_array_get(v, i);
        if (!json_is_integer(one) || json_integer_value(one) < 1 || json_integer_value(one) > UINT16_MAX) {
            return ERR_ATTRIBUTE_TYPE;
        }
        out->types[out->types_n++] = (uint32_t)json_integer_value(one);
    }
    return ERR_OK;
}

static err_t refuse(const json_t *v, size_t which, struct criteria *out)
{
    (void)v, (void)which, (void)out;
    return ERR_NOT_IMPLEMENTED;
}

static const struct {
    const char *name;
    member_fn *take;
    size_t which;
} members[] = {
    {"crb", take_time, CRITERIA_CRB},   {"cra", take_time, CRITERIA_CRA},   {"ms", take_time, CRITERIA_MS},
    {"us", take_time, CRITERIA_US},     {"sts", take_number, CRITERIA_STS}, {"stb", take_number, CRITERIA_STB},
    {"exb", take_time, CRITERIA_EXB},   {"exa", take_time, CRITERIA_EXA},   {"sza", take_number, CRITERIA_SZA},
    {"szb", take_number, CRITERIA_SZB}, {"net", take_net, 0},               {"atr", take_attributes, 0},
    {"chty", take_types, 0},            {"om", refuse, 0},                  {"md", refuse, 0},
};

static err_t take_member(const char *name, const json_t *v, struct criteria *out)
{
    for (size_t i = 0; i < ARRAY_LEN(members); i++) {
        if (strcmp(members[i].name, name) == 0) {
            return members[i].take(v, members[i].which, out);
        }
    }
    return ERR_UNKNOWN_ATTRIBUTE;
}

err_t criteria_compile(const json_t *enc, struct criteria *out, char detail[static ROLE_DETAIL_MAX])
{
    const char *name;
    json_t *v;
    *out = (struct criteria){.net = 1U << CRITERIA_UPDATE}; /* the default [TS-0001 table 9.6.8-3] */
    json_object_foreach((json_t *)enc, name, v) {
        err_t e = take_member(name, v, out);
        if (e != ERR_OK) {
            return detail_fail(detail, e, "enc", text_of(name));
        }
    }
    return ERR_OK;
}

/* -- the decision --------------------------------------------------------------------------------------------- */
/* What the event's resource has for a window; false: nothing. */
static bool subject(const struct criteria_event *e, enum criteria_window w, uint64_t *out)
{
    switch (w) {
    case CRITERIA_CRB:
    case CRITERIA_CRA:
        *out = (uint64_t)e->ct;
        return true;
    case CRITERIA_MS:
    case CRITERIA_US:
        *out = (uint64_t)e->lt;
        return true;
    case CRITERIA_EXB:
    case CRITERIA_EXA:
        *out = (uint64_t)e->et;
        return e->et != USEC_NEVER;
    case CRITERIA_STS:
    case CRITERIA_STB:
        *out = e->state;
        return e->has_state;
    case CRITERIA_SZA:
    case CRITERIA_SZB:
        *out = e->size;
        return e->has_size;
    case CRITERIA_WINDOWS:
        break;
    }
    return false;
}

static bool window_met(const struct criteria *c, const struct criteria_event *e, enum criteria_window w)
{
    static const bool below[CRITERIA_WINDOWS] = { /* else at the bound or beyond; sizes and states: strictly above */
        [CRITERIA_CRB] = true, [CRITERIA_US] = true, [CRITERIA_STS] = true, [CRITERIA_EXB] = true, [CRITERIA_SZB] = true};
    uint64_t v = 0;
    if ((c->given & 1U << w) == 0) {
        return true;
    }
    if (!subject(e, w, &v)) {
        return false;
    }
    bool strict = w == CRITERIA_STB;
    return below[w] ? v < c->bound[w] : strict ? v > c->bound[w] : v >= c->bound[w];
}

static bool attribute_met(const struct criteria *c, const struct criteria_event *e)
{
    if (c->attributes_n == 0 || e->kind != CRITERIA_UPDATE) {
        return true;
    }
    const char *name;
    json_t *v;
    json_object_foreach((json_t *)e->changed, name, v) {
        for (size_t i = 0; i < c->attributes_n; i++) {
            if (text_eq_z(c->attributes[i], name)) {
                return true;
            }
        }
    }
    return false;
}

static bool type_met(const struct criteria *c, const struct criteria_event *e)
{
    bool met = c->types_n == 0 || e->kind < CRITERIA_CREATE_CHILD;
    for (size_t i = 0; i < c->types_n && !met; i++) {
        met = c->types[i] == e->ty;
    }
    return met;
}

bool criteria_match(const struct criteria *c, const struct criteria_event *e)
{
    if ((c->net & 1U << e->kind) == 0 || !attribute_met(c, e) || !type_met(c, e)) {
        return false;
    }
    for (size_t i = 0; i < CRITERIA_WINDOWS; i++) {
        if (!window_met(c, e, (enum criteria_window)i)) {
            return false;
        }
    }
    return true;
}

/* -- the record ----------------------------------------------------------------------------------------------- */
void criteria_write(const struct criteria *c, struct writer *w)
{
    writer_u8(w, (uint8_t)c->net);
    writer_u16(w, (uint16_t)c->given);
    for (size_t i = 0; i < CRITERIA_WINDOWS; i++) {
        if ((c->given & 1U << i) != 0) {
            writer_u64(w, c->bound[i]);
        }
    }
    writer_u8(w, (uint8_t)c->attributes_n);
    for (size_t i = 0; i < c->attributes_n; i++) {
        writer_block16(w, text_bytes(c->attributes[i]));
    }
    writer_u8(w, (uint8_t)c->types_n);
    for (size_t i = 0; i < c->types_n; i++) {
        writer_u16(w, (uint16_t)c->types[i]);
    }
}

void criteria_read(struct reader *r, struct criteria *out)
{
    *out = (struct criteria){.net = reader_u8(r), .given = reader_u16(r)};
    for (size_t i = 0; i < CRITERIA_WINDOWS; i++) {
        out->bound[i] = (out->given & 1U << i) != 0 ? reader_u64(r) : 0;
    }
    size_t n = reader_u8(r);
    r->failed = r->failed || n > CRITERIA_ATTRIBUTES_MAX || out->given >= 1U << CRITERIA_WINDOWS;
    for (size_t i = 0; i < n && !r->failed; i++) {
        struct bytes b = reader_block16(r);
        out->attributes[out->attributes_n++] = text_span((const char *)b.p, b.n);
    }
    n = reader_u8(r);
    r->failed = r->failed || n > CRITERIA_TYPES_MAX;
    for (size_t i = 0; i < n && !r->failed; i++) {
        out->types[out->types_n++] = reader_u16(r);
    }
}
