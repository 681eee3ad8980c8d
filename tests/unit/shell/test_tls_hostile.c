/* Garbage, cut and spoilt flights at every stage: one clear error, never a handshake, never a crash. */
#include "tls_fixture.h"

#define FLIGHTS 2 /* ClientHello; and ClientKeyExchange .. Finished */
#define FLIGHT_MAX 8192

static struct tls_ctx *ctx;

static int ctx_setup(void **state)
{
    int rc = fixture_setup(state);
    ctx = fixture_ctx_cert();
    return rc;
}

static int ctx_teardown(void **state)
{
    tls_ctx_free(ctx);
    return fixture_teardown(state);
}

/* A handshake up to the point where the client has just produced flight `stage`. */
struct scene {
    struct tls *t;
    struct peer p;
    uint8_t flight[FLIGHT_MAX];
    size_t n;
};

static void server_run(struct scene *s)
{
    if (tls_step(s->t) == TLS_WANT_KEY) {
        struct secret key = {0};
        assert_int_equal(secret_set(&key, text_bytes(text_of(FIXTURE_KEY))), ERR_OK);
        tls_answer(s->t, &key);
        (void)tls_step(s->t);
    }
}

static void scene_open(struct scene *s, const struct peer_options *opt, int stage)
{
    uint8_t buf[FLIGHT_MAX];
    s->t = server_new(ctx);
    peer_open(&s->p, opt);
    s->n = peer_step(&s->p, s->flight, sizeof(s->flight));
    for (int i = 0; i < stage; i++) {
        assert_int_equal(tls_feed(s->t, bytes_of(s->flight, s->n)), ERR_OK);
        server_run(s);
        size_t n = tls_drain(s->t, buf, sizeof(buf));
        peer_feed(&s->p, bytes_of(buf, n));
        s->n = peer_step(&s->p, s->flight, sizeof(s->flight));
    }
    assert_true(s->n > 0);
}

static void scene_close(struct scene *s)
{
    tls_free(s->t);
    peer_close(&s->p);
}

static const struct peer_options by_cert = {.cert = "client", .sni = FIXTURE_FQDN};

/* Cut: the server waits for more. When the rest comes it goes on: any fragmentation is fine. */
static void cut_everywhere(const struct peer_options *opt, size_t step)
{
    for (int stage = 0; stage < FLIGHTS; stage++) {
        size_t n = 1;
        for (size_t cut = 0; cut < n; cut += step) {
            struct scene s;
            scene_open(&s, opt, stage);
            n = s.n;
            cut = cut < n ? cut : n - 1;
            assert_int_equal(tls_feed(s.t, bytes_of(s.flight, cut)), ERR_OK);
            server_run(&s);
            assert_int_equal(tls_step(s.t), TLS_HANDSHAKE);
            if (cut % 2 == 0) { /* half of them are freed here, in the middle */
                assert_int_equal(tls_feed(s.t, bytes_of(s.flight + cut, n - cut)), ERR_OK);
                server_run(&s);
                assert_int_equal(tls_step(s.t), stage == 0 ? TLS_HANDSHAKE : TLS_ESTABLISHED);
            }
            scene_close(&s);
        }
    }
}

static void flights_may_be_cut_anywhere(void **state)
{
    (void)state;
    cut_everywhere(&fixture_good, 1);
    cut_everywhere(&by_cert, 13);
}

/* The version in a record header is the one thing of a flight that the Finished messages do not protect. */
static bool is_header_version(const uint8_t *flight, size_t n, size_t at)
{
    size_t record = 0;
    while (record + 5 <= n && record + 5 + (size_t)flight[record + 3] * 256 + flight[record + 4] <= at) {
        record += 5 + (size_t)flight[record + 3] * 256 + flight[record + 4];
    }
    return at == record + 1 || at == record + 2;
}

static void spoil_everywhere(const struct peer_options *opt, size_t step)
{
    static const uint8_t masks[] = {0x01, 0x80, 0xFF};
    size_t failed = 0;
    for (int stage = 0; stage < FLIGHTS; stage++) {
        size_t n = 1;
        for (size_t at = 0; at < n; at += step) {
            struct scene s;
            scene_open(&s, opt, stage);
            n = s.n;
            if (at >= n) {
                scene_close(&s);
                break;
            }
            bool harmless = is_header_version(s.flight, n, at);
            s.flight[at] ^= masks[at % ARRAY_LEN(masks)];
            assert_int_equal(tls_feed(s.t, bytes_of(s.flight, n)), ERR_OK);
            server_run(&s);
            enum tls_state end = pump(s.t, &s.p);
            end = end == TLS_WANT_KEY ? pump_answer(s.t, &s.p, FIXTURE_KEY) : end;
            assert_true(end == TLS_HANDSHAKE || end == TLS_FAILED || (end == TLS_ESTABLISHED && harmless));
            assert_true(end != TLS_FAILED || tls_error(s.t) != ERR_OK);
            assert_false(s.p.done);
            failed += end == TLS_FAILED ? 1U : 0U;
            scene_close(&s);
        }
    }
    assert_true(failed > 0);
}

static void spoilt_flights_never_complete(void **state)
{
    (void)state;
    spoil_everywhere(&fixture_good, 1);
    spoil_everywhere(&by_cert, 11);
}

static void garbage_is_malformed(void **state)
{
    (void)state;
#define JUNK(z)                                                                                                        \
    {                                                                                                                  \
        (z), sizeof(z) - 1                                                                                             \
    }
    static const struct text junk[] = {
        JUNK("GET / HTTP/1.1\r\nHost: mef.keystead.test\r\n\r\n"),
        JUNK("SSH-2.0-OpenSSH_9.2\r\n"),
        JUNK("\x16\x03\x01\xff\xff\x01 a record longer than allowed"),
        JUNK("\x15\x03\x03\x00\x05"
             "hello"), /* an alert of five octets */
        JUNK("\x17\x03\x03\x00\x05"
             "hello"), /* data before any handshake */
        JUNK("\x14\x03\x03\x00\x01\x01"),
        JUNK("\x16\x03\x01\x00\x04\x10\x00\x00\x00"), /* key exchange first */
        JUNK("\x80\x2e\x01 an SSLv2 hello, or what looks like one .................."),
        JUNK("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"),
    };
    for (size_t i = 0; i < ARRAY_LEN(junk); i++) {
        struct tls *t = server_new(ctx);
        assert_int_equal(tls_feed(t, text_bytes(junk[i])), ERR_OK);
        assert_int_equal(tls_step(t), TLS_FAILED);
        err_t e = tls_error(t);
        assert_true(e == ERR_MALFORMED || e == ERR_DENIED_TLS);
        uint8_t buf[64];
        assert_true(tls_drain(t, buf, sizeof(buf)) >= 7); /* an alert, whoever made it */
        assert_int_equal(buf[0], SSL3_RT_ALERT);
        assert_int_equal(tls_step(t), TLS_FAILED);
        assert_int_equal(tls_feed(t, bytes_of("x", 1)), ERR_OK); /* swallowed */
        tls_free(t);
    }
}

static void alert_of_the_client_is_not_answered(void **state)
{
    (void)state;
    struct scene s;
    scene_open(&s, &fixture_good, 1);
    static const uint8_t alert[] = {0x15, 3, 3, 0, 2, 2, 48};
    assert_int_equal(tls_feed(s.t, BYTES_ARRAY(alert)), ERR_OK);
    assert_int_equal(tls_step(s.t), TLS_FAILED);
    assert_int_equal(tls_error(s.t), ERR_PEER_REFUSED);
    assert_false(tls_has_output(s.t));
    scene_close(&s);
}

/* Hello and key exchange in one piece, before the server has said anything: suspends like any other. */
static void key_exchange_sent_at_once_suspends(void **state)
{
    (void)state;
    struct scene s;
    scene_open(&s, &fixture_good, 0);
    assert_int_equal(tls_feed(s.t, bytes_of(s.flight, s.n)), ERR_OK);
    static const uint8_t cke[] = {22, 3, 3, 0, 9, 16, 0, 0, 5, 0, 3, 'a', '@', 'b'};
    assert_int_equal(tls_feed(s.t, BYTES_ARRAY(cke)), ERR_OK);
    assert_int_equal(tls_step(s.t), TLS_WANT_KEY);
    assert_true(text_eq_z(tls_identity(s.t), "a@b"));
    scene_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(flights_may_be_cut_anywhere),
        cmocka_unit_test(spoilt_flights_never_complete),
        cmocka_unit_test(garbage_is_malformed),
        cmocka_unit_test(alert_of_the_client_is_not_answered),
        cmocka_unit_test(key_exchange_sent_at_once_suspends),
    };
    return cmocka_run_group_tests(tests, ctx_setup, ctx_teardown);
}
