/* CoAP engines, octet by octet: what they answer, refuse, match, repeat and bound. */
#include "coap_fixture.h"

/* -- octets by hand ---------------------------------------------------------------------------------- */

struct hand {
    struct coap_engine e;
    struct coap_engine_params params;
    uint8_t server[256], client[256];
    struct coap_event ev;
    uint8_t out[COAP_ENGINE_DATAGRAM];
    struct coap_message got; /* what went out last; code 0 and type NON if nothing */
    size_t out_n;
};

static struct hand *hand_new(void)
{
    struct hand *h = calloc(1, sizeof(*h));
    assert_non_null(h);
    h->params = coap_engine_defaults;
    h->params.szx = 0; /* 16 octets */
    struct coap_engine_memory memory = {h->server, h->client, sizeof(h->server), sizeof(h->client)};
    assert_int_equal(coap_engine_init(&h->e, &h->params, &memory, &crypto), ERR_OK);
    return h;
}

static size_t collect(struct hand *h)
{
    size_t n = 0;
    h->got = coap_blank(COAP_NON, COAP_EMPTY);
    for (;; n++) {
        struct writer w = WRITER_ARRAY(h->out);
        if (!coap_engine_poll(&h->e, &w)) {
            return n;
        }
        h->out_n = w.n;
        assert_int_equal(coap_parse(writer_view(&w), &h->got), ERR_OK);
    }
}

static size_t give_octets(struct hand *h, struct bytes b, usec_t now)
{
    uint8_t *exact = malloc(b.n + 1);
    memcpy(exact, b.p, b.n);
    coap_engine_recv(&h->e, bytes_of(exact, b.n), now, &h->ev);
    free(exact); /* the engine keeps nothing of the caller's */
    return collect(h);
}

static size_t give(struct hand *h, const struct coap_message *m, usec_t now)
{
    uint8_t b[4096];
    struct writer w = WRITER_ARRAY(b);
    assert_int_equal(coap_write(m, &w), ERR_OK);
    return give_octets(h, writer_view(&w), now);
}

static struct coap_message numbered(uint8_t code, uint16_t id)
{
    struct coap_message m = request(code);
    m.id = id;
    m.token_n = 2;
    m.token[0] = (uint8_t)(id >> 8);
    m.token[1] = (uint8_t)id;
    return m;
}

static void reply(struct hand *h, uint8_t code, struct bytes payload, usec_t now)
{
    struct coap_message m = coap_blank(COAP_ACK, code);
    m.payload = payload;
    assert_int_equal(coap_engine_answer(&h->e, &m, now), ERR_OK);
    collect(h);
}

static void a_duplicate_gets_the_same_octets(void **state)
{
    (void)state;
    struct hand *h = hand_new();
    struct coap_message m = numbered(COAP_GET, 7);
    uint8_t first[64];
    assert_int_equal(give(h, &m, START), 0);
    assert_int_equal(h->ev.kind, COAP_EVENT_REQUEST);
    assert_int_equal(give(h, &m, START + 1), 0); /* it is being served */
    assert_int_equal(h->ev.kind, COAP_EVENT_NONE);
    reply(h, COAP_CODE(2, 5), bytes_of("x", 1), START + 2);
    size_t n = h->out_n;
    memcpy(first, h->out, n);
    assert_int_equal(h->got.type, COAP_ACK);
    for (usec_t t = START; t < START + 247 * USEC_PER_SEC; t += 20 * USEC_PER_SEC) {
        assert_int_equal(give(h, &m, t), 1);
        assert_int_equal(h->ev.kind, COAP_EVENT_NONE);
        assert_true(h->out_n == n && memcmp(first, h->out, n) == 0);
    }
    assert_int_equal(give(h, &m, START + 247 * USEC_PER_SEC), 0); /* EXCHANGE_LIFETIME is over: a new request */
    assert_int_equal(h->ev.kind, COAP_EVENT_REQUEST);
    reply(h, COAP_CODE(4, 4), bytes_empty(), START + 248 * USEC_PER_SEC);
    assert_int_equal(give(h, &m, START + 249 * USEC_PER_SEC), 1);
    assert_int_equal(h->got.code, COAP_CODE(4, 4)); /* and its own answer */
    free(h);
}

/* An answer that is no longer kept is not sent again, and the handler does not run again either. */
static void a_late_duplicate_is_ignored(void **state)
{
    (void)state;
    struct hand *h = hand_new();
    for (uint16_t id = 0; id < 100; id++) {
        struct coap_message m = numbered(COAP_GET, id);
        give(h, &m, START + id);
        assert_int_equal(h->ev.kind, COAP_EVENT_REQUEST);
        reply(h, COAP_CODE(2, 4), bytes_empty(), START + id);
    }
    for (uint16_t id = 0; id < 100; id++) {
        struct coap_message m = numbered(COAP_GET, id);
        assert_int_equal(give(h, &m, START + 200), id < 100 - COAP_ENGINE_ANSWERS ? 0 : 1);
        assert_int_equal(h->ev.kind, COAP_EVENT_NONE);
    }
    free(h);
}

static void one_request_at_a_time(void **state)
{
    (void)state;
    struct hand *h = hand_new();
    struct coap_message a = numbered(COAP_GET, 1);
    struct coap_message b = numbered(COAP_GET, 2);
    give(h, &a, START);
    assert_int_equal(give(h, &b, START), 0); /* as if lost */
    assert_int_equal(h->ev.kind, COAP_EVENT_NONE);
    reply(h, COAP_CODE(2, 5), bytes_empty(), START);
    give(h, &b, START + USEC_PER_SEC); /* its retransmission is taken */
    assert_int_equal(h->ev.kind, COAP_EVENT_REQUEST);
    struct coap_message m = coap_blank(COAP_ACK, COAP_CODE(2, 5));
    reply(h, COAP_CODE(2, 5), bytes_empty(), START);
    assert_int_equal(coap_engine_answer(&h->e, &m, START), ERR_STATE); /* there is none any more */
    m = request(COAP_GET);
    assert_int_equal(coap_engine_request(&h->e, &m, START), ERR_OK);
    assert_int_equal(coap_engine_request(&h->e, &m, START), ERR_STATE); /* NSTART = 1 */
    free(h);
}

static void empty_messages_and_nonsense(void **state)
{
    (void)state;
    struct hand *h = hand_new();
    static const struct {
        const char *octets;
        size_t n;
        bool reset;
    } rows[] = {
        {"\x40\x00\x12\x34", 4, true},          /* ping */
        {"\x60\x00\x12\x34", 4, false},         /* ACK of nothing */
        {"\x70\x00\x12\x34", 4, false},         /* RST of nothing */
        {"\x50\x00\x12\x34", 4, false},         /* empty NON */
        {"\x49\x01\x12\x34zzzzzzzzz", 13, true}, /* token of 9 */
        {"\x59\x01\x12\x34zzzzzzzzz", 13, false},
        {"\x40\x01\x12\x34\xff", 5, true},      /* marker, no payload */
        {"\x60\x45\x12\x34\xff", 5, false},
        {"\x40\x45\x12\x34", 4, true},          /* a response to nothing we asked */
        {"\x50\x45\x12\x34", 4, false},
        {"\x60\x45\x12\x34", 4, false},
        {"\x80\x01\x12\x34", 4, false},         /* another version: in silence */
        {"\x40\x01\x12", 3, false},
        {"", 0, false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        size_t n = give_octets(h, bytes_of(rows[i].octets, rows[i].n), START);
        assert_int_equal(h->ev.kind, COAP_EVENT_NONE);
        assert_int_equal(n, rows[i].reset ? 1 : 0);
        assert_true(n == 0 || (h->got.type == COAP_RST && h->got.id == 0x1234));
    }
    for (size_t i = 0; i < 50; i++) { /* a caller that never polls costs nothing */
        coap_engine_recv(&h->e, bytes_of("\x40\x00\x12\x34", 4), START, &h->ev);
    }
    assert_int_equal(collect(h), COAP_ENGINE_NOTICES);
    free(h);
}

static void options_are_refused_before_the_caller_sees_them(void **state)
{
    (void)state;
    struct hand *h = hand_new();
    static const struct {
        uint16_t number;
        const char *value;
        uint8_t code;
    } rows[] = {
        {9, "", COAP_CODE(4, 2)},
        {COAP_OPT_BLOCK1, "1234", COAP_CODE(4, 2)},
        {COAP_OPT_PROXY_URI, "coap://h", COAP_CODE(5, 5)},
        {COAP_OPT_BLOCK1, "\x0f", COAP_CODE(4, 0)}, /* SZX 7 */
        {COAP_OPT_BLOCK2, "\x07", COAP_CODE(4, 0)},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct coap_message m = numbered(COAP_GET, (uint16_t)(100 + 2 * i));
        assert_int_equal(coap_add(&m, rows[i].number, bytes_of(rows[i].value, strlen(rows[i].value))), ERR_OK);
        assert_int_equal(give(h, &m, START), 1);
        assert_int_equal(h->ev.kind, COAP_EVENT_NONE);
        assert_int_equal(h->got.code, rows[i].code);
        assert_true(h->got.type == COAP_ACK && h->got.id == m.id && coap_is_same_token(&h->got, &m));
        m.type = COAP_NON; /* and in silence [RFC 7252 5.4.1] */
        m.id++;
        assert_int_equal(give(h, &m, START), 0);
        assert_int_equal(h->ev.kind, COAP_EVENT_NONE);
    }
    struct coap_message big = numbered(COAP_PUT, 300);
    uint8_t payload[COAP_ENGINE_DATAGRAM] = {1};
    big.payload = BYTES_ARRAY(payload);
    assert_int_equal(give(h, &big, START), 1);
    assert_int_equal(h->got.code, COAP_CODE(4, 13));
    free(h);
}

static void non_confirmable_is_answered_so(void **state)
{
    (void)state;
    struct hand *h = hand_new();
    struct coap_message m = numbered(COAP_GET, 5);
    m.type = COAP_NON;
    assert_int_equal(coap_add(&m, COAP_OPT_OBSERVE, bytes_empty()), ERR_OK);
    give(h, &m, START);
    assert_int_equal(h->ev.kind, COAP_EVENT_REQUEST);
    assert_null(coap_find(&h->ev.message, COAP_OPT_OBSERVE)); /* answered once, as if it had not been asked [RFC 7641 4.1] */
    assert_int_equal(coap_engine_deadline(&h->e), USEC_NEVER); /* nothing to acknowledge */
    reply(h, COAP_CODE(2, 5), bytes_empty(), START + 9 * USEC_PER_SEC);
    assert_true(h->got.type == COAP_NON && coap_is_same_token(&h->got, &m));
    free(h);
}

/* -- blocks by hand ---------------------------------------------------------------------------------- */

static struct coap_message with_block(uint8_t code, uint16_t id, uint16_t number, struct coap_block b, const char *payload)
{
    static uint8_t buf[64][4]; /* values live as long as the test */
    struct coap_message m = numbered(code, id);
    assert_int_equal(coap_add(&m, number, coap_block_write(&b, buf[id % 64])), ERR_OK);
    m.payload = bytes_of(payload, strlen(payload));
    return m;
}

#define SIXTEEN "0123456789abcdef"

static void block1_refusals(void **state)
{
    (void)state;
    struct hand *h = hand_new();
    uint16_t id = 1;
    static const struct {
        struct coap_block b;
        const char *payload;
        uint8_t code; /* 0: the request is whole */
    } rows[] = {
        {{1, true, 0}, SIXTEEN, COAP_CODE(4, 8)},  /* no beginning */
        {{0, true, 0}, "short", COAP_CODE(4, 0)},  /* not the size it says */
        {{0, true, 0}, SIXTEEN, COAP_CODE(2, 31)},
        {{2, true, 0}, SIXTEEN, COAP_CODE(4, 8)},  /* one is missing */
        {{0, true, 0}, SIXTEEN, COAP_CODE(2, 31)},
        {{0, true, 0}, SIXTEEN, COAP_CODE(2, 31)}, /* begins anew */
        {{1, true, 0}, SIXTEEN, COAP_CODE(2, 31)},
        {{1, true, 0}, SIXTEEN, COAP_CODE(4, 8)},  /* twice, as another message */
        {{2, false, 0}, SIXTEEN "x", COAP_CODE(4, 0)},
        {{1, false, 1}, "end", 0},                 /* larger blocks from the same place */
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct coap_message m = with_block(COAP_PUT, id++, COAP_OPT_BLOCK1, rows[i].b, rows[i].payload);
        give(h, &m, START);
        assert_int_equal(h->ev.kind, rows[i].code == 0 ? COAP_EVENT_REQUEST : COAP_EVENT_NONE);
        assert_int_equal(h->got.code, rows[i].code);
    }
    assert_int_equal(h->ev.message.payload.n, 35);
    assert_memory_equal(h->ev.message.payload.p, SIXTEEN SIXTEEN "end", 35);
    reply(h, COAP_CODE(2, 4), bytes_empty(), START);
    assert_non_null(coap_find(&h->got, COAP_OPT_BLOCK1));

    /* Another request's block does not go on where this one was; nor does one that comes too late. */
    struct coap_message first = with_block(COAP_PUT, id++, COAP_OPT_BLOCK1, (struct coap_block){0, true, 0}, SIXTEEN);
    give(h, &first, START);
    struct coap_message other = with_block(COAP_PUT, id++, COAP_OPT_BLOCK1, (struct coap_block){1, false, 0}, "x");
    assert_int_equal(coap_add(&other, COAP_OPT_M2M_RQI, bytes_of("r2", 2)), ERR_OK);
    give(h, &other, START);
    assert_int_equal(h->got.code, COAP_CODE(4, 8));
    coap_engine_tick(&h->e, coap_engine_deadline(&h->e), &h->ev);
    assert_int_equal(coap_engine_deadline(&h->e), USEC_NEVER);
    struct coap_message late = with_block(COAP_PUT, id++, COAP_OPT_BLOCK1, (struct coap_block){1, false, 0}, "x");
    give(h, &late, START + 100 * USEC_PER_SEC);
    assert_int_equal(h->got.code, COAP_CODE(4, 8));
    free(h);
}

static void a_body_has_a_limit(void **state)
{
    (void)state;
    struct hand *h = hand_new();
    uint16_t id = 1;
    uint32_t size = 0;
    for (uint32_t num = 0; num < sizeof(h->server) / 16; num++) {
        struct coap_message m = with_block(COAP_PUT, id++, COAP_OPT_BLOCK1, (struct coap_block){num, true, 0}, SIXTEEN);
        give(h, &m, START);
        assert_int_equal(h->got.code, COAP_CODE(2, 31));
    }
    struct coap_message m = with_block(COAP_PUT, id++, COAP_OPT_BLOCK1, (struct coap_block){16, false, 0}, "x");
    give(h, &m, START);
    assert_int_equal(h->got.code, COAP_CODE(4, 13));
    assert_int_equal(coap_uint(coap_find(&h->got, COAP_OPT_SIZE1), &size), ERR_OK);
    assert_int_equal(size, sizeof(h->server));
    m = with_block(COAP_PUT, id++, COAP_OPT_BLOCK1, (struct coap_block){0, true, 0}, SIXTEEN);
    assert_int_equal(coap_add(&m, COAP_OPT_SIZE1, bytes_of("\1\1", 2)), ERR_OK); /* 257: refused at once */
    give(h, &m, START);
    assert_int_equal(h->got.code, COAP_CODE(4, 13));

    /* Answers too: 5.00 instead of one that does not fit, and the caller knows. */
    uint8_t large[257] = {0};
    m = numbered(COAP_GET, id++);
    give(h, &m, START);
    struct coap_message answer = coap_blank(COAP_ACK, COAP_CODE(2, 5));
    answer.payload = BYTES_ARRAY(large);
    assert_int_equal(coap_engine_answer(&h->e, &answer, START), ERR_LIMIT_SIZE);
    collect(h);
    assert_int_equal(h->got.code, COAP_CODE(5, 0));
    /* And requests of our own. */
    m = request(COAP_PUT);
    m.payload = BYTES_ARRAY(large);
    assert_int_equal(coap_engine_request(&h->e, &m, START), ERR_LIMIT_SIZE);
    assert_int_equal(collect(h), 0);
    free(h);
}

static void block2_by_hand(void **state)
{
    (void)state;
    struct hand *h = hand_new();
    struct coap_block b;
    struct coap_message m = with_block(COAP_GET, 1, COAP_OPT_BLOCK2, (struct coap_block){3, false, 0}, "");
    give(h, &m, START);
    assert_int_equal(h->got.code, COAP_CODE(4, 8)); /* of what? */
    m = numbered(COAP_GET, 2);
    give(h, &m, START);
    reply(h, COAP_CODE(2, 5), bytes_of(SIXTEEN SIXTEEN "end", 35), START);
    assert_int_equal(coap_block_parse(coap_find(&h->got, COAP_OPT_BLOCK2), &b), ERR_OK);
    assert_true(b.num == 0 && b.more && b.szx == 0 && h->got.payload.n == 16);
    m = with_block(COAP_GET, 3, COAP_OPT_BLOCK2, (struct coap_block){2, false, 0}, ""); /* in any order */
    give(h, &m, START);
    assert_int_equal(coap_block_parse(coap_find(&h->got, COAP_OPT_BLOCK2), &b), ERR_OK);
    assert_true(!b.more && h->got.payload.n == 3 && h->got.code == COAP_CODE(2, 5));
    m = with_block(COAP_GET, 4, COAP_OPT_BLOCK2, (struct coap_block){3, false, 0}, "");
    give(h, &m, START);
    assert_int_equal(h->got.code, COAP_CODE(4, 0)); /* beyond its end */
    m = with_block(COAP_GET, 5, COAP_OPT_BLOCK2, (struct coap_block){1, false, 1}, ""); /* larger than ours: at its place */
    give(h, &m, START);
    assert_int_equal(coap_block_parse(coap_find(&h->got, COAP_OPT_BLOCK2), &b), ERR_OK);
    assert_true(b.num == 2 && b.szx == 0 && h->got.payload.n == 3);
    m = with_block(COAP_GET, 6, COAP_OPT_BLOCK2, (struct coap_block){1, false, 0}, "");
    assert_int_equal(coap_add(&m, COAP_OPT_M2M_RQI, bytes_of("r2", 2)), ERR_OK);
    give(h, &m, START);
    assert_int_equal(h->got.code, COAP_CODE(4, 8)); /* another request's answer is not handed out */
    assert_int_equal(h->ev.kind, COAP_EVENT_NONE);
    coap_engine_tick(&h->e, coap_engine_deadline(&h->e), &h->ev);
    m = with_block(COAP_GET, 7, COAP_OPT_BLOCK2, (struct coap_block){1, false, 0}, "");
    give(h, &m, START + 500 * USEC_PER_SEC);
    assert_int_equal(h->got.code, COAP_CODE(4, 8)); /* dropped */
    free(h);
}

/* -- what a server may do to a client ---------------------------------------------------------------- */

static struct coap_message answer_to(struct hand *h, enum coap_type type, uint8_t code)
{
    struct coap_message m = coap_blank(type, code);
    m.id = type == COAP_ACK ? h->got.id : (uint16_t)(h->got.id + 100);
    m.token_n = h->got.token_n;
    memcpy(m.token, h->got.token, sizeof(m.token));
    return m;
}

static void start_request(struct hand *h, const char *payload)
{
    struct coap_message m = request(COAP_PUT);
    m.payload = bytes_of(payload, strlen(payload));
    assert_int_equal(coap_engine_request(&h->e, &m, START), ERR_OK);
    assert_int_equal(collect(h), 1);
    assert_int_equal(h->got.type, COAP_CON);
}

static void client_refuses_nonsense(void **state)
{
    (void)state;
    static const struct {
        const char *request;
        uint8_t code;
        uint16_t number; /* an option of the response, 0 for none */
        const char *value;
        const char *payload;
        err_t expected;
    } rows[] = {
        {"a", COAP_CODE(2, 5), 9, "", "", ERR_PEER_NONSENSE},                                /* unknown critical option */
        {"a", COAP_CODE(2, 31), 0, "", "", ERR_PEER_NONSENSE},                               /* continue what? */
        {"a", COAP_CODE(2, 5), COAP_OPT_BLOCK2, "\x07", "x", ERR_PEER_NONSENSE},             /* SZX 7 */
        {"a", COAP_CODE(2, 5), COAP_OPT_BLOCK2, "\x10", "x", ERR_PEER_NONSENSE},             /* the second block first */
        {"a", COAP_CODE(2, 5), COAP_OPT_BLOCK2, "\x08", "x", ERR_PEER_NONSENSE},             /* shorter than it says */
        {SIXTEEN "x", COAP_CODE(2, 4), 0, "", "", ERR_PEER_NONSENSE},                        /* done before all came */
        {SIXTEEN "x", COAP_CODE(2, 31), 0, "", "", ERR_PEER_NONSENSE},                       /* continues without a block */
        {SIXTEEN "x", COAP_CODE(2, 31), COAP_OPT_BLOCK1, "\x18", "", ERR_PEER_NONSENSE},     /* another block than ours */
        {SIXTEEN "x", COAP_CODE(4, 3), 0, "", "", ERR_OK},                                   /* an early refusal is fine */
        {"a", COAP_CODE(4, 4), 0, "", "", ERR_OK},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct hand *h = hand_new();
        start_request(h, rows[i].request);
        struct coap_message m = answer_to(h, COAP_ACK, rows[i].code);
        m.payload = bytes_of(rows[i].payload, strlen(rows[i].payload));
        if (rows[i].number != 0) {
            assert_int_equal(coap_add(&m, rows[i].number, bytes_of(rows[i].value, strlen(rows[i].value))), ERR_OK);
        }
        give(h, &m, START);
        assert_int_equal(h->ev.kind, rows[i].expected == ERR_OK ? COAP_EVENT_RESPONSE : COAP_EVENT_FAILED);
        assert_int_equal(h->ev.reason, rows[i].expected);
        assert_int_equal(coap_engine_deadline(&h->e), USEC_NEVER);
        free(h);
    }
}

static void client_matches_token_and_id(void **state)
{
    (void)state;
    struct hand *h = hand_new();
    start_request(h, "a");
    struct coap_message good = answer_to(h, COAP_ACK, COAP_CODE(2, 4));
    struct coap_message m = good;
    m.token[0] ^= 1;
    give(h, &m, START);
    assert_int_equal(h->ev.kind, COAP_EVENT_NONE);
    m = good;
    m.id++;
    give(h, &m, START);
    assert_int_equal(h->ev.kind, COAP_EVENT_NONE);
    m = good;
    m.type = COAP_CON;
    m.token_n--;
    assert_int_equal(give(h, &m, START), 1);
    assert_int_equal(h->got.type, COAP_RST); /* not ours */
    give(h, &good, START);
    assert_int_equal(h->ev.kind, COAP_EVENT_RESPONSE);
    give(h, &good, START); /* again: nothing is waiting for it */
    assert_int_equal(h->ev.kind, COAP_EVENT_NONE);
    free(h);
}

static void separate_response_is_acknowledged_again(void **state)
{
    (void)state;
    struct hand *h = hand_new();
    start_request(h, "a");
    struct coap_message m = answer_to(h, COAP_CON, COAP_CODE(2, 4)); /* before any ACK: acknowledges, too */
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(give(h, &m, START), 1);
        assert_true(h->got.type == COAP_ACK && h->got.code == COAP_EMPTY && h->got.id == m.id);
        assert_int_equal(h->ev.kind, i == 0 ? COAP_EVENT_RESPONSE : COAP_EVENT_NONE);
    }
    assert_int_equal(coap_engine_deadline(&h->e), USEC_NEVER);
    free(h);
}

static void resets_end_things(void **state)
{
    (void)state;
    struct hand *h = hand_new();
    start_request(h, "a");
    struct coap_message rst = coap_blank(COAP_RST, COAP_EMPTY);
    rst.id = h->got.id;
    give(h, &rst, START);
    assert_int_equal(h->ev.kind, COAP_EVENT_FAILED);
    assert_int_equal(h->ev.reason, ERR_PEER_FAILING); /* it may have lost its state: no refusal */

    struct coap_message m = numbered(COAP_GET, 9);
    give(h, &m, START);
    coap_engine_tick(&h->e, START + USEC_PER_SEC, &h->ev);
    assert_int_equal(collect(h), 1);
    assert_true(h->got.type == COAP_ACK && h->got.code == COAP_EMPTY && h->got.id == 9);
    reply(h, COAP_CODE(2, 5), bytes_empty(), START + USEC_PER_SEC);
    assert_true(h->got.type == COAP_CON && coap_is_same_token(&h->got, &m));
    rst.id = h->got.id;
    give(h, &rst, START + USEC_PER_SEC);
    assert_int_equal(coap_engine_deadline(&h->e), USEC_NEVER); /* the separate response is not sent again */
    assert_int_equal(give(h, &m, START + USEC_PER_SEC), 1);    /* a duplicate of the request: acknowledged again */
    assert_true(h->got.type == COAP_ACK && h->got.code == COAP_EMPTY);
    free(h);
}

static void blocks_of_two_answers_do_not_mix(void **state)
{
    (void)state;
    struct hand *h = hand_new();
    start_request(h, "a");
    struct coap_message m = answer_to(h, COAP_ACK, COAP_CODE(2, 5));
    assert_int_equal(coap_add(&m, COAP_OPT_ETAG, bytes_of("a", 1)), ERR_OK);
    assert_int_equal(coap_add(&m, COAP_OPT_BLOCK2, bytes_of("\x08", 1)), ERR_OK);
    m.payload = bytes_of(SIXTEEN, 16);
    assert_int_equal(give(h, &m, START), 1); /* the next block is asked for */
    m = answer_to(h, COAP_ACK, COAP_CODE(2, 5));
    assert_int_equal(coap_add(&m, COAP_OPT_ETAG, bytes_of("b", 1)), ERR_OK);
    assert_int_equal(coap_add(&m, COAP_OPT_BLOCK2, bytes_of("\x10", 1)), ERR_OK);
    m.payload = bytes_of("x", 1);
    give(h, &m, START);
    assert_int_equal(h->ev.reason, ERR_PEER_NONSENSE);
    free(h);
}

static void starts_with_randomness_or_not_at_all(void **state)
{
    (void)state;
    static const struct crypto broken = {.random = no_random, .sha256 = sum};
    struct coap_engine_memory none = {0};
    struct coap_engine *e = calloc(1, sizeof(*e));
    struct coap_message m = request(COAP_GET);
    assert_int_equal(coap_engine_init(e, &coap_engine_defaults, &none, &broken), ERR_CRYPTO);
    assert_int_equal(coap_engine_init(e, &coap_engine_defaults, &none, &crypto), ERR_OK);
    e->crypto = &broken; /* later it only costs the spread of retransmissions */
    assert_int_equal(coap_engine_request(e, &m, START), ERR_OK);
    assert_int_equal(coap_engine_deadline(e), START + 3 * USEC_PER_SEC);
    coap_engine_wipe(e);
    free(e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_duplicate_gets_the_same_octets),
        cmocka_unit_test(a_late_duplicate_is_ignored),
        cmocka_unit_test(one_request_at_a_time),
        cmocka_unit_test(empty_messages_and_nonsense),
        cmocka_unit_test(options_are_refused_before_the_caller_sees_them),
        cmocka_unit_test(non_confirmable_is_answered_so),
        cmocka_unit_test(block1_refusals),
        cmocka_unit_test(a_body_has_a_limit),
        cmocka_unit_test(block2_by_hand),
        cmocka_unit_test(client_refuses_nonsense),
        cmocka_unit_test(client_matches_token_and_id),
        cmocka_unit_test(separate_response_is_acknowledged_again),
        cmocka_unit_test(resets_end_things),
        cmocka_unit_test(blocks_of_two_answers_do_not_mix),
        cmocka_unit_test(starts_with_randomness_or_not_at_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
