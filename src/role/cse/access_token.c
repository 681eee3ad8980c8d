#include "role/cse/access_token.h"

#include "role/detail.h"
#include "wire/json.h"
#include "wire/m2mid.h"

enum { PART_RESOURCES = 1, PART_RULES = 2 };

/* -- from JSON ------------------------------------------------------------------------------------------------------- */
/* What is unknown or misspelt may be a restriction: the token is worthless then, as a policy would be. */
static err_t members_check(const json_t *pm, char *detail)
{
    static const char *const known[] = {"ris", "pv", "rids"};
    const char *name;
    json_t *v;
    if (!json_is_object(pm)) {
        return detail_fail(detail, ERR_TOKEN_FORM, "pm must be a list of objects", text_empty());
    }
    json_object_foreach((json_t *)(uintptr_t)pm, name, v)
    {
        bool found = false;
        for (size_t i = 0; i < ARRAY_LEN(known); i++) {
            found = found || text_eq_z(text_of(name), known[i]);
        }
        if (!found) {
            return detail_fail(detail, ERR_TOKEN_FORM, "pm has an unknown member", text_of(name));
        }
    }
    return ERR_OK;
}

/* A list of identifiers, at least one; nothing if it is absent. */
static err_t texts(const json_t *list, const char *name, size_t max, struct writer *out, char *detail)
{
    size_t mark = writer_mark16(out);
    if (list != NULL && (!json_is_array(list) || json_array_size(list) == 0)) {
        return detail_fail(detail, ERR_TOKEN_FORM, name, text_empty());
    }
    if (json_array_size(list) > max) {
        return detail_fail(detail, ERR_TOKEN_SIZE, name, text_empty());
    }
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *v = json_array_get(list, i);
        if (!json_is_string(v) || json_string_length(v) == 0 || json_string_length(v) > 1024) {
            return detail_fail(detail, ERR_TOKEN_FORM, name, text_empty());
        }
        writer_block16(out, bytes_of(json_string_value(v), json_string_length(v)));
    }
    writer_close16(out, mark);
    return ERR_OK;
}

static err_t permission(const json_t *pm, struct writer *out, char *detail)
{
    TRY(members_check(pm, detail));
    const json_t *ris = json_object_get(pm, "ris");
    const json_t *pv = json_object_get(pm, "pv");
    if (pv != NULL && ris == NULL) { /* else it would open the whole CSE */
        return detail_fail(detail, ERR_TOKEN_FORM, "pv without ris", text_empty());
    }
    size_t whole = writer_mark16(out);
    writer_u8(out, (uint8_t)((ris != NULL ? PART_RESOURCES : 0) | (pv != NULL ? PART_RULES : 0)));
    TRY(texts(ris, "ris", ACCESS_TOKEN_RESOURCES_MAX, out, detail));
    TRY(texts(json_object_get(pm, "rids"), "rids", ACCESS_TOKEN_ROLES_MAX, out, detail));
    size_t rules = writer_mark16(out);
    if (pv != NULL) {
        err_t e = access_rules_compile(pv, "pv", out, detail);
        if (e != ERR_OK) {
            return e == ERR_LIMIT_SIZE ? ERR_TOKEN_SIZE : ERR_TOKEN_FORM;
        }
    }
    writer_close16(out, rules);
    writer_close16(out, whole);
    return ERR_OK;
}

err_t access_token_compile(const json_t *tkps, struct writer *out, char detail[static ROLE_DETAIL_MAX])
{
    const json_t *pm = json_object_get(tkps, "pm");
    const size_t start = out->n;
    if (tkps != NULL && (!json_is_object(tkps) || json_object_size(tkps) != (pm != NULL ? 1 : 0) || (pm != NULL && !json_is_array(pm)))) {
        return detail_fail(detail, ERR_TOKEN_FORM, "tkps must be {\"pm\": [permissions]}", text_empty());
    }
    if (json_array_size(pm) > ACCESS_TOKEN_PERMISSIONS_MAX) {
        return detail_fail(detail, ERR_TOKEN_SIZE, "pm", text_empty());
    }
    writer_u8(out, (uint8_t)json_array_size(pm));
    for (size_t i = 0; i < json_array_size(pm); i++) {
        TRY(permission(json_array_get(pm, i), out, detail));
    }
    bool fits = writer_finish(out) == ERR_OK && out->n - start <= ACCESS_TOKEN_COMPILED_MAX;
    return fits ? ERR_OK : detail_fail(detail, ERR_TOKEN_SIZE, "pm", text_empty());
}

/* -- where ----------------------------------------------------------------------------------------------------------- */
/* A resource identifier without the CSE before it; false: it is of another CSE. */
static bool relative(struct text id, const struct access_place *at, struct text *out)
{
    struct text csi = text_skip(at->self, text_find_last(at->self, '/')); /* /in */
    *out = id;
    if (!text_starts(id, "/")) {
        return true;
    }
    const struct text prefix = text_starts(id, "//") ? at->self : csi;
    *out = text_skip(id, prefix.n + 1);
    return m2mid_same(text_take(id, prefix.n), prefix) && id.n > prefix.n && id.p[prefix.n] == '/';
}

/* cse-in/Sa/box is also -/Sa/box, and Sa/box, as links have it. */
static bool is_name(struct text id, struct text name, struct text base)
{
    const bool below = text_eq(text_take(name, base.n), base) && (name.n == base.n || name.p[base.n] == '/');
    const struct text rest = text_skip(name, base.n); /* with its slash */
    const bool dash = text_starts(id, "-") && (id.n == 1 || id.p[1] == '/');
    return text_eq(id, name) || (below && ((dash && text_eq(rest, text_skip(id, 1))) || (rest.n > 1 && text_eq(text_skip(rest, 1), id))));
}

static bool is_there(struct text id, const struct access_place *at)
{
    struct text rel = text_empty();
    bool hit = false;
    if (!relative(id, at, &rel) || rel.n == 0) {
        return false;
    }
    for (size_t i = 0; i < at->n; i++) {
        hit = hit || (at->name[i].n > 0 && is_name(rel, at->name[i], at->base));
    }
    return hit;
}

/* -- the decision ---------------------------------------------------------------------------------------------------- */
struct permission {
    unsigned parts;
    struct bytes resources, roles, rules;
};

typedef bool wanted_fn(struct text element, const void *arg);

static bool any(struct bytes list, wanted_fn *wanted, const void *arg)
{
    struct reader r = reader_of(list);
    while (reader_left(&r) > 0) {
        struct bytes b = reader_block16(&r);
        if (reader_failed(&r)) {
            return false;
        }
        if (wanted(text_span((const char *)b.p, b.n), arg)) {
            return true;
        }
    }
    return false;
}

static bool names_place(struct text id, const void *at)
{
    return is_there(id, at);
}

static bool names_role(struct text id, const void *role)
{
    return text_eq(id, *(const struct text *)role);
}

/* The next permission that is for this place, or false at the end. */
static bool next_for(struct reader *r, uint8_t *left, const struct access_place *at, struct permission *out)
{
    while (*left > 0 && !reader_failed(r)) {
        --*left;
        struct reader one = reader_of(reader_block16(r));
        out->parts = reader_u8(&one);
        out->resources = reader_block16(&one);
        out->roles = reader_block16(&one);
        out->rules = reader_block16(&one);
        bool whole = !reader_failed(r) && reader_finish(&one) == ERR_OK;
        if (whole && ((out->parts & PART_RESOURCES) == 0 || any(out->resources, names_place, at))) {
            return true;
        }
    }
    return false;
}

bool access_token_permits(struct bytes permissions, const struct access_place *at, const struct access_query *q)
{
    struct reader r = reader_of(permissions);
    uint8_t left = reader_u8(&r);
    struct permission p;
    while (next_for(&r, &left, at, &p)) {
        if ((p.parts & PART_RULES) != 0 && access_decide(p.rules, q)) {
            return true;
        }
    }
    return false;
}

bool access_token_holds(struct bytes permissions, const struct access_place *at, struct text role)
{
    struct reader r = reader_of(permissions);
    uint8_t left = reader_u8(&r);
    struct permission p;
    while (next_for(&r, &left, at, &p)) {
        if (any(p.roles, names_role, &role)) {
            return true;
        }
    }
    return false;
}
