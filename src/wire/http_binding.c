#include "wire/http_binding.h"

#include "wire/json.h"
#include "wire/m2mid.h"
#include "wire/timestamp.h"

#include <string.h>

#define DETAIL_MAX 96
#define PATH_MAX_OCTETS 512
#define RQI_MAX 128

/* -- tables ------------------------------------------------------------------------------------------ */

/* Headers with a meaning here [TS-0009 6.4]. An X-M2M-* header without a row is one of a later release: not implemented. */
enum field { FIELD_ORIGIN, FIELD_RI, FIELD_RVI, FIELD_RET, FIELD_CONTENT_TYPE, FIELD_N, FIELD_TOKENS };

static const struct field_row {
    const char *name;
    uint8_t n;
    enum field field;
} fields[] = {
#define ROW(name, field) {name, sizeof(name) - 1, field}
    ROW("X-M2M-Origin", FIELD_ORIGIN),
    ROW("X-M2M-RI", FIELD_RI),
    ROW("X-M2M-RVI", FIELD_RVI),
    ROW("X-M2M-RET", FIELD_RET),
    ROW("Content-Type", FIELD_CONTENT_TYPE),
    ROW("Authorization", FIELD_TOKENS), /* Tokens of a request: not implemented, so it must not pass unseen */
#undef ROW
};

static const char *const releases[] = {"1", "2", "2a", "3", "4", "5"};

/* Query parameters by short name [TS-0004 8.2.2]; those without a value range are known and not implemented. */
enum param { PARAM_UNSUPPORTED, PARAM_RCN, PARAM_FU, PARAM_RT };

static const struct param_row {
    const char *name;
    enum param param;
    uint32_t low, high;
} params[] = {
    {"rcn", PARAM_RCN, 0, 12},
    {"fu", PARAM_FU, 1, 3},
    {"rt", PARAM_RT, 1, 5},
    {.name = "rp"},   {.name = "rids"}, {.name = "ot"},   {.name = "rset"}, {.name = "oet"},  {.name = "ec"},
    {.name = "da"},   {.name = "gid"},  {.name = "drt"},  {.name = "tids"}, {.name = "tqi"},  {.name = "ltids"},
    {.name = "tkns"}, {.name = "sqi"},  {.name = "atrl"}, {.name = "crb"},  {.name = "cra"},  {.name = "ms"},
    {.name = "us"},   {.name = "sts"},  {.name = "stb"},  {.name = "exb"},  {.name = "exa"},  {.name = "lbl"},
    {.name = "clbl"}, {.name = "palb"}, {.name = "lbq"},  {.name = "ty"},   {.name = "chty"}, {.name = "pty"},
    {.name = "sza"},  {.name = "szb"},  {.name = "cty"},  {.name = "atr"},  {.name = "catr"}, {.name = "patr"},
    {.name = "fo"},   {.name = "cfs"},  {.name = "cfq"},  {.name = "lim"},  {.name = "smf"},  {.name = "lvl"},
    {.name = "ofst"}, {.name = "arp"},  {.name = "gq"},
};
_Static_assert(ARRAY_LEN(params) <= 64, "one bit a row");

static const enum op ops[] = {
    [HTTP1_GET] = OP_RETRIEVE, [HTTP1_POST] = OP_NOTIFY, [HTTP1_PUT] = OP_UPDATE, [HTTP1_DELETE] = OP_DELETE,
    [HTTP1_OTHER] = OP_NONE,
};

/* -- helpers ----------------------------------------------------------------------------------------- */

static err_t fail(err_t e, struct text what, char detail[static DETAIL_MAX])
{
    struct text t = text_take(what, DETAIL_MAX - 1);
    memcpy(detail, t.p, t.n);
    detail[t.n] = '\0';
    return e;
}

static err_t fail_z(err_t e, const char *what, char detail[static DETAIL_MAX])
{
    return fail(e, text_of(what), detail);
}

/* The first one found is named. */
static void set_unsupported(struct primitive *p, struct text name)
{
    if (!p->unsupported) {
        struct text t = text_take(name, sizeof(p->unsupported_name) - 1);
        memcpy(p->unsupported_name, t.p, t.n);
        p->unsupported_name[t.n] = '\0';
        p->unsupported = true;
    }
}

static bool is_visible(struct text t)
{
    bool ok = true;
    for (size_t i = 0; i < t.n; i++) {
        ok &= t.p[i] > 0x20 && t.p[i] < 0x7f;
    }
    return ok;
}

static struct text trim(struct text t)
{
    while (t.n > 0 && (t.p[0] == ' ' || t.p[0] == '\t')) {
        t = text_skip(t, 1);
    }
    while (t.n > 0 && (t.p[t.n - 1] == ' ' || t.p[t.n - 1] == '\t')) {
        t = text_take(t, t.n - 1);
    }
    return t;
}

static bool is_one_of(struct text t, const char *const *list, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (text_eq_nocase(t, text_of(list[i]))) {
            return true;
        }
    }
    return false;
}

/* -- headers ----------------------------------------------------------------------------------------- */

static enum field field_of(struct text name)
{
    for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
        if (name.n == fields[i].n && text_eq_nocase(name, text_span(fields[i].name, fields[i].n))) {
            return fields[i].field;
        }
    }
    static const char prefix[] = "X-M2M-";
    return text_eq_nocase(text_take(name, sizeof(prefix) - 1), text_of(prefix)) ? FIELD_TOKENS : FIELD_N;
}

static void collect(const struct http1_request *in, struct text seen[FIELD_N], struct primitive *out)
{
    for (size_t i = 0; i < FIELD_N; i++) {
        seen[i] = text_empty();
    }
    for (size_t i = 0; i < in->headers_n; i++) {
        enum field f = field_of(in->headers[i].name);
        if (f < FIELD_N) {
            seen[f] = in->headers[i].value;
        } else if (f == FIELD_TOKENS) {
            set_unsupported(out, in->headers[i].name);
        }
    }
}

/* RET: a point in time, or milliseconds from now on, which only the caller knows [TS-0004 6.3.3 absRelTimestamp]. */
static err_t expiration(struct text t, struct primitive *out, char detail[static DETAIL_MAX])
{
    uint64_t ms;
    if (t.n == 0) {
        return ERR_OK;
    }
    if (text_u64(t, UINT32_MAX, &ms) == ERR_OK) {
        out->expires_after_ms = (uint32_t)ms;
        return ms > 0 ? ERR_OK : fail_z(ERR_REQUEST_EXPIRED, "X-M2M-RET", detail);
    }
    return timestamp_parse(t, &out->expires) == ERR_OK ? ERR_OK
                                                       : fail_z(ERR_MALFORMED_TIME, "X-M2M-RET", detail);
}

static err_t headers(const struct text seen[FIELD_N], struct primitive *out, char detail[static DETAIL_MAX])
{
    /* CHOICE: TS-0009 makes X-M2M-RI mandatory; a request without one (curl by hand) is served and answered without. */
    struct text rqi = seen[FIELD_RI];
    if (rqi.n > RQI_MAX || !is_visible(rqi)) {
        return fail_z(ERR_MALFORMED, "X-M2M-RI", detail);
    }
    out->rqi = rqi;
    struct text rvi = seen[FIELD_RVI];
    if (rvi.n > 0 && !is_one_of(rvi, releases, ARRAY_LEN(releases))) {
        return fail_z(ERR_RELEASE, "X-M2M-RVI", detail);
    }
    out->rvi = rvi;
    struct text from = seen[FIELD_ORIGIN];
    if (from.n >= M2MID_MAX || !is_visible(from)) {
        return fail_z(ERR_MALFORMED_FROM, "X-M2M-Origin", detail);
    }
    out->has_from = from.n > 0; /* CHOICE-69 */
    out->from = from;
    return expiration(seen[FIELD_RET], out, detail);
}

static err_t media_parameter(struct text t, struct primitive *out, char detail[static DETAIL_MAX])
{
    size_t eq = text_find(t, '=');
    struct text name = trim(text_take(t, eq));
    struct text value = trim(text_skip(t, eq + 1));
    if (text_eq_nocase(name, text_of("charset"))) {
        bool utf8 = text_eq_nocase(value, text_of("utf-8")) || text_eq_nocase(value, text_of("\"utf-8\""));
        return utf8 ? ERR_OK : fail_z(ERR_MEDIA_TYPE, "charset", detail);
    }
    if (!text_eq_nocase(name, text_of("ty"))) {
        return fail(ERR_MEDIA_TYPE, name, detail);
    }
    uint64_t ty;
    if (out->has_ty || text_u64(value, UINT32_MAX, &ty) != ERR_OK) {
        return fail_z(ERR_MALFORMED_QUERY, "ty", detail);
    }
    out->has_ty = true;
    out->ty = (uint32_t)ty;
    return ERR_OK;
}

/* Content-Type, and with it the operation: POST with a resource type is Create, without one Notify [TS-0009 6.2.1]. */
static err_t operation(const struct http1_request *in, struct text media, struct primitive *out,
                       char detail[static DETAIL_MAX])
{
    out->op = ops[in->method];
    if (out->op == OP_NONE) {
        return fail_z(ERR_OPERATION, "method", detail);
    }
    struct text part = text_empty();
    if (!text_next(&media, ';', &part) && in->body.n == 0) {
        return ERR_OK;
    }
    if (media_parse(trim(part), &out->media) != ERR_OK) {
        return fail_z(ERR_MEDIA_TYPE, "Content-Type", detail);
    }
    if (out->media != MEDIA_JSON) { /* no primitive: octets for a route that takes them, whatever parameters say */
        return ERR_OK;
    }
    while (text_next(&media, ';', &part)) {
        TRY(media_parameter(trim(part), out, detail));
    }
    if (out->has_ty && in->method != HTTP1_POST) {
        return fail_z(ERR_NOT_PERMITTED, "ty", detail);
    }
    out->op = out->has_ty ? OP_CREATE : out->op;
    return ERR_OK;
}

/* -- path --------------------------------------------------------------------------------------------- */

/*
 * Copies into scratch with %40 read as '@', the only octet that clients escape in identifiers of ours. Any other
 * escape is refused: two spellings of one address are what gets around checks.
 */
static err_t decode(struct text t, struct writer *scratch, struct text *out)
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

/* /x is CSE-relative, /~/cse/x SP-relative, /_/sp/cse/x absolute [TS-0009 6.2.2.1]. */
static err_t address(struct text path, struct writer *scratch, struct primitive *out)
{
    size_t n;
    if (path.n > PATH_MAX_OCTETS) {
        return ERR_LIMIT_SIZE;
    }
    if (text_find(path, '%') < path.n) {
        TRY(decode(path, scratch, &path));
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

static err_t parameter(const struct param_row *row, struct text value, struct primitive *out)
{
    uint64_t v;
    if (row->param == PARAM_UNSUPPORTED) {
        set_unsupported(out, text_of(row->name));
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
            set_unsupported(out, text_of(row->name));
        }
        break;
    case PARAM_UNSUPPORTED:
        break;
    }
    return ERR_OK;
}

static err_t query(struct text q, struct primitive *out, char detail[static DETAIL_MAX])
{
    uint64_t seen = 0;
    struct text part;
    if (q.n > 0 && q.p[q.n - 1] == '&') {
        return fail_z(ERR_MALFORMED_QUERY, "&", detail);
    }
    while (text_next(&q, '&', &part)) {
        size_t eq = text_find(part, '=');
        struct text name = text_take(part, eq);
        const struct param_row *row = param_of(name);
        if (row == NULL || eq == part.n) {
            return fail(ERR_MALFORMED_QUERY, name, detail);
        }
        uint64_t bit = UINT64_C(1) << (row - params);
        if ((seen & bit) != 0 || parameter(row, text_skip(part, eq + 1), out) != ERR_OK) {
            return fail(ERR_MALFORMED_QUERY, name, detail);
        }
        seen |= bit;
    }
    return ERR_OK;
}

/* -- the whole ------------------------------------------------------------------------------------------ */

static err_t content(struct bytes body, struct primitive *out, char detail[static DETAIL_MAX])
{
    if (body.n == 0) {
        return ERR_OK;
    }
    if (out->op == OP_DELETE) {
        return fail_z(ERR_NOT_PERMITTED, "content", detail);
    }
    if (out->op == OP_RETRIEVE) {
        set_unsupported(out, text_of("content")); /* a list of attributes to retrieve */
    }
    out->content = body;
    if (out->media != MEDIA_JSON) {
        return ERR_OK;
    }
    err_t e = json_parse(body, &out->pc);
    return e == ERR_OK ? ERR_OK : fail_z(e, "content", detail);
}

static const struct primitive *blank(void)
{
    static const struct primitive none = {
        .to = {"", 0}, .path = {"", 0}, .from = {"", 0}, .rqi = {"", 0}, .rvi = {"", 0}, .expires = USEC_NEVER,
    };
    return &none;
}

err_t http_binding_parse(const struct http1_request *in, struct writer *scratch, struct primitive *out,
                         char detail[static DETAIL_MAX])
{
    struct text seen[FIELD_N];
    *out = *blank();
    out->content = bytes_empty();
    detail[0] = '\0';
    collect(in, seen, out);
    TRY(headers(seen, out, detail));
    TRY(operation(in, seen[FIELD_CONTENT_TYPE], out, detail));
    size_t mark = text_find(in->target, '?');
    err_t e = address(text_take(in->target, mark), scratch, out);
    if (e != ERR_OK) {
        return fail_z(e, "path", detail);
    }
    TRY(query(text_skip(in->target, mark + 1), out, detail));
    return content(in->body, out, detail);
}

void http_binding_wipe(struct primitive *p)
{
    json_decref(p->pc);
    p->pc = NULL;
}

static struct http1_header header(const char *name, struct text value)
{
    return (struct http1_header){text_of(name), value};
}

err_t http_binding_write(const struct primitive_response *r, bool close, struct writer *w)
{
    char digits[8];
    struct writer rsc = WRITER_ARRAY(digits);
    writer_decimal(&rsc, r->rsc);

    struct http1_header list[5];
    size_t n = 0;
    list[n++] = header("X-M2M-RSC", writer_view_text(&rsc));
    if (r->rqi.n > 0) {
        list[n++] = header("X-M2M-RI", r->rqi);
    }
    if (r->rvi.n > 0) {
        list[n++] = header("X-M2M-RVI", r->rvi);
    }
    if (r->location.n > 0) {
        list[n++] = header("Content-Location", r->location);
    }
    if (r->media != MEDIA_JSON && r->body.n > 0) { /* RFC 7030 4.1.3, 4.2.3, 4.5.2 */
        list[n++] = header("Content-Transfer-Encoding", text_of("base64"));
    }
    struct http1_reply reply = {
        .status = primitive_http_status(r->rsc),
        .close = close,
        .content_type = r->body.n > 0 ? media_name(r->media) : NULL,
        .body = r->body,
        .headers = list,
        .headers_n = n,
    };
    return http1_write(&reply, w);
}
