#include "role/cse/cse_attr.h"

#include "role/cse/access_rules.h"
#include "role/cse/e2e_info.h"
#include "role/detail.h"
#include "wire/json.h"
#include "wire/timestamp.h"

#define LIST_TEXT_MAX 256

static struct text text_value(const json_t *v)
{
    return json_is_string(v) ? text_span(json_string_value(v), json_string_length(v)) : text_empty();
}

static bool is_text(const json_t *v, int64_t min, int64_t max)
{
    return json_is_string(v) && (int64_t)json_string_length(v) >= min && (int64_t)json_string_length(v) <= max;
}

/* A name is one path segment that every binding can carry: no ".", "..", no virtual child, no "-". */
static bool is_name(const json_t *v, int64_t max)
{
    static const char *const reserved[] = {".", "..", "-", "~", "_", "la", "ol", "fopt", "pcu"};
    struct text t = text_value(v);
    for (size_t i = 0; i < ARRAY_LEN(reserved); i++) {
        if (text_eq_z(t, reserved[i])) {
            return false;
        }
    }
    return (int64_t)t.n <= max && m2mid_is_unreserved(t);
}

static bool is_texts(const json_t *v, int64_t max)
{
    if (!json_is_array(v) || json_array_size(v) == 0 || (int64_t)json_array_size(v) > max) {
        return false;
    }
    for (size_t i = 0; i < json_array_size(v); i++) {
        if (!is_text(json_array_get(v, i), 1, LIST_TEXT_MAX)) {
            return false;
        }
    }
    return true;
}

static bool is_future(const json_t *v, usec_t now)
{
    usec_t t = 0;
    return json_is_string(v) && timestamp_parse(text_value(v), &t) == ERR_OK && t > now;
}

static bool has_kind(const struct types_attr *a, const json_t *v, usec_t now)
{
    switch (a->kind) {
    case TYPES_TEXT:
        return is_text(v, a->min, a->max);
    case TYPES_NAME:
        return is_name(v, a->max);
    case TYPES_UINT:
        return json_is_integer(v) && json_integer_value(v) >= a->min && json_integer_value(v) <= a->max;
    case TYPES_BOOL:
        return json_is_boolean(v);
    case TYPES_TIME:
        return is_future(v, now);
    case TYPES_TEXTS:
        return is_texts(v, a->max);
    case TYPES_OBJECT:
    case TYPES_E2E:
    case TYPES_RULES: /* their inside is checked when they are compiled */
        return json_is_object(v);
    case TYPES_ANY:
        return !json_is_null(v);
    case TYPES_NULL:
        return json_is_null(v);
    case TYPES_REFUSED:
        return false;
    }
    return false;
}

err_t cse_attr_open(const struct types_row *type, const struct request *rq, const json_t **out,
                    char detail[static ROLE_DETAIL_MAX])
{
    const json_t *pc = rq->prim->pc;
    if (pc == NULL) {
        return detail_fail(detail, ERR_MISSING, "content", text_of(type->root));
    }
    *out = json_object_get(pc, type->root);
    if (json_object_size(pc) != 1 || !json_is_object(*out)) {
        return detail_fail(detail, ERR_CONTENTS, "the content must be one object named", text_of(type->root));
    }
    return ERR_OK;
}

/* One attribute of the content against its row. */
static err_t attr_check(const struct types_row *type, const char *name, const json_t *v, bool create, usec_t now,
                        char *detail)
{
    const struct types_attr *a = types_attr_find(type, name);
    if (a == NULL) {
        return detail_fail(detail, ERR_UNKNOWN_ATTRIBUTE, type->root, text_of(name));
    }
    enum types_presence presence = create ? types_on_create(type, a) : types_on_update(type, a);
    if (presence == TYPES_NP) {
        return detail_fail(detail, ERR_NOT_PERMITTED, type->root, text_of(name));
    }
    if (a->kind == TYPES_REFUSED) {
        return detail_fail(detail, ERR_NOT_IMPLEMENTED, type->root, text_of(name));
    }
    if (!create && json_is_null(v)) { /* null deletes; what CREATE demands cannot be deleted */
        return types_on_create(type, a) != TYPES_M && a->source == TYPES_GIVEN
                   ? ERR_OK
                   : detail_fail(detail, ERR_NOT_PERMITTED, "cannot be deleted", text_of(name));
    }
    if (!has_kind(a, v, now)) {
        return detail_fail(detail, ERR_ATTRIBUTE_TYPE, type->root, text_of(name));
    }
    return a->kind == TYPES_E2E ? e2e_info_check(v, detail) : ERR_OK;
}

err_t cse_attr_create(const struct types_row *type, const json_t *in, usec_t now, json_t **out,
                      char detail[static ROLE_DETAIL_MAX])
{
    SCOPED(json_scope) json_t *attrs = json_object();
    const char *name;
    json_t *v;
    json_object_foreach((json_t *)in, name, v) {
        TRY(attr_check(type, name, v, true, now, detail));
        if (json_object_set(attrs, name, v) != 0) {
            return ERR_LIMIT_CAPACITY;
        }
    }
    const struct types_attr *a;
    for (size_t i = 0; (a = types_attr_at(type, i)) != NULL; i++) {
        if (types_on_create(type, a) == TYPES_M && json_object_get(in, a->name) == NULL) {
            return detail_fail(detail, ERR_MISSING, type->root, text_of(a->name));
        }
    }
    *out = attrs;
    attrs = NULL;
    return *out == NULL ? ERR_LIMIT_CAPACITY : ERR_OK;
}

err_t cse_attr_update(const struct types_row *type, const json_t *in, usec_t now, json_t *attrs,
                      char detail[static ROLE_DETAIL_MAX])
{
    const char *name;
    json_t *v;
    json_object_foreach((json_t *)in, name, v) {
        TRY(attr_check(type, name, v, false, now, detail));
        if (json_is_null(v)) {
            (void)json_object_del(attrs, name);
        } else if (json_object_set(attrs, name, v) != 0) {
            return ERR_LIMIT_CAPACITY;
        }
    }
    return ERR_OK;
}

uint64_t cse_attr_uint(const json_t *attrs, const char *name)
{
    json_int_t v = json_integer_value(json_object_get(attrs, name));
    return v > 0 ? (uint64_t)v : 0;
}
