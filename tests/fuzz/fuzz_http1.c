/* A connection's octets: pipelined requests through the parser and the binding, and an answer to each. */
#include "fuzz.h"
#include "wire/http_binding.h"

#include <string.h>

#define BODY_MAX 2048

static bool is_inside(struct text t, struct bytes in)
{
    return t.n == 0 || ((const uint8_t *)t.p >= in.p && (const uint8_t *)t.p + t.n <= in.p + in.n);
}

static void check_request(const struct http1_request *r, struct bytes in)
{
    MUST_HOLD(r->target.n > 0 && r->target.p[0] == '/' && is_inside(r->target, in));
    MUST_HOLD(r->headers_n > 0 && r->headers_n <= HTTP1_HEADERS_MAX);
    MUST_HOLD(r->body.n <= BODY_MAX && is_inside(text_span((const char *)r->body.p, r->body.n), in));
    for (size_t i = 0; i < r->headers_n; i++) {
        struct text v = r->headers[i].value;
        MUST_HOLD(r->headers[i].name.n > 0 && is_inside(r->headers[i].name, in) && is_inside(v, in));
        MUST_HOLD(memchr(v.p, '\n', v.n) == NULL && memchr(v.p, '\r', v.n) == NULL && memchr(v.p, 0, v.n) == NULL);
        MUST_HOLD(!text_eq_nocase(r->headers[i].name, text_of("Transfer-Encoding")));
    }
}

static void check_binding(const struct http1_request *r)
{
    char scratch[256];
    char detail[96];
    char out[4096];
    struct writer s = WRITER_ARRAY(scratch);
    struct writer w = WRITER_ARRAY(out);
    struct primitive p;
    err_t e = http_binding_parse(r, &s, &p, detail);
    MUST_HOLD(memchr(detail, 0, sizeof(detail)) != NULL);
    if (e == ERR_OK) {
        MUST_HOLD(p.op != OP_NONE && (p.to.n > 0 || p.path.n == 1) && p.path.n > 0 && p.path.p[0] == '/');
        MUST_HOLD((p.op == OP_CREATE) == p.has_ty && p.has_from == (p.from.n > 0));
        MUST_HOLD((p.pc != NULL) == (p.content.n > 0) && p.unsupported == (p.unsupported_name[0] != '\0'));
    } else {
        MUST_HOLD(p.pc == NULL);
    }
    struct primitive_response rs = {e == ERR_OK ? 2000 : err_info(e)->rsc, p.rqi, p.rvi, text_empty(), bytes_empty()};
    MUST_HOLD(http_binding_write(&rs, e != ERR_OK, &w) == ERR_OK);
    http_binding_wipe(&p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes in = bytes_of(data, size);
    for (;;) {
        struct http1_request r;
        struct http1_request again;
        size_t used;
        size_t used_again;
        err_t e = http1_parse(in, BODY_MAX, &r, &used);
        MUST_HOLD(used <= in.n && (e == ERR_OK || used == 0));
        if (used == 0) {
            return 0;
        }
        check_request(&r, in);
        check_binding(&r);
        /* What follows a request says nothing about where it ends; a prefix of it is never a request. */
        MUST_HOLD(http1_parse(bytes_of(in.p, used), BODY_MAX, &again, &used_again) == ERR_OK && used_again == used);
        MUST_HOLD(http1_parse(bytes_of(in.p, used - 1), BODY_MAX, &again, &used_again) == ERR_OK && used_again == 0);
        in = bytes_of(in.p + used, in.n - used);
    }
}
