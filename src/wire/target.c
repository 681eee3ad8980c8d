#include "wire/target.h"

#include "wire/m2mid.h"

/* Query parameters by short name [TS-0004 8.2.2] but for filter criteria, which have a table of their own (wire/filter.c);
 * those without a value range are known and not implemented. */
enum param { PARAM_UNSUPPORTED, PARAM_RCN, PARAM_FU, PARAM_RT, PARAM_RIDS };

static const struct param_row {
    const char *name;
    enum param param;
    uint32_t low, high;
} params[] = {
    {"rcn", PARAM_RCN, 0, 12},
    {"fu", PARAM_FU, 1, 3},
    {"rt", PARAM_RT, 1, 5},
    {.name = "rids", .param = PARAM_RIDS},
    {.name = "rp"}, {.name = "ot"}, {.name = "rset"}, {.name = "oet"}, {.name = "ec"},
    {.name = "da"}, {.name = "gid"}, {.name = "tids"}, {.name = "tqi"}, {.name = "ltids"}, {.name = "tkns"},
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

/* NAME@DOMAIN [TS-0001 7.1.14], '+' between them. */
static err_t role_ids(struct text value, struct writer *scratch, struct primitive *out)
{
    struct text one = text_empty();
    if (scratch != NULL) {
        TRY(target_decode(value, scratch, &value));
    }
    if (value.n == 0 || value.p[value.n - 1] == '+') {
        return ERR_MALFORMED_QUERY;
    }
    while (text_next(&value, '+', &one)) {
        size_t at = text_find(one, '@');
        if (out->rids_n == PRIMITIVE_ROLES_MAX || one.n >= M2MID_MAX || !m2mid_is_unreserved(text_take(one, at)) ||
            !m2mid_is_unreserved(text_skip(one, at + 1))) {
            return ERR_MALFORMED_QUERY;
        }
        out->rids[out->rids_n++] = one;
    }
    return ERR_OK;
}

static err_t parameter(const struct param_row *row, struct text value, struct primitive *out)
{
    uint64_t v;
    if (row->param == PARAM_UNSUPPORTED) {
        binding_unsupported(out, text_of(row->name));
        return ERR_OK;
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
    case PARAM_RIDS:
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
    if (row->param == PARAM_RIDS) { /* a list: it may come in parts */
        err_t e = role_ids(text_skip(part, eq + 1), scratch, out);
        return e == ERR_OK ? e : binding_fail(ERR_MALFORMED_QUERY, name, detail);
    }
    uint64_t bit = UINT64_C(1) << (row - params);
    if ((*seen & bit) != 0 || parameter(row, text_skip(part, eq + 1), out) != ERR_OK) {
        return binding_fail(ERR_MALFORMED_QUERY, name, detail);
    }
    *seen |= bit;
    return ERR_OK;
}
