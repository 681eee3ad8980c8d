#include "wire/mefcmd.h"

#include "wire/json.h"
#include "wire/reg_attr.h"

#include <string.h>

enum { DURATION_MAX_DAYS = 36500, URI_MAX = 512, PATH_MAX_OCTETS = 256, SUBJECT_MAX = 256 };

static const struct {
    const char *member, *called;
} classes[MEFCMD_CLASSES] = {
#define MEFCMD_CLASS(name, number, member, called) [(number)] = {(member), (called)},
#include "wire/mefcmd_rows.h"
#undef MEFCMD_CLASS
};

static const struct status {
    unsigned number;
    int of;
    bool client;
    const char *name;
} statuses[] = {
#define MEFCMD_STATUS(name, number, of, client, text) {(number), (of), (client), (text)},
#include "wire/mefcmd_rows.h"
#undef MEFCMD_STATUS
};

const char *mefcmd_class_name(unsigned class_id)
{
    return class_id < MEFCMD_CLASSES ? classes[class_id].called : NULL;
}

err_t mefcmd_class_parse(struct text called, unsigned *out)
{
    for (unsigned i = 0; i < MEFCMD_CLASSES; i++) {
        if (text_eq_z(called, classes[i].called)) {
            *out = i;
            return ERR_OK;
        }
    }
    return ERR_USAGE;
}

static const struct status *status_of(unsigned number)
{
    for (size_t i = 0; i < ARRAY_LEN(statuses); i++) {
        if (statuses[i].number == number) {
            return &statuses[i];
        }
    }
    return NULL;
}

const char *mefcmd_status_name(unsigned status)
{
    const struct status *s = status_of(status);
    return s == NULL ? NULL : s->name;
}

bool mefcmd_status_fits(unsigned status, unsigned class_id)
{
    const struct status *s = status_of(status);
    return s != NULL && s->client && (s->of < 0 || (unsigned)s->of == class_id);
}

bool mefcmd_id_is(struct text t)
{
    bool good = t.n > 0 && t.n < MEFCMD_ID_MAX;
    for (size_t i = 0; i < t.n && good; i++) {
        char c = text_lower(t.p[i]);
        good = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
    }
    return good;
}

/* -- xs:duration ------------------------------------------------------------------------------------------ */
static const struct unit {
    char letter;
    bool time; /* stands behind the T */
    usec_t seconds;
} units[] = {{'Y', false, 365 * 86400}, {'M', false, 30 * 86400}, {'D', false, 86400},
             {'H', true, 3600},         {'M', true, 60},          {'S', true, 1}};

/* The number in front of this unit, if there is one, taken off *t. */
static err_t take_unit(struct text *t, const struct unit *u, usec_t *sum, bool *any)
{
    size_t digits = 0;
    uint64_t v = 0;
    while (digits < t->n && t->p[digits] >= '0' && t->p[digits] <= '9') {
        digits++;
    }
    if (digits == 0 || digits > 9 || digits == t->n || t->p[digits] != u->letter) {
        return ERR_OK;
    }
    for (size_t i = 0; i < digits; i++) {
        v = 10 * v + (uint64_t)(t->p[i] - '0');
    }
    if (v > (uint64_t)DURATION_MAX_DAYS * 86400 / (uint64_t)u->seconds) {
        return ERR_MALFORMED_TIME;
    }
    *sum += (usec_t)v * u->seconds;
    *any = true;
    *t = text_skip(*t, digits + 1);
    return ERR_OK;
}

err_t mefcmd_duration(struct text t, usec_t *out)
{
    usec_t sum = 0;
    bool any = false;
    bool time = false;
    if (!text_starts(t, "P")) {
        return ERR_MALFORMED_TIME;
    }
    t = text_skip(t, 1);
    for (size_t i = 0; i < ARRAY_LEN(units); i++) {
        if (units[i].time && !time && text_starts(t, "T")) {
            t = text_skip(t, 1);
            time = true;
            any = false; /* something must follow it */
        }
        TRY(units[i].time && !time ? ERR_OK : take_unit(&t, &units[i], &sum, &any));
    }
    *out = sum * USEC_PER_SEC;
    return any && t.n == 0 && sum <= (usec_t)DURATION_MAX_DAYS * 86400 ? ERR_OK : ERR_MALFORMED_TIME;
}

/* -- arguments: rows ---------------------------------------------------------------------------------------- */
struct text mefcmd_uri_host(struct text uri)
{
    size_t colon = text_find(uri, ':');
    struct text rest = text_skip(uri, colon + 1);
    if (colon == 0 || !text_starts(rest, "//")) {
        return text_empty();
    }
    rest = text_skip(rest, 2);
    rest = text_take(rest, text_find(rest, '/'));
    if (text_find(rest, '@') < rest.n) { /* user information: whose name would it be? */
        return text_empty();
    }
    return text_take(rest, text_find(rest, ':'));
}

static struct text text_value(const json_t *v)
{
    return text_span(json_string_value(v), json_string_length(v));
}

static bool number(const json_t *v, uint32_t most, uint32_t *out)
{
    json_int_t n = json_is_integer(v) ? json_integer_value(v) : -1;
    *out = (uint32_t)(n < 0 || n > (json_int_t)most ? 0 : n);
    return n >= 0 && n <= (json_int_t)most;
}

static bool short_text(const json_t *v, size_t most, struct text *out)
{
    *out = text_value(v);
    return json_is_string(v) && out->n > 0 && out->n <= most;
}

static bool read_retry(const json_t *v, struct mefcmd_args *a)
{
    return json_is_string(v) && mefcmd_duration(text_value(v), &a->retry) == ERR_OK;
}

static bool read_protocol(const json_t *v, struct mefcmd_args *a)
{
    return number(v, UINT16_MAX, &a->protocol);
}

static bool read_uri(const json_t *v, struct mefcmd_args *a)
{
    return short_text(v, URI_MAX, &a->uri) && mefcmd_uri_host(a->uri).n > 0;
}

static bool read_subject_type(const json_t *v, struct mefcmd_args *a)
{
    return number(v, UINT16_MAX, &a->subject_type);
}

static bool read_subject(const json_t *v, struct mefcmd_args *a)
{
    return short_text(v, SUBJECT_MAX, &a->subject);
}

/* sec:deviceConfigURI is "devMgmtID:URI" */
static bool read_device_config(const json_t *v, struct mefcmd_args *a)
{
    struct text whole;
    uint64_t id = 0;
    if (!short_text(v, URI_MAX, &whole) || text_u64(text_take(whole, text_find(whole, ':')), UINT16_MAX, &id) != ERR_OK) {
        return false;
    }
    a->protocol = (uint32_t)id;
    a->uri = text_skip(whole, text_find(whole, ':') + 1);
    return mefcmd_uri_host(a->uri).n > 0;
}

static bool read_path(const json_t *v, struct mefcmd_args *a)
{
    return short_text(v, PATH_MAX_OCTETS, &a->path);
}

static bool read_object_type(const json_t *v, struct mefcmd_args *a)
{
    return number(v, UINT16_MAX, &a->object_type);
}

/* {"authProfileMONodeArgs":{"SUID":n}} */
static bool read_specific(const json_t *v, struct mefcmd_args *a)
{
    const json_t *of = json_object_get(v, "authProfileMONodeArgs");
    bool good = json_object_size(v) == 1 && json_object_size(of) == 1 && number(json_object_get(of, "SUID"), 99, &a->suid);
    a->specific = good ? MEFCMD_SPECIFIC_SUID : MEFCMD_SPECIFIC_BAD;
    return json_is_object(v);
}

static const struct row {
    unsigned class_id;
    const char *name;
    bool optional;
    bool (*read)(const json_t *v, struct mefcmd_args *a);
} rows[] = {
    {MEFCMD_NO_MORE, "retryDuration", false, read_retry},
    {MEFCMD_CERT_PROV, "certProvProtocolID", false, read_protocol},
    {MEFCMD_CERT_PROV, "URI", false, read_uri},
    {MEFCMD_CERT_PROV, "certSubjectType", false, read_subject_type},
    {MEFCMD_CERT_PROV, "certSubjectID", false, read_subject},
    {MEFCMD_DEV_CFG, "deviceConfigURI", false, read_device_config},
    {MEFCMD_MO_NODE, "objectPath", false, read_path},
    {MEFCMD_MO_NODE, "objectTypeID", false, read_object_type},
    {MEFCMD_MO_NODE, "objectTypeSpecifcArgs", true, read_specific},
};

err_t mefcmd_args_parse(unsigned class_id, const json_t *inner, struct mefcmd_args *out, const char **wrong)
{
    size_t seen = 0;
    memset(out, 0, sizeof(*out));
    *wrong = "cmdArgs";
    if (!json_is_object(inner)) {
        return ERR_ATTRIBUTE_TYPE;
    }
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const json_t *v = rows[i].class_id == class_id ? json_object_get(inner, rows[i].name) : NULL;
        bool absent = v == NULL && (rows[i].class_id != class_id || rows[i].optional);
        if (!absent && (v == NULL || !rows[i].read(v, out))) {
            *wrong = rows[i].name;
            return ERR_ATTRIBUTE_TYPE;
        }
        seen += absent ? 0 : 1;
    }
    return seen == json_object_size(inner) ? ERR_OK : ERR_ATTRIBUTE_TYPE;
}

const json_t *mefcmd_args_of(unsigned class_id, const json_t *args)
{
    bool one = class_id < MEFCMD_CLASSES && json_object_size(args) == 1;
    return one ? json_object_get(args, classes[class_id].member) : NULL;
}

/* -- the resource --------------------------------------------------------------------------------------------- */
void mefcmd_write(struct emit *e, const struct mefcmd_out *c)
{
    emit_text(e, reg_attr_name(REG_ATTR_CMID), c->id);
    emit_object(e, reg_attr_name(REG_ATTR_CMDE));
    emit_number(e, "cmdClassID", c->class_id);
    emit_object(e, "cmdArgs");
    emit_name(e, classes[c->class_id < MEFCMD_CLASSES ? c->class_id : 0].member);
    writer_text(e->w, c->args);
    emit_close_object(e);
    if (c->target.n > 0) {
        emit_text(e, "targetID", c->target);
    }
    emit_close_object(e);
    emit_number(e, reg_attr_name(REG_ATTR_CMSC), c->status);
}

err_t mefcmd_parse(const json_t *pc, struct mefcmd *out)
{
    const json_t *c = json_object_get(pc, reg_attr_root(REG_ATTR_TY_MEF_COMMAND));
    const json_t *d = json_object_get(c, reg_attr_name(REG_ATTR_CMDE));
    const json_t *target = json_object_get(d, "targetID");
    *out = (struct mefcmd){.id = text_value(json_object_get(c, reg_attr_name(REG_ATTR_CMID)))};
    out->args = json_object_get(d, "cmdArgs");
    out->target = text_value(target);
    bool good = mefcmd_id_is(out->id) && number(json_object_get(d, "cmdClassID"), UINT16_MAX, &out->class_id) &&
                number(json_object_get(c, reg_attr_name(REG_ATTR_CMSC)), UINT16_MAX, &out->status) &&
                (target == NULL || json_is_string(target));
    bool issued = out->status == MEFCMD_STATUS_ISSUED || out->status == MEFCMD_STATUS_REISSUED;
    return good && issued ? ERR_OK : ERR_PEER_NONSENSE;
}
