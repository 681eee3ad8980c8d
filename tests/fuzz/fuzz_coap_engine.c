/*
 * A CoAP engine against a peer that sends anything at any time: an input is a program of steps. Octets go in as they
 * are, or with the id and token of what the engine sent last, so that runs get past the matching.
 */
#include "base/reader.h"
#include "fuzz.h"
#include "proto/coap_engine.h"

#include <string.h>

#define BODY_MAX 512
#define STEPS_MAX 200

enum what { RAW, MATCHED, ANSWER, REQUEST, TIME, WHATS };

struct run {
    struct coap_engine e;
    struct coap_engine_params params;
    uint8_t server[BODY_MAX], client[BODY_MAX];
    usec_t now;
    struct coap_message sent; /* the last one that went out with a token */
    bool waiting;             /* a request was handed up */
    bool asking;              /* one of ours is under way */
    usec_t last[65536];       /* when a request with this id was handed up */
};

static err_t zeros(uint8_t *out, size_t n)
{
    memset(out, 0, n);
    return ERR_OK;
}

static err_t sum(struct bytes in, uint8_t out[CRYPTO_HASH_LEN])
{
    memset(out, 0, CRYPTO_HASH_LEN);
    for (size_t i = 0; i < in.n; i++) {
        out[i % CRYPTO_HASH_LEN] = (uint8_t)(out[i % CRYPTO_HASH_LEN] * 31 + in.p[i]);
    }
    return ERR_OK;
}

static const struct crypto crypto = {.random = zeros, .sha256 = sum};

static void drain(struct run *r)
{
    uint8_t b[COAP_ENGINE_DATAGRAM];
    struct coap_message m;
    for (unsigned n = 0;; n++) {
        struct writer w = WRITER_ARRAY(b);
        if (!coap_engine_poll(&r->e, &w)) {
            return;
        }
        MUST_HOLD(n < COAP_ENGINE_NOTICES + COAP_ENGINE_ANSWERS + 2);
        MUST_HOLD(!w.overflow && coap_parse(writer_view(&w), &m) == ERR_OK); /* what we send, anybody can read */
        MUST_HOLD(coap_refusal(&m) == 0 || !coap_is_request(&m) || r->asking);
        if (m.code != COAP_EMPTY) {
            m.options_n = 0;
            m.payload = bytes_empty();
            r->sent = m;
        }
    }
}

static void check(struct run *r, const struct coap_event *ev)
{
    const struct coap_message *m = &ev->message;
    switch (ev->kind) {
    case COAP_EVENT_REQUEST:
        MUST_HOLD(!r->waiting && coap_is_request(m) && coap_refusal(m) == 0);
        MUST_HOLD(m->payload.n <= COAP_ENGINE_DATAGRAM);
        MUST_HOLD(coap_find(m, COAP_OPT_BLOCK1) == NULL && coap_find(m, COAP_OPT_BLOCK2) == NULL);
        /* Once (the table of ids cannot have gone round in so few steps). */
        MUST_HOLD(r->last[m->id] == 0 || r->now - r->last[m->id] >= r->params.exchange_lifetime);
        r->last[m->id] = r->now;
        r->waiting = true;
        break;
    case COAP_EVENT_RESPONSE:
        MUST_HOLD(r->asking && coap_is_response(m) && coap_refusal(m) == 0);
        MUST_HOLD(m->payload.n <= COAP_ENGINE_DATAGRAM);
        r->asking = false;
        break;
    case COAP_EVENT_FAILED:
        MUST_HOLD(r->asking && ev->reason != ERR_OK);
        r->asking = false;
        break;
    case COAP_EVENT_NONE:
        break;
    }
    for (size_t i = 0; ev->kind == COAP_EVENT_REQUEST && i < m->options_n; i++) {
        const uint8_t *p = m->options[i].value.p; /* of the engine's memory, not of the datagram's */
        MUST_HOLD(m->options[i].value.n == 0 || (p >= (uint8_t *)&r->e && p < (uint8_t *)(&r->e + 1)));
    }
    MUST_HOLD(r->e.server.body.n <= BODY_MAX && r->e.client.body.n <= BODY_MAX);
}

static void receive(struct run *r, struct bytes b, bool matched)
{
    uint8_t text[4096];
    struct coap_message m;
    struct coap_event ev;
    struct writer w = WRITER_ARRAY(text);
    if (matched && coap_parse(b, &m) == ERR_OK && m.code != COAP_EMPTY) {
        m.id = m.type == COAP_ACK ? r->sent.id : m.id;
        m.token_n = r->sent.token_n;
        memcpy(m.token, r->sent.token, sizeof(m.token));
        if (coap_write(&m, &w) == ERR_OK) {
            b = writer_view(&w);
        }
    }
    coap_engine_recv(&r->e, b, r->now, &ev);
    memset(text, 0xee, sizeof(text)); /* nothing may point there */
    check(r, &ev);
}

static void say(struct run *r, struct bytes b, bool answer)
{
    struct coap_message m;
    if (coap_parse(b, &m) != ERR_OK || (answer ? !coap_is_response(&m) : !coap_is_request(&m))) {
        return;
    }
    if (answer) {
        err_t e = coap_engine_answer(&r->e, &m, r->now);
        MUST_HOLD((e == ERR_STATE) == !r->waiting);
        r->waiting = false;
    } else {
        err_t e = coap_engine_request(&r->e, &m, r->now);
        MUST_HOLD((e == ERR_STATE) == r->asking);
        r->asking = r->asking || e == ERR_OK;
    }
}

static void pass(struct run *r, struct bytes b)
{
    struct coap_event ev;
    usec_t next = coap_engine_deadline(&r->e);
    usec_t jump = b.n > 0 ? (usec_t)b.p[0] * USEC_PER_SEC : 0;
    r->now = jump > 0 || next == USEC_NEVER ? r->now + jump : next > r->now ? next : r->now;
    coap_engine_tick(&r->e, r->now, &ev);
    check(r, &ev);
    next = coap_engine_deadline(&r->e);
    MUST_HOLD(next == USEC_NEVER || next > r->now || r->waiting || r->asking || r->e.server.con.used);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct run r;
    struct coap_engine_memory memory = {r.server, r.client, BODY_MAX, BODY_MAX};
    struct reader in = reader_of(bytes_of(data, size));
    memset(&r, 0, sizeof(r));
    r.params = coap_engine_defaults;
    r.params.szx = reader_u8(&in) % 7;
    r.now = 1000 * USEC_PER_SEC;
    r.sent = coap_blank(COAP_CON, COAP_EMPTY);
    MUST_HOLD(coap_engine_init(&r.e, &r.params, &memory, &crypto) == ERR_OK);
    for (unsigned steps = 0; steps < STEPS_MAX; steps++) {
        enum what what = (enum what)(reader_u8(&in) % WHATS);
        struct bytes b = reader_block16(&in);
        if (reader_failed(&in)) {
            break;
        }
        switch (what) {
        case RAW:
        case MATCHED:
            receive(&r, b, what == MATCHED);
            break;
        case ANSWER:
        case REQUEST:
            say(&r, b, what == ANSWER);
            break;
        case TIME:
        case WHATS:
            pass(&r, b);
            break;
        }
        drain(&r);
    }
    coap_engine_wipe(&r.e);
    return 0;
}
