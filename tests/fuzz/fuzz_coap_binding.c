/* A CoAP message as a request and as a response of oneM2M; what was understood is said again and understood the same. */
#include "fuzz.h"
#include "wire/coap_binding.h"

#include <string.h>

static void check_again(const struct primitive *p)
{
    char scratch[2 * COAP_BINDING_SCRATCH];
    char scratch_again[COAP_BINDING_SCRATCH];
    char detail[96];
    struct writer w = WRITER_ARRAY(scratch);
    struct writer w_again = WRITER_ARRAY(scratch_again);
    struct coap_message m;
    struct primitive q;
    err_t e = coap_binding_request(p, &w, &m);
    MUST_HOLD(e == ERR_OK || e == ERR_LIMIT_SIZE); /* a segment may be longer than an option; nothing else can happen */
    if (e != ERR_OK) {
        return;
    }
    MUST_HOLD(coap_refusal(&m) == 0);
    MUST_HOLD(coap_binding_parse(&m, &w_again, &q, detail) == ERR_OK);
    MUST_HOLD(q.op == p->op && text_eq(q.to, p->to) && text_eq(q.path, p->path) && text_eq(q.from, p->from));
    MUST_HOLD(text_eq(q.rqi, p->rqi) && text_eq(q.rvi, p->rvi) && q.has_ty == p->has_ty && q.ty == p->ty);
    MUST_HOLD(q.has_rcn == p->has_rcn && q.rcn == p->rcn && q.fu == p->fu && bytes_eq(q.content, p->content));
    coap_binding_wipe(&q);
}

static void check_request(const struct coap_message *m)
{
    char scratch[COAP_BINDING_SCRATCH];
    char out[512];
    char detail[96];
    struct writer s = WRITER_ARRAY(scratch);
    struct writer w = WRITER_ARRAY(out);
    struct coap_message reply;
    struct primitive p;
    err_t e = coap_binding_parse(m, &s, &p, detail);
    MUST_HOLD(memchr(detail, 0, sizeof(detail)) != NULL && !s.overflow);
    if (e == ERR_OK) {
        MUST_HOLD(p.op != OP_NONE && p.to.n > 0 && p.path.n > 0 && p.path.p[0] == '/');
        MUST_HOLD((p.op == OP_CREATE) == p.has_ty && p.has_from == (p.from.n > 0));
        MUST_HOLD((p.pc != NULL) == (p.content.n > 0) && p.unsupported == (p.unsupported_name[0] != '\0'));
        check_again(&p);
    } else {
        MUST_HOLD(p.pc == NULL);
    }
    struct primitive_response r = {e == ERR_OK ? 2000 : err_info(e)->rsc, p.rqi, p.rvi, p.to, bytes_empty(), MEDIA_JSON, 0, text_empty(), text_empty(), text_empty(), false};
    if (e != ERR_OK) {
        r.location = text_empty();
    }
    err_t written = coap_binding_response(p.op, &r, &w, &reply);
    MUST_HOLD(written == ERR_OK || (written == ERR_LIMIT_SIZE && r.location.n > 0));
    MUST_HOLD(written != ERR_OK || coap_is_response(&reply));
    coap_binding_wipe(&p);
}

static void check_response(const struct coap_message *m)
{
    char scratch[1024];
    struct writer s = WRITER_ARRAY(scratch);
    struct primitive_response r;
    if (coap_binding_parse_response(m, &s, &r) == ERR_OK) {
        MUST_HOLD(r.rsc >= 1000 && r.rsc <= 9999 && r.location.n <= sizeof(scratch));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct coap_message m;
    if (coap_parse(bytes_of(data, size), &m) != ERR_OK) {
        return 0;
    }
    if (coap_is_request(&m) && coap_refusal(&m) == 0) {
        check_request(&m);
    }
    check_response(&m);
    return 0;
}
