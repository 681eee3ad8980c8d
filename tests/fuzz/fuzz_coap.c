/* A datagram: parsed, judged, and what was understood written and read again. */
#include "fuzz.h"
#include "wire/coap.h"

static void check_inside(struct bytes v, struct bytes in)
{
    MUST_HOLD(v.n == 0 || (v.p >= in.p && v.p + v.n <= in.p + in.n));
}

static void check_same(const struct coap_message *a, const struct coap_message *b)
{
    MUST_HOLD(a->type == b->type && a->code == b->code && a->id == b->id && coap_is_same_token(a, b));
    MUST_HOLD(a->options_n == b->options_n && bytes_eq(a->payload, b->payload));
    for (size_t i = 0; i < a->options_n; i++) {
        MUST_HOLD(a->options[i].number == b->options[i].number && bytes_eq(a->options[i].value, b->options[i].value));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t out[65536];
    struct bytes in = bytes_of(data, size);
    struct coap_message m;
    struct coap_message again;
    struct writer w = WRITER_ARRAY(out);
    if (coap_parse(in, &m) != ERR_OK) {
        MUST_HOLD(size < 4 || data[0] >> 6 != 1 || m.id == (data[2] << 8 | data[3])); /* for the reset */
        return 0;
    }
    MUST_HOLD(m.token_n <= COAP_TOKEN_MAX && m.options_n <= COAP_OPTIONS_MAX);
    MUST_HOLD(m.code == COAP_EMPTY || coap_is_request(&m) != coap_is_response(&m));
    check_inside(m.payload, in);
    for (size_t i = 0; i < m.options_n; i++) {
        struct coap_block b;
        uint32_t v;
        check_inside(m.options[i].value, in);
        MUST_HOLD(i == 0 || m.options[i].number >= m.options[i - 1].number);
        MUST_HOLD(coap_block_parse(&m.options[i], &b) != ERR_OK || (b.szx < 7 && b.num < 1U << 20));
        MUST_HOLD(coap_uint(&m.options[i], &v) == ERR_OK || m.options[i].value.n > 4);
    }
    uint8_t refusal = coap_refusal(&m);
    MUST_HOLD(refusal == 0 || refusal == COAP_CODE(4, 2) || refusal == COAP_CODE(5, 5));
    if (size <= sizeof(out)) {
        MUST_HOLD(coap_write(&m, &w) == ERR_OK && w.n <= size); /* ours is the shortest form */
        MUST_HOLD(coap_parse(writer_view(&w), &again) == ERR_OK);
        check_same(&m, &again);
    }
    return 0;
}
