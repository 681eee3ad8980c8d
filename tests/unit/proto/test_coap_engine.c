/*
 * CoAP message layer: a client engine and a server engine in one process, under a clock that the test turns, over a
 * network that loses, repeats and reorders as the test says.
 */
#include "coap_fixture.h"

#define BODY_MAX 8192
#define QUEUE_MAX 32
#define DELAY (USEC_PER_SEC / 100) /* one way */

struct flight {
    bool to_server;
    usec_t at;
    size_t n;
    uint8_t b[COAP_ENGINE_DATAGRAM];
};

struct net {
    struct coap_engine client, server;
    uint8_t client_body[BODY_MAX], server_body[BODY_MAX];
    struct coap_engine_params params;
    usec_t now;
    struct flight queue[QUEUE_MAX];
    size_t queued;
    unsigned sent;           /* datagrams so far, both ways */
    unsigned lose;           /* the one with this number is lost; 0: none */
    bool lose_all_to_server; /* or to the client */
    bool lose_all_to_client;
    bool twice; /* each one arrives again, later */
    bool mixed; /* delays differ, so that order does */

    usec_t think;     /* the handler answers after this */
    usec_t answer_at; /* 0: no request is waiting */
    unsigned handled; /* how often the handler ran */
    struct coap_message asked;
    uint8_t answer[BODY_MAX];
    size_t answer_n;
    uint8_t answer_code;
    uint8_t seen[BODY_MAX]; /* the content of the last request */
    size_t seen_n;

    bool done;
    struct coap_event outcome;
};

static struct net *net_new(void)
{
    struct net *n = calloc(1, sizeof(*n));
    assert_non_null(n);
    n->params = coap_engine_defaults;
    n->params.szx = 2; /* 64 octets */
    n->now = START;
    n->answer_code = COAP_CODE(2, 5);
    struct coap_engine_memory client = {.client = n->client_body, .client_n = BODY_MAX};
    struct coap_engine_memory server = {.server = n->server_body, .server_n = BODY_MAX};
    assert_int_equal(coap_engine_init(&n->client, &n->params, &client, &crypto), ERR_OK);
    assert_int_equal(coap_engine_init(&n->server, &n->params, &server, &crypto), ERR_OK);
    return n;
}

static void pump_one(struct net *n, struct coap_engine *from, bool to_server)
{
    uint8_t b[COAP_ENGINE_DATAGRAM];
    for (;;) {
        struct writer w = WRITER_ARRAY(b);
        if (!coap_engine_poll(from, &w)) {
            return;
        }
        assert_false(w.overflow);
        n->sent++;
        bool lost = n->sent == n->lose || (to_server ? n->lose_all_to_server : n->lose_all_to_client);
        for (unsigned copy = 0; !lost && copy < (n->twice ? 2U : 1U); copy++) {
            assert_true(n->queued < QUEUE_MAX);
            struct flight *f = &n->queue[n->queued++];
            f->to_server = to_server;
            f->at = n->now + DELAY * (n->mixed ? 1 + (n->sent * 7 + copy * 5) % 11 : 1) + copy * 3 * DELAY;
            f->n = w.n;
            memcpy(f->b, b, w.n);
        }
    }
}

static void pump(struct net *n)
{
    pump_one(n, &n->client, true);
    pump_one(n, &n->server, false);
}

static void on_request(struct net *n, const struct coap_event *ev)
{
    n->handled++;
    n->asked = ev->message;
    n->seen_n = ev->message.payload.n;
    assert_true(n->seen_n <= sizeof(n->seen));
    memcpy(n->seen, ev->message.payload.p, n->seen_n);
    n->answer_at = n->now + n->think;
}

static void on_client(struct net *n, const struct coap_event *ev)
{
    if (ev->kind != COAP_EVENT_NONE) {
        assert_false(n->done); /* one outcome a request */
        n->done = true;
        n->outcome = *ev;
    }
}

static void answer_now(struct net *n)
{
    struct coap_message m = coap_blank(COAP_ACK, n->answer_code);
    assert_int_equal(coap_add(&m, COAP_OPT_CONTENT_FORMAT, bytes_of("2", 1)), ERR_OK);
    assert_int_equal(coap_add(&m, COAP_OPT_OBSERVE, bytes_of("2", 1)), ERR_OK); /* must not get out */
    m.payload = bytes_of(n->answer, n->answer_n);
    n->answer_at = 0;
    assert_int_equal(coap_engine_answer(&n->server, &m, n->now), ERR_OK);
}

static usec_t earlier(usec_t a, usec_t b)
{
    return a < b ? a : b;
}

/* Moves on to what happens next. False: nothing will ever happen any more. */
static bool step(struct net *n)
{
    struct coap_event ev;
    usec_t next = earlier(coap_engine_deadline(&n->client), coap_engine_deadline(&n->server));
    size_t first = QUEUE_MAX;
    for (size_t i = 0; i < n->queued; i++) {
        if (n->queue[i].at <= next && (first == QUEUE_MAX || n->queue[i].at < n->queue[first].at)) {
            first = i;
            next = n->queue[i].at;
        }
    }
    if (n->answer_at != 0 && n->answer_at <= next) {
        n->now = n->answer_at;
        answer_now(n);
    } else if (first < QUEUE_MAX) {
        struct flight f = n->queue[first];
        n->now = f.at;
        n->queue[first] = n->queue[--n->queued];
        coap_engine_recv(f.to_server ? &n->server : &n->client, bytes_of(f.b, f.n), n->now, &ev);
        if (f.to_server && ev.kind == COAP_EVENT_REQUEST) {
            on_request(n, &ev);
        } else {
            assert_true(!f.to_server || ev.kind == COAP_EVENT_NONE);
            on_client(n, &ev);
        }
    } else if (next != USEC_NEVER) {
        assert_true(next >= n->now);
        n->now = next;
        coap_engine_tick(&n->server, n->now, &ev);
        assert_int_equal(ev.kind, COAP_EVENT_NONE);
        coap_engine_tick(&n->client, n->now, &ev);
        on_client(n, &ev);
    } else {
        return false;
    }
    pump(n);
    return true;
}

static void run(struct net *n)
{
    for (unsigned steps = 0; step(n); steps++) {
        assert_true(steps < 5000);
    }
}

static void ask(struct net *n, const struct coap_message *m)
{
    n->done = false;
    assert_int_equal(coap_engine_request(&n->client, m, n->now), ERR_OK);
    pump(n);
}

static void fill(uint8_t *p, size_t n, uint8_t seed)
{
    for (size_t i = 0; i < n; i++) {
        p[i] = (uint8_t)(i * 31 + i / 64 + seed);
    }
}

/* The request went through once, both contents are whole, and nothing is left behind. */
static void went_through(struct net *n, struct bytes content)
{
    assert_true(n->done);
    assert_int_equal(n->outcome.kind, COAP_EVENT_RESPONSE);
    assert_int_equal(n->handled, 1);
    assert_true(bytes_eq(bytes_of(n->seen, n->seen_n), content));
    assert_int_equal(n->outcome.message.code, n->answer_code);
    assert_true(bytes_eq(n->outcome.message.payload, bytes_of(n->answer, n->answer_n)));
    assert_non_null(coap_find(&n->outcome.message, COAP_OPT_CONTENT_FORMAT));
    assert_null(coap_find(&n->outcome.message, COAP_OPT_BLOCK2));
    assert_null(coap_find(&n->outcome.message, COAP_OPT_OBSERVE));
    assert_non_null(coap_find(&n->asked, COAP_OPT_M2M_FR));
    assert_null(coap_find(&n->asked, COAP_OPT_BLOCK1));
    assert_int_equal(coap_engine_deadline(&n->client), USEC_NEVER);
    assert_int_equal(coap_engine_deadline(&n->server), USEC_NEVER);
}

/* -- whole exchanges --------------------------------------------------------------------------------- */

struct kind {
    const char *name;
    size_t content, answer;
    usec_t think;
};
static const struct kind kinds[] = {
    {"piggybacked", 10, 20, 0},
    {"separate", 10, 20, 3 * USEC_PER_SEC},
    {"Block1", 1000, 0, 0},
    {"Block1, separate", 64 * 5, 30, 3 * USEC_PER_SEC},
    {"Block2", 0, 1000, 0},
    {"Block2, separate", 0, 64 * 4, 3 * USEC_PER_SEC},
    {"both", 700, 900, 0},
    {"both, separate", 700, 900, 2 * USEC_PER_SEC},
};

static struct net *exchange(const struct kind *k, unsigned lose, bool twice, bool mixed)
{
    struct net *n = net_new();
    uint8_t content[BODY_MAX];
    struct coap_message m = request(k->content > 0 ? COAP_POST : COAP_GET);
    fill(content, k->content, 1);
    n->answer_n = k->answer;
    fill(n->answer, n->answer_n, 7);
    n->think = k->think;
    n->lose = lose;
    n->twice = twice;
    n->mixed = mixed;
    m.payload = bytes_of(content, k->content);
    ask(n, &m);
    run(n);
    went_through(n, bytes_of(content, k->content));
    return n;
}

static void every_exchange_goes_through(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        free(exchange(&kinds[i], 0, false, false));
    }
}

/* Each datagram of each exchange is lost once, with nothing but time to notice. */
static void each_message_lost_once(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        struct net *n = exchange(&kinds[i], 0, false, false);
        unsigned all = n->sent;
        free(n);
        for (unsigned lost = 1; lost <= all; lost++) {
            n = exchange(&kinds[i], lost, false, false);
            assert_true(n->now >= START);
            free(n);
        }
    }
}

/* Each datagram arrives twice, and late ones overtake: still one handler run, one outcome. */
static void duplicates_and_reordering(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        free(exchange(&kinds[i], 0, true, false));
        free(exchange(&kinds[i], 0, false, true));
        struct net *n = exchange(&kinds[i], 0, true, true);
        unsigned all = n->sent;
        free(n);
        for (unsigned lost = 1; lost <= all; lost++) {
            free(exchange(&kinds[i], lost, true, true));
        }
    }
}

/* -- retransmission ---------------------------------------------------------------------------------- */

static void gives_up_after_the_last_retransmission(void **state)
{
    (void)state;
    struct net *n = net_new();
    struct coap_message m = request(COAP_GET);
    n->lose_all_to_server = true;
    ask(n, &m);
    run(n);
    assert_true(n->done);
    assert_int_equal(n->outcome.kind, COAP_EVENT_FAILED);
    assert_int_equal(n->outcome.reason, ERR_PEER_TIMEOUT);
    assert_int_equal(n->sent, 5); /* once, and MAX_RETRANSMIT times */
    /* ACK_TIMEOUT times 1.25 (half of the way to 1.5), doubled each time: 2.5 * (1 + 2 + 4 + 8 + 16) */
    assert_in_range(n->now - START, 77 * USEC_PER_SEC, 78 * USEC_PER_SEC);
    assert_int_equal(n->handled, 0);
    n->lose_all_to_server = false; /* the engine is as good as new */
    ask(n, &m);
    run(n);
    assert_int_equal(n->outcome.kind, COAP_EVENT_RESPONSE);
    free(n);
}

static void waits_for_an_answer_that_was_acknowledged(void **state)
{
    (void)state;
    struct net *n = net_new();
    struct coap_message m = request(COAP_GET);
    n->think = 1000 * USEC_PER_SEC;
    ask(n, &m);
    run(n);
    assert_int_equal(n->handled, 1);
    assert_int_equal(n->outcome.reason, ERR_PEER_TIMEOUT);
    free(n);
}

static void an_answer_nobody_takes_is_given_up(void **state)
{
    (void)state;
    struct net *n = net_new();
    struct coap_message m = request(COAP_GET);
    n->lose_all_to_client = true;
    n->think = 2 * USEC_PER_SEC;
    ask(n, &m);
    run(n);
    assert_int_equal(n->handled, 1); /* five times sent, once run */
    assert_int_equal(n->outcome.reason, ERR_PEER_TIMEOUT);
    assert_false(n->server.server.con.used);
    free(n);
}

static void smaller_blocks_on_request(void **state)
{
    (void)state;
    struct net *n = net_new();
    struct coap_engine_params large = n->params;
    uint8_t content[1000];
    large.szx = 6;
    fill(content, sizeof(content), 3);
    n->client.params = &large; /* 1024, while the server wants 64 */
    n->answer_n = 500;
    fill(n->answer, n->answer_n, 4);
    struct coap_message m = request(COAP_PUT);
    m.payload = BYTES_ARRAY(content);
    ask(n, &m);
    run(n);
    went_through(n, BYTES_ARRAY(content)); /* 1000 fit into one */
    n->handled = 0;
    large.szx = 4; /* 256 */
    ask(n, &m);
    run(n);
    went_through(n, BYTES_ARRAY(content));
    free(n);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_exchange_goes_through),
        cmocka_unit_test(each_message_lost_once),
        cmocka_unit_test(duplicates_and_reordering),
        cmocka_unit_test(gives_up_after_the_last_retransmission),
        cmocka_unit_test(waits_for_an_answer_that_was_acknowledged),
        cmocka_unit_test(an_answer_nobody_takes_is_given_up),
        cmocka_unit_test(smaller_blocks_on_request),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
