#include "wire/http_binding.h"

#include "wire/target.h"

/* -- tables ------------------------------------------------------------------------------------------ */

/* Headers with a meaning here [TS-0009 6.4]. An X-M2M-* header without a row is one of a later release: not implemented. */
enum field { FIELD_ORIGIN, FIELD_RI, FIELD_RVI, FIELD_RET, FIELD_CONTENT_TYPE, FIELD_ACCEPT, FIELD_AUTHORIZATION, FIELD_AGENT, FIELD_N, FIELD_TOKENS };

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
    ROW("Accept", FIELD_ACCEPT),
    ROW("User-Agent", FIELD_AGENT),
    ROW("Authorization", FIELD_AUTHORIZATION), /* whoever takes none must not let it pass unseen (role/dispatch.c) */
#undef ROW
};

static const enum op ops[] = {
    [HTTP1_GET] = OP_RETRIEVE, [HTTP1_POST] = OP_NOTIFY, [HTTP1_PUT] = OP_UPDATE, [HTTP1_DELETE] = OP_DELETE,
    [HTTP1_OTHER] = OP_NONE,
};

static const char *const methods[] = {
    [HTTP1_GET] = "GET", [HTTP1_POST] = "POST", [HTTP1_PUT] = "PUT", [HTTP1_DELETE] = "DELETE", [HTTP1_OTHER] = "",
};

enum { HEADERS_OWN = 4 };

/* -- helpers ----------------------------------------------------------------------------------------- */

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
        if (f == FIELD_AUTHORIZATION && seen[f].n > 0) { /* which of the two counts? */
            binding_unsupported(out, in->headers[i].name);
        } else if (f < FIELD_N) {
            seen[f] = in->headers[i].value;
        } else if (f == FIELD_TOKENS) {
            binding_unsupported(out, in->headers[i].name);
        }
    }
}

static err_t headers(const struct text seen[FIELD_N], struct primitive *out, char detail[static BINDING_DETAIL_MAX])
{
    static const struct binding_names names = {"X-M2M-RI", "X-M2M-RVI", "X-M2M-Origin", "X-M2M-RET"};
    struct binding_common in = {seen[FIELD_RI], seen[FIELD_RVI], seen[FIELD_ORIGIN], seen[FIELD_RET]};
    return binding_common(&in, &names, out, detail);
}

static err_t media_parameter(struct text t, struct primitive *out, char detail[static BINDING_DETAIL_MAX])
{
    size_t eq = text_find(t, '=');
    struct text name = text_trim(text_take(t, eq), " \t");
    struct text value = text_trim(text_skip(t, eq + 1), " \t");
    if (text_eq_nocase(name, text_of("charset"))) {
        bool utf8 = text_eq_nocase(value, text_of("utf-8")) || text_eq_nocase(value, text_of("\"utf-8\""));
        return utf8 ? ERR_OK : binding_fail_z(ERR_MEDIA_TYPE, "charset", detail);
    }
    if (!text_eq_nocase(name, text_of("ty"))) {
        return binding_fail(ERR_MEDIA_TYPE, name, detail);
    }
    uint64_t ty;
    if (out->has_ty || text_u64(value, UINT32_MAX, &ty) != ERR_OK) {
        return binding_fail_z(ERR_MALFORMED_QUERY, "ty", detail);
    }
    out->has_ty = true;
    out->ty = (uint32_t)ty;
    return ERR_OK;
}

/* Content-Type, and with it the operation: POST with a resource type is Create, without one Notify [TS-0009 6.2.1]. */
static err_t operation(const struct http1_request *in, struct text media, struct primitive *out,
                       char detail[static BINDING_DETAIL_MAX])
{
    out->op = ops[in->method];
    if (out->op == OP_NONE) {
        return binding_fail_z(ERR_OPERATION, "method", detail);
    }
    struct text part = text_empty();
    if (!text_next(&media, ';', &part) && in->body.n == 0) {
        return ERR_OK;
    }
    if (media_parse(text_trim(part, " \t"), &out->media) != ERR_OK) {
        return binding_fail_z(ERR_MEDIA_TYPE, "Content-Type", detail);
    }
    if (!media_is_content(out->media)) { /* no primitive: octets for a route that takes them, whatever parameters say */
        return ERR_OK;
    }
    while (text_next(&media, ';', &part)) {
        TRY(media_parameter(text_trim(part, " \t"), out, detail));
    }
    if (out->has_ty && in->method != HTTP1_POST) {
        return binding_fail_z(ERR_NOT_PERMITTED, "ty", detail);
    }
    out->op = out->has_ty ? OP_CREATE : out->op;
    return ERR_OK;
}

/* Tokens, '+' between and blanks around it [TS-0009 6.4.19], with or without Bearer before one [7.1]. Anything else is for whom it
 * may concern. */
static void tokens(struct text value, struct primitive *out)
{
    static const char bearer[] = "Bearer ";
    struct primitive_list l = {.n = 0};
    struct text one = text_empty();
    if (text_eq_nocase(text_take(value, sizeof(bearer) - 1), text_of(bearer))) {
        value = text_trim(text_skip(value, sizeof(bearer) - 1), " ");
    }
    if (value.n > 0 && value.p[value.n - 1] == '+') {
        return;
    }
    while (text_next(&value, '+', &one)) {
        one = text_trim(one, " \t");
        if (l.n == PRIMITIVE_LIST_MAX || !target_is_token(one)) {
            return;
        }
        l.at[l.n++] = one;
    }
    out->tokens = l;
}

/* -- target --------------------------------------------------------------------------------------------- */

static err_t address(struct text path, struct writer *scratch, struct primitive *out)
{
    if (path.n > TARGET_PATH_MAX) {
        return ERR_LIMIT_SIZE;
    }
    if (text_eq_z(path, "/")) { /* no resource: Ub alone has it [TS 24.109 A.3]; dispatch.c refuses it elsewhere */
        out->path = path;
        return ERR_OK;
    }
    if (text_find(path, '%') < path.n) {
        TRY(target_decode(path, scratch, &path));
    }
    return target_address(path, scratch, out);
}

static err_t query(struct text q, struct writer *scratch, struct primitive *out, char detail[static BINDING_DETAIL_MAX])
{
    uint64_t seen = 0;
    struct text part;
    if (q.n > 0 && q.p[q.n - 1] == '&') {
        return binding_fail_z(ERR_MALFORMED_QUERY, "&", detail);
    }
    while (text_next(&q, '&', &part)) {
        TRY(target_parameter(part, &seen, scratch, out, detail));
    }
    return ERR_OK;
}

/* -- the whole ------------------------------------------------------------------------------------------ */

err_t http_binding_parse(const struct http1_request *in, struct writer *scratch, struct primitive *out,
                         char detail[static BINDING_DETAIL_MAX])
{
    struct text seen[FIELD_N];
    binding_blank(out);
    detail[0] = '\0';
    collect(in, seen, out);
    out->authorization = seen[FIELD_AUTHORIZATION];
    tokens(out->authorization, out);
    out->agent = seen[FIELD_AGENT];
    out->method = text_of(methods[in->method]);
    out->target = in->target;
    TRY(headers(seen, out, detail));
    TRY(operation(in, seen[FIELD_CONTENT_TYPE], out, detail));
    out->accept = media_accept(seen[FIELD_ACCEPT], out->media);
    size_t mark = text_find(in->target, '?');
    err_t e = address(text_take(in->target, mark), scratch, out);
    if (e != ERR_OK) {
        return binding_fail_z(e, "path", detail);
    }
    out->query = text_skip(in->target, mark + 1);
    TRY(query(out->query, scratch, out, detail));
    return binding_content(in->body, out, detail);
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

static struct text decimal(uint64_t v, char *room, size_t cap)
{
    struct writer w = writer_of(room, cap);
    writer_decimal(&w, v);
    return writer_view_text(&w);
}

/* What a handler has written itself: line by line. */
static size_t own_headers(struct text lines, struct http1_header *list, size_t cap)
{
    size_t n = 0;
    struct text line;
    while (n < cap && text_next(&lines, '\n', &line)) {
        size_t colon = text_find(line, ':');
        list[n++] = (struct http1_header){text_take(line, colon), text_trim(text_skip(line, colon + 1), " ")};
    }
    return n;
}

err_t http_binding_write(const struct primitive_response *r, bool close, struct writer *w)
{
    char rsc[8];
    char next[24];
    struct http1_header list[9 + HEADERS_OWN];
    size_t n = own_headers(r->headers, list, HEADERS_OWN);
    if (n == 0) {
        list[n++] = header("X-M2M-RSC", decimal(r->rsc, rsc, sizeof(rsc)));
    }
    if (r->rqi.n > 0) {
        list[n++] = header("X-M2M-RI", r->rqi);
    }
    if (r->rvi.n > 0) {
        list[n++] = header("X-M2M-RVI", r->rvi);
    }
    if (r->location.n > 0) {
        list[n++] = header("Content-Location", r->location);
    }
    if (r->ati.n > 0) {
        list[n++] = header("X-M2M-ATI", r->ati);
    }
    if (r->auth_info.n > 0) {
        list[n++] = header("Authentication-Info", r->auth_info);
    }
    if (r->next != 0) { /* Content Status: partial; Content Offset: where the rest begins [TS-0009 6.4] */
        list[n++] = header("X-M2M-CTS", text_of("1"));
        list[n++] = header("X-M2M-CTO", decimal(r->next, next, sizeof(next)));
    }
    if (media_is_base64(r->media) && r->body.n > 0) { /* RFC 7030 4.1.3, 4.2.3, 4.5.2 */
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
