#include "wire/target.h"

#include "wire/m2mid.h"

/* Query parameters by short name [TS-0004 8.2.2] but for filter criteria, which have a table of their own (wire/filter.c);
 * those without a value range are known and not implemented. */
enum param { PARAM_UNSUPPORTED, PARAM_RCN, PARAM_FU, PARAM_RT, PARAM_TQI, PARAM_LIST };

static bool is_named_id(struct text t);
static bool is_local_id(struct text t);

static const struct param_row {
    const char *name;
    enum param param;
    uint32_t low, high;
    bool (*is_item)(struct text t); /* of a list */
    size_t list;                    /* offset of the list in struct primitive */
} params[] = {
    {.name = "rcn", .param = PARAM_RCN, .low = 0, .high = 12},
    {.name = "fu", .param = PARAM_FU, .low = 1, .high = 3},
    {.name = "rt", .param = PARAM_RT, .low = 1, .high = 5},
    {.name = "rids", .param = PARAM_LIST, .is_item = is_named_id, .list = offsetof(struct primitive, rids)},
    {.name = "tids", .param = PARAM_LIST, .is_item = is_named_id, .list = offsetof(struct primitive, tids)},
    {.name = "ltids", .param = PARAM_LIST, .is_item = is_local_id, .list = offsetof(struct primitive, ltids)},
    {.name = "tkns", .param = PARAM_LIST, .is_item = target_is_token, .list = offsetof(struct primitive, tokens)},
    {.name = "tqi", .param = PARAM_TQI},
    {.name = "rp"}, {.name = "ot"}, {.name = "rset"}, {.name = "oet"}, {.name = "ec"},
    {.name = "da"}, {.name = "gid"},
    {.name = "sqi"}, {.name = "atrl"}, {.name = "clbl"}, {.name = "palb"}, {.name = "lbq"}, {.name = "chty"},
    {.name = "pty"}, {.name = "atr"}, {.name = "catr"}, {.name = "patr"}, {.name = "cfs"}, {.name = "cfq"},
    {.name = "smf"}, {.name = "gq"},
};
_Static_assert(ARRAY_LEN(params) <= 64, "one bit a row");

/* -- path --------------------------------------------------------------------------------------------- */

err_t target_decode(struct text t, struct writer *scratch, struct text *out)
{
    size_t start = scratch->n;
    while (t.n > 0) {
        size_t at = text_find(t, '%');
        writer_text(scratch, text_take(t, at));
        t = text_skip(t, at);
        if (t.n > 0) {
            if (!text_starts(t, "%40")) {
                return ERR_MALFORMED_TO;
            }
            writer_u8(scratch, '@');
            t = text_skip(t, 3);
        }
    }
    TRY(writer_finish(scratch));
    *out = text_span((const char *)scratch->buf + start, scratch->n - start);
    return ERR_OK;
}

/* Segments of unreserved characters and '@'; none empty, none that a proxy would take for a step up. */
static err_t segments_check(struct text path, size_t *n)
{
    struct text rest = text_skip(path, 1);
    if (rest.n == 0 || rest.p[rest.n - 1] == '/') {
        return ERR_MALFORMED_TO;
    }
    struct text part;
    for (*n = 0; text_next(&rest, '/', &part); ++*n) {
        if (text_eq_z(part, "") || text_eq_z(part, ".") || text_eq_z(part, "..")) {
            return ERR_MALFORMED_TO;
        }
        for (size_t i = 0; i < part.n; i++) {
            if (part.p[i] != '@' && !m2mid_is_unreserved(text_span(part.p + i, 1))) {
                return ERR_MALFORMED_TO;
            }
        }
    }
    return ERR_OK;
}

/* /x is CSE-relative, /~/cse/x SP-relative, /_/sp/cse/x absolute [TS-0009 6.2.2.1, TS-0008 6.2.2.4]. */
err_t target_address(struct text path, struct writer *scratch, struct primitive *out)
{
    size_t n;
    if (path.n > TARGET_PATH_MAX) {
        return ERR_LIMIT_SIZE;
    }
    TRY(segments_check(path, &n));
    out->path = path;
    if (text_eq_z(path, "/~") || text_eq_z(path, "/_")) {
        return ERR_MALFORMED_TO;
    }
    if (text_starts(path, "/~/")) {
        out->to = text_skip(path, 2);
    } else if (text_starts(path, "/_/")) {
        size_t start = scratch->n;
        writer_u8(scratch, '/');
        writer_text(scratch, text_skip(path, 2));
        TRY(writer_finish(scratch));
        out->to = text_span((const char *)scratch->buf + start, scratch->n - start);
        return n >= 3 ? ERR_OK : ERR_MALFORMED_TO; /* "_", the SP and at least a CSE */
    } else {
        out->to = text_skip(path, 1);
    }
    return ERR_OK;
}

/* -- query --------------------------------------------------------------------------------------------- */

static const struct param_row *param_of(struct text name)
{
    for (size_t i = 0; i < ARRAY_LEN(params); i++) {
        if (text_eq_z(name, params[i].name)) {
            return &params[i];
        }
    }
    return NULL;
}

/* NAME@DOMAIN: a Role-ID, a Token-ID [TS-0001 7.1.14, 7.1.15]. */
static bool is_named_id(struct text t)
{
    size_t at = text_find(t, '@');
    return t.n < M2MID_MAX && m2mid_is_unreserved(text_take(t, at)) && m2mid_is_unreserved(text_skip(t, at + 1));
}

static bool is_local_id(struct text t)
{
    return t.n < M2MID_MAX && m2mid_is_unreserved(t);
}

/* Base64url parts with dots between [RFC 7519 3]: what is in them is for who trusts somebody to sign it. */
bool target_is_token(struct text t)
{
    bool good = t.n > 0 && text_find(t, '.') < t.n;
    for (size_t i = 0; good && i < t.n; i++) {
        char c = t.p[i];
        good = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
    }
    return good;
}

/* '+' between its items; it may come in parts. */
static err_t list(const struct param_row *row, struct text value, struct writer *scratch, struct primitive *out)
{
    struct primitive_list *l = (struct primitive_list *)((char *)out + row->list);
    struct text one = text_empty();
    if (scratch != NULL) {
        TRY(target_decode(value, scratch, &value));
    }
    if (value.n == 0 || value.p[value.n - 1] == '+') {
        return ERR_MALFORMED_QUERY;
    }
    while (text_next(&value, '+', &one)) {
        if (l->n == PRIMITIVE_LIST_MAX || !row->is_item(one)) {
            return ERR_MALFORMED_QUERY;
        }
        l->at[l->n++] = one;
    }
    return ERR_OK;
}

static err_t truth(struct text value, bool *out)
{
    *out = text_eq_z(value, "true") || text_eq_z(value, "1");
    return *out || text_eq_z(value, "false") || text_eq_z(value, "0") ? ERR_OK : ERR_MALFORMED_QUERY;
}

static err_t parameter(const struct param_row *row, struct text value, struct primitive *out)
{
    uint64_t v;
    if (row->param == PARAM_UNSUPPORTED) {
        binding_unsupported(out, text_of(row->name));
        return ERR_OK;
    }
    if (row->param == PARAM_TQI) {
        return truth(value, &out->tqi);
    }
    if (text_u64(value, row->high, &v) != ERR_OK || v < row->low) {
        return ERR_MALFORMED_QUERY;
    }
    switch (row->param) {
    case PARAM_RCN:
        out->has_rcn = true;
        out->rcn = (uint32_t)v;
        break;
    case PARAM_FU:
        out->fu = (uint32_t)v;
        break;
    case PARAM_RT:
        if (v != 3) { /* 3 is blockingRequest: what everybody gets */
            binding_unsupported(out, text_of(row->name));
        }
        break;
    case PARAM_TQI:
    case PARAM_LIST:
    case PARAM_UNSUPPORTED:
        break;
    }
    return ERR_OK;
}

err_t target_parameter(struct text part, uint64_t *seen, struct writer *scratch, struct primitive *out,
                       char detail[static BINDING_DETAIL_MAX])
{
    size_t eq = text_find(part, '=');
    struct text name = text_take(part, eq);
    if (filter_is_name(name)) {
        err_t e = filter_parse(name, text_skip(part, eq + 1), scratch, &out->filter);
        return e == ERR_OK ? e : binding_fail(e, name, detail);
    }
    const struct param_row *row = param_of(name);
    if (row == NULL || eq == part.n) {
        return binding_fail(ERR_MALFORMED_QUERY, name, detail);
    }
    if (row->param == PARAM_LIST) {
        err_t e = list(row, text_skip(part, eq + 1), scratch, out);
        return e == ERR_OK ? e : binding_fail(ERR_MALFORMED_QUERY, name, detail);
    }
    uint64_t bit = UINT64_C(1) << (row - params);
    if ((*seen & bit) != 0 || parameter(row, text_skip(part, eq + 1), out) != ERR_OK) {
        return binding_fail(ERR_MALFORMED_QUERY, name, detail);
    }
    *seen |= bit;
    return ERR_OK;
}
