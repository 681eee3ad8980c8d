#include "wire/http1.h"

#include <llhttp.h>
#include <string.h>

#define HEAD_MAX ((size_t)16 * 1024)
#define VERSION_AT_END " HTTP/1.1\r\n"

enum span { SPAN_NONE, SPAN_URL, SPAN_NAME, SPAN_VALUE };

struct collector {
    struct http1_request *out;
    enum span last;
    const char *end; /* where the last span ended: a span that llhttp gives in pieces goes on there */
    err_t err;
};

/* -- before llhttp: the shape of the lines --------------------------------------------------------- */

static bool is_control(uint8_t c)
{
    return (c < 0x20 && c != '\t') || c == 0x7f;
}

/* Has one of the eight octets of v the value 0? */
static bool has_zero(uint64_t v)
{
    return ((v - UINT64_MAX / 255) & ~v & (UINT64_MAX / 255 << 7)) != 0;
}

/* May one of these eight octets be a control octet? TAB counts here. */
static bool may_have_control(const uint8_t *p)
{
    const uint64_t ones = UINT64_MAX / 255;
    uint64_t v;
    memcpy(&v, p, sizeof(v));
    return has_zero(v & (ones * 0xe0)) || has_zero(v ^ (ones * 0x7f));
}

/* No control octet but TAB. Eight octets at a time, the last eight perhaps twice; from a TAB on octet by octet. */
static bool is_clean(const uint8_t *p, size_t n)
{
    size_t i = 0;
    while (n - i >= sizeof(uint64_t) && !may_have_control(p + i)) {
        i += sizeof(uint64_t);
    }
    if (i > 0 && n - i < sizeof(uint64_t) && !may_have_control(p + n - sizeof(uint64_t))) {
        return true;
    }
    while (i < n && !is_control(p[i])) {
        i++;
    }
    return i == n;
}

/*
 * Length of the head with its empty line, or 0 if it has not all come yet. llhttp takes some of what is
 * refused here (empty lines in front, folded headers, empty names); refusing garbage early also spares waiting for its end.
 */
static err_t head_find(struct bytes in, size_t *head_n)
{
    size_t limit = in.n < HEAD_MAX ? in.n : HEAD_MAX;
    *head_n = 0;
    if (in.n > 0 && (in.p[0] < 'A' || in.p[0] > 'Z')) {
        return ERR_MALFORMED_HTTP;
    }
    const uint8_t *line = in.p;
    const uint8_t *end = in.p + limit;
    const uint8_t *lf;
    while (line < end && (lf = memchr(line, '\n', (size_t)(end - line))) != NULL) {
        if (lf == line || lf[-1] != '\r') {
            return ERR_MALFORMED_HTTP;
        }
        size_t n = (size_t)(lf - line) - 1;
        if (n == 0) {
            *head_n = (size_t)(lf - in.p) + 1;
            return ERR_OK;
        }
        if (line[0] == ' ' || line[0] == '\t' || line[0] == ':' || !is_clean(line, n)) {
            return ERR_MALFORMED_HTTP;
        }
        line = lf + 1;
    }
    size_t rest = (size_t)(end - line);
    rest -= rest > 0 && line[rest - 1] == '\r' ? 1 : 0;
    if (!is_clean(line, rest)) {
        return ERR_MALFORMED_HTTP;
    }
    return in.n >= HEAD_MAX ? ERR_LIMIT_SIZE : ERR_OK;
}

/* METHOD SP target SP HTTP/1.1: llhttp also takes RTSP/1.1, HTTP/1.0 and several spaces. */
static bool request_line_is_strict(struct bytes head)
{
    const size_t n = sizeof(VERSION_AT_END) - 1;
    const uint8_t *lf = memchr(head.p, '\n', head.n);
    size_t line = lf == NULL ? 0 : (size_t)(lf - head.p) + 1;
    if (line <= n || memcmp(head.p + line - n, VERSION_AT_END, n) != 0) {
        return false;
    }
    struct text before = text_span((const char *)head.p, line - n);
    size_t space = text_find(before, ' ');
    return space < before.n && text_find_last(before, ' ') == space;
}

/* -- llhttp's callbacks ---------------------------------------------------------------------------- */

static int refuse(struct collector *c, err_t e)
{
    c->err = e;
    return -1;
}

static int on_url(llhttp_t *parser, const char *p, size_t n)
{
    struct collector *c = parser->data;
    if (c->last != SPAN_NONE) {
        return refuse(c, ERR_MALFORMED_HTTP);
    }
    c->last = SPAN_URL;
    c->out->target = text_span(p, n);
    return 0;
}

static int on_name(llhttp_t *parser, const char *p, size_t n)
{
    struct collector *c = parser->data;
    struct http1_request *r = c->out;
    if (c->last == SPAN_NAME) {
        if (p != c->end) {
            return refuse(c, ERR_MALFORMED_HTTP);
        }
        r->headers[r->headers_n - 1].name.n += n;
    } else {
        if (r->headers_n == HTTP1_HEADERS_MAX) {
            return refuse(c, ERR_LIMIT_SIZE);
        }
        r->headers[r->headers_n++] = (struct http1_header){text_span(p, n), text_empty()};
    }
    c->last = SPAN_NAME;
    c->end = p + n;
    return 0;
}

static int on_value(llhttp_t *parser, const char *p, size_t n)
{
    struct collector *c = parser->data;
    if (c->out->headers_n == 0) {
        return refuse(c, ERR_MALFORMED_HTTP);
    }
    struct http1_header *h = &c->out->headers[c->out->headers_n - 1];
    if (c->last == SPAN_VALUE) {
        if (p != c->end) {
            return refuse(c, ERR_MALFORMED_HTTP);
        }
        h->value.n += n;
    } else {
        h->value = (struct text){p, n};
    }
    c->last = SPAN_VALUE;
    c->end = p + n;
    return 0;
}

/* The body is taken by its length, not by llhttp: it stays one view. */
static int on_head(llhttp_t *parser)
{
    (void)parser;
    return HPE_PAUSED;
}

/* -- after llhttp: what the headers mean ------------------------------------------------------------ */

enum { KNOWN_HOST, KNOWN_LENGTH, KNOWN_TYPE, KNOWN_CODING, KNOWN_EXPECT, KNOWN_N };

static const struct known_row {
    const char *name;
    uint8_t n;
    bool never;
} known[KNOWN_N] = {
#define ROW(name, never) {name, sizeof(name) - 1, never}
    [KNOWN_HOST] = ROW("Host", false),
    [KNOWN_LENGTH] = ROW("Content-Length", false),
    [KNOWN_TYPE] = ROW("Content-Type", false),
    [KNOWN_CODING] = ROW("Transfer-Encoding", true), /* two ways to say where a request ends are one too many */
    [KNOWN_EXPECT] = ROW("Expect", true),            /* nobody waits for 100 Continue here */
#undef ROW
};

static size_t known_of(struct text name)
{
    size_t i = 0;
    while (i < KNOWN_N && (name.n != known[i].n || !text_eq_nocase(name, text_span(known[i].name, known[i].n)))) {
        i++;
    }
    return i;
}

static bool is_of_onem2m(struct text name)
{
    static const char prefix[] = "X-M2M-";
    return text_eq_nocase(text_take(name, sizeof(prefix) - 1), text_span(prefix, sizeof(prefix) - 1));
}

static bool occurs_before(const struct http1_request *r, size_t i)
{
    for (size_t k = 0; k < i; k++) {
        if (text_eq_nocase(r->headers[k].name, r->headers[i].name)) {
            return true;
        }
    }
    return false;
}

/* Those that have a meaning here and all of oneM2M: once at most. */
static err_t headers_check(struct http1_request *r, uint64_t *body_n)
{
    const struct http1_header *seen[KNOWN_N] = {NULL};
    for (size_t i = 0; i < r->headers_n; i++) {
        struct http1_header *h = &r->headers[i];
        while (h->value.n > 0 && (h->value.p[h->value.n - 1] == ' ' || h->value.p[h->value.n - 1] == '\t')) {
            h->value.n--;
        }
        size_t k = known_of(h->name);
        if (k == KNOWN_N ? is_of_onem2m(h->name) && occurs_before(r, i) : known[k].never || seen[k] != NULL) {
            return ERR_MALFORMED_HTTP;
        }
        if (k < KNOWN_N) {
            seen[k] = h;
        }
    }
    if (seen[KNOWN_HOST] == NULL || seen[KNOWN_HOST]->value.n == 0) {
        return ERR_MALFORMED_HTTP;
    }
    bool ok = seen[KNOWN_LENGTH] == NULL || text_u64(seen[KNOWN_LENGTH]->value, UINT64_MAX, body_n) == ERR_OK;
    return ok ? ERR_OK : ERR_MALFORMED_HTTP;
}

/* Origin form only; nothing that is not visible ASCII, no fragment. */
static bool target_is_origin_form(struct text t)
{
    bool ok = t.n > 0 && t.p[0] == '/';
    for (size_t i = 0; i < t.n; i++) {
        ok &= t.p[i] > 0x20 && t.p[i] < 0x7f && t.p[i] != '#';
    }
    return ok;
}

static enum http1_method method_of(const llhttp_t *parser)
{
    static const struct {
        uint8_t llhttp;
        enum http1_method method;
    } methods[] = {{HTTP_GET, HTTP1_GET}, {HTTP_POST, HTTP1_POST}, {HTTP_PUT, HTTP1_PUT}, {HTTP_DELETE, HTTP1_DELETE}};
    for (size_t i = 0; i < ARRAY_LEN(methods); i++) {
        if (methods[i].llhttp == parser->method) {
            return methods[i].method;
        }
    }
    return HTTP1_OTHER;
}

static err_t head_parse(struct bytes head, struct http1_request *out, uint64_t *body_n)
{
    static const llhttp_settings_t settings = {
        .on_url = on_url, .on_header_field = on_name, .on_header_value = on_value, .on_headers_complete = on_head};
    struct collector c = {out, SPAN_NONE, NULL, ERR_MALFORMED_HTTP};
    llhttp_t parser;
    llhttp_init(&parser, HTTP_REQUEST, &settings);
    parser.data = &c;
    if (!request_line_is_strict(head)) {
        return ERR_MALFORMED_HTTP;
    }
    if (llhttp_execute(&parser, (const char *)head.p, head.n) != HPE_PAUSED) {
        return c.err;
    }
    out->method = method_of(&parser);
    /* HEAD and the like: whoever sent it counts octets of the answer in its own way, so it is the last. */
    out->keep_alive = (parser.flags & F_CONNECTION_CLOSE) == 0 && out->method != HTTP1_OTHER;
    TRY(headers_check(out, body_n));
    return target_is_origin_form(out->target) ? ERR_OK : ERR_MALFORMED_HTTP;
}

err_t http1_parse(struct bytes in, size_t max_body, struct http1_request *out, size_t *used)
{
    size_t head_n;
    uint64_t body_n = 0;
    *used = 0;
    out->headers_n = 0;
    out->method = HTTP1_OTHER;
    out->keep_alive = false;
    out->target = text_empty();
    out->body = bytes_empty();
    TRY(head_find(in, &head_n));
    if (head_n == 0) {
        return ERR_OK;
    }
    TRY(head_parse(bytes_of(in.p, head_n), out, &body_n));
    if (body_n > max_body) {
        return ERR_LIMIT_SIZE;
    }
    if (body_n > in.n - head_n) {
        return ERR_OK;
    }
    out->body = bytes_of(in.p + head_n, (size_t)body_n);
    *used = head_n + (size_t)body_n;
    return ERR_OK;
}

struct text http1_header_get(const struct http1_request *r, const char *name)
{
    struct text wanted = text_of(name);
    for (size_t i = 0; i < r->headers_n; i++) {
        if (text_eq_nocase(r->headers[i].name, wanted)) {
            return r->headers[i].value;
        }
    }
    return text_empty();
}

/* -- replies ---------------------------------------------------------------------------------------- */

static const char *reason_of(unsigned status)
{
    static const struct {
        unsigned status;
        const char *reason;
    } reasons[] = {
        {200, "OK"},
        {201, "Created"},
        {202, "Accepted"},
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {406, "Not Acceptable"},
        {409, "Conflict"},
        {413, "Content Too Large"},
        {415, "Unsupported Media Type"},
        {500, "Internal Server Error"},
        {501, "Not Implemented"},
        {503, "Service Unavailable"},
        {504, "Gateway Timeout"},
    };
    for (size_t i = 0; i < ARRAY_LEN(reasons); i++) {
        if (reasons[i].status == status) {
            return reasons[i].reason;
        }
    }
    return "";
}

/* One of a few dozen octets: all of it in one piece. */
static void write_header(struct writer *w, struct text name, struct text value)
{
    uint8_t *at = writer_reserve(w, name.n + value.n + 4);
    if (at == NULL) {
        return;
    }
    memcpy(at, name.p, name.n);
    memcpy(at + name.n, ": ", 2);
    if (value.n > 0) { /* the empty text may have no address */
        memcpy(at + name.n + 2, value.p, value.n);
    }
    memcpy(at + name.n + 2 + value.n, "\r\n", 2);
}

err_t http1_write(const struct http1_reply *r, struct writer *w)
{
    writer_text(w, text_of("HTTP/1.1 "));
    writer_decimal(w, r->status);
    writer_u8(w, ' ');
    writer_z(w, reason_of(r->status));
    writer_text(w, text_of("\r\n"));
    for (size_t i = 0; i < r->headers_n; i++) {
        struct text name = r->headers[i].name;
        struct text value = r->headers[i].value;
        if (name.n == 0 || !is_clean((const uint8_t *)name.p, name.n) ||
            !is_clean((const uint8_t *)value.p, value.n)) {
            return ERR_MALFORMED_HTTP;
        }
        write_header(w, name, value);
    }
    if (r->content_type != NULL) {
        write_header(w, text_of("Content-Type"), text_of(r->content_type));
    }
    if (r->close) {
        writer_text(w, text_of("Connection: close\r\n"));
    }
    writer_text(w, text_of("Content-Length: "));
    writer_decimal(w, r->body.n);
    writer_text(w, text_of("\r\n\r\n"));
    writer_bytes(w, r->body);
    return writer_finish(w);
}
