/* The TLS adapter with pre-shared keys: suspending, holding the last flight, and every refusal with its alert. */
#include "tls_fixture.h"

#include <malloc.h>

#define MANY 500

static struct tls_ctx *ctx;

static int ctx_setup(void **state)
{
    int rc = fixture_setup(state);
    ctx = fixture_ctx_psk();
    return rc;
}

static int ctx_teardown(void **state)
{
    tls_ctx_free(ctx);
    return fixture_teardown(state);
}

struct pair {
    struct tls *t;
    struct peer p;
};

static void pair_open(struct pair *pair, const struct peer_options *opt)
{
    pair->t = server_new(ctx);
    peer_open(&pair->p, opt);
}

static enum tls_state pair_run(struct pair *pair)
{
    return pump(pair->t, &pair->p);
}

static void pair_close(struct pair *pair)
{
    tls_free(pair->t);
    peer_close(&pair->p);
}

static void exports_are_equal(struct pair *pair)
{
    SCOPED(keys_export_wipe) struct keys_export x = {0};
    uint8_t client[KEYS_EXPORT_LEN];
    assert_int_equal(tls_export(pair->t, KEYS_LABEL_BOOTSTRAP, &x), ERR_OK);
    assert_true(x.set);
    assert_int_equal(SSL_export_keying_material(pair->p.ssl, client, sizeof(client), KEYS_LABEL_BOOTSTRAP,
                                                strlen(KEYS_LABEL_BOOTSTRAP), NULL, 0, 0),
                     1);
    assert_memory_equal(client, x.b, sizeof(client));
}

/* R001-81, R001-82, R001-83, R001-85, R001-86 */
static void psk_handshake_gives_both_sides_one_export(void **state)
{
    (void)state;
    struct pair pair;
    pair_open(&pair, &fixture_good);
    struct keys_export early;
    assert_int_equal(tls_export(pair.t, KEYS_LABEL_BOOTSTRAP, &early), ERR_STATE);
    assert_int_equal(pair_run(&pair), TLS_WANT_KEY);
    assert_true(text_eq_z(tls_identity(pair.t), FIXTURE_IDENTITY));
    assert_int_equal(tls_step(pair.t), TLS_WANT_KEY); /* no answer, no step */
    assert_int_equal(tls_export(pair.t, KEYS_LABEL_BOOTSTRAP, &early), ERR_STATE);

    assert_int_equal(pump_answer(pair.t, &pair.p, FIXTURE_KEY), TLS_ESTABLISHED);
    assert_false(pair.p.done); /* Finished has not left */
    assert_false(tls_has_output(pair.t));
    uint8_t buf[4096];
    assert_int_equal(tls_drain(pair.t, buf, sizeof(buf)), 0);
    size_t n = 0;
    assert_int_equal(tls_read(pair.t, buf, sizeof(buf), &n), ERR_STATE);
    assert_int_equal(tls_write(pair.t, bytes_of("x", 1)), ERR_STATE);

    tls_release(pair.t);
    assert_int_equal(pump(pair.t, &pair.p), TLS_OPEN);
    assert_true(pair.p.done);
    exports_are_equal(&pair);
    assert_true(tls_is_psk(pair.t));
    assert_int_equal(tls_version(pair.t), 0x0303);
    assert_int_equal(tls_suite(pair.t), 0x00AE);
    struct role_cert cert;
    assert_int_equal(tls_peer(pair.t, &cert), ERR_DENIED_CERT_MISSING);
    assert_int_equal(SSL_get_extms_support(pair.p.ssl), 1);
    pair_close(&pair);
}

static void open_pair(struct pair *pair)
{
    assert_int_equal(pair_run(pair), TLS_WANT_KEY);
    assert_int_equal(pump_answer(pair->t, &pair->p, FIXTURE_KEY), TLS_ESTABLISHED);
    tls_release(pair->t);
    assert_int_equal(pump(pair->t, &pair->p), TLS_OPEN);
    assert_true(pair->p.done);
}

static void application_data_passes_both_ways_and_closes(void **state)
{
    (void)state;
    struct pair pair;
    pair_open(&pair, &fixture_good);
    open_pair(&pair);
    static uint8_t big[40000], got[40000];
    memset(big, 'k', sizeof(big));
    assert_int_equal(SSL_write(pair.p.ssl, big, sizeof(big)), (int)sizeof(big));
    assert_int_equal(pump(pair.t, &pair.p), TLS_OPEN);
    size_t have = 0, n = 1;
    while (n > 0) {
        assert_int_equal(tls_read(pair.t, got + have, sizeof(got) - have, &n), ERR_OK);
        have += n;
    }
    assert_int_equal(have, sizeof(big));
    assert_memory_equal(got, big, sizeof(big));

    assert_int_equal(tls_write(pair.t, bytes_of(big, sizeof(big))), ERR_OK);
    assert_int_equal(pump(pair.t, &pair.p), TLS_OPEN);
    assert_true(SSL_read(pair.p.ssl, got, 100) == 100);

    (void)SSL_shutdown(pair.p.ssl);
    assert_int_equal(pump(pair.t, &pair.p), TLS_OPEN);
    assert_int_equal(tls_read(pair.t, got, sizeof(got), &n), ERR_OK);
    assert_int_equal(n, 0);
    assert_int_equal(tls_step(pair.t), TLS_CLOSED);
    tls_close(pair.t);
    assert_true(tls_has_output(pair.t)); /* our close_notify */
    pair_close(&pair);
}

/* The octets of a record's arrival at which the connection is left alone: wherever that is, nothing is lost. */
static void a_connection_at_rest_gives_its_buffers_back(void **state)
{
    (void)state;
    struct pair pair;
    uint8_t wire[256];
    char got[32];
    size_t n = 0;
    pair_open(&pair, &fixture_good);
    open_pair(&pair);
    assert_int_equal(tls_read(pair.t, (uint8_t *)got, sizeof(got), &n), ERR_OK);
    size_t before = mallinfo2().uordblks;
    tls_rest(pair.t);
    assert_true(before == 0 || before - mallinfo2().uordblks > 16384); /* 0: an allocator that counts elsewhere */
    for (size_t cut = 0; cut <= 60; cut++) {
        assert_int_equal(SSL_write(pair.p.ssl, "made-up octets", 14), 14);
        size_t have = peer_step(&pair.p, wire, sizeof(wire));
        assert_in_range(have, 61, sizeof(wire));
        assert_int_equal(tls_feed(pair.t, bytes_of(wire, cut)), ERR_OK);
        assert_int_equal(tls_read(pair.t, (uint8_t *)got, sizeof(got), &n), ERR_OK);
        assert_int_equal(n, 0);
        tls_rest(pair.t);
        assert_int_equal(tls_feed(pair.t, bytes_of(wire + cut, have - cut)), ERR_OK);
        assert_int_equal(tls_read(pair.t, (uint8_t *)got, 7, &n), ERR_OK);
        assert_int_equal(n, 7);
        tls_rest(pair.t); /* the other half is still unread */
        assert_int_equal(tls_read(pair.t, (uint8_t *)got + 7, 7, &n), ERR_OK);
        assert_memory_equal(got, "made-up octets", 14);
        tls_rest(pair.t);
        assert_int_equal(tls_write(pair.t, bytes_of("an answer", 9)), ERR_OK);
        tls_rest(pair.t);
        assert_int_equal(pump(pair.t, &pair.p), TLS_OPEN);
        assert_int_equal(SSL_read(pair.p.ssl, got, sizeof(got)), 9);
    }
    pair_close(&pair);
}

/* What arrives while the flight is held is kept; a wrong record in it fails only when it is read. */
static void early_data_waits_while_held(void **state)
{
    (void)state;
    struct pair pair;
    pair_open(&pair, &fixture_good);
    open_pair(&pair);
    assert_int_equal(SSL_write(pair.p.ssl, "hello", 5), 5);
    assert_int_equal(pump(pair.t, &pair.p), TLS_OPEN);
    static uint8_t junk[64];
    assert_int_equal(tls_feed(pair.t, BYTES_ARRAY(junk)), ERR_OK);
    uint8_t buf[16];
    size_t n = 0;
    assert_int_equal(tls_read(pair.t, buf, sizeof(buf), &n), ERR_OK);
    assert_int_equal(n, 5);
    assert_int_equal(tls_read(pair.t, buf, sizeof(buf), &n), ERR_MALFORMED);
    assert_int_equal(tls_step(pair.t), TLS_FAILED);
    assert_int_equal(tls_error(pair.t), ERR_MALFORMED);
    assert_int_equal(tls_read(pair.t, buf, sizeof(buf), &n), ERR_MALFORMED);
    pair_close(&pair);

    struct pair held;
    pair_open(&held, &fixture_good);
    assert_int_equal(pair_run(&held), TLS_WANT_KEY);
    assert_int_equal(pump_answer(held.t, &held.p, FIXTURE_KEY), TLS_ESTABLISHED);
    assert_int_equal(tls_feed(held.t, BYTES_ARRAY(junk)), ERR_OK);
    assert_int_equal(tls_step(held.t), TLS_ESTABLISHED);
    static uint8_t flood[TLS_FEED_MAX];
    assert_int_equal(tls_feed(held.t, BYTES_ARRAY(flood)), ERR_LIMIT_SIZE);
    pair_close(&held);
}

static void abort_sends_internal_error_instead_of_finished(void **state)
{
    (void)state;
    struct pair pair;
    pair_open(&pair, &fixture_good);
    assert_int_equal(pair_run(&pair), TLS_WANT_KEY);
    assert_int_equal(pump_answer(pair.t, &pair.p, FIXTURE_KEY), TLS_ESTABLISHED);
    tls_abort(pair.t, ERR_STORE);
    uint8_t buf[64];
    const uint8_t expected[] = {0x15, 3, 3, 0, 2, 2, 80};
    size_t n = tls_drain(pair.t, buf, sizeof(buf));
    assert_int_equal(n, sizeof(expected));
    assert_memory_equal(buf, expected, sizeof(expected));
    peer_feed(&pair.p, bytes_of(buf, n));
    assert_int_equal(pump(pair.t, &pair.p), TLS_FAILED);
    assert_int_equal(tls_error(pair.t), ERR_STORE);
    assert_false(pair.p.done);
    assert_int_equal(pair.p.alert, 80);
    tls_release(pair.t); /* too late: nothing happens */
    assert_int_equal(tls_step(pair.t), TLS_FAILED);
    pair_close(&pair);
}

static void refused_keys_get_the_alert_of_their_row(void **state)
{
    (void)state;
    static const struct {
        err_t why;
        int alert;
    } rows[] = {{ERR_DENIED_PSK_UNKNOWN, 115},
                {ERR_PEER_TIMEOUT, 80},
                {ERR_DENIED_CERT_EXPIRED, 45},
                {ERR_STORE, 80},
                {ERR_PEER_REFUSED, 80}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct pair pair;
        pair_open(&pair, &fixture_good);
        assert_int_equal(pair_run(&pair), TLS_WANT_KEY);
        tls_refuse(pair.t, rows[i].why);
        assert_int_equal(pump(pair.t, &pair.p), TLS_FAILED);
        assert_int_equal(tls_error(pair.t), rows[i].why);
        assert_int_equal(pair.p.alert, rows[i].alert);
        pair_close(&pair);
    }
    struct pair pair; /* an answer without a key refuses too */
    pair_open(&pair, &fixture_good);
    assert_int_equal(pair_run(&pair), TLS_WANT_KEY);
    assert_int_equal(pump_answer(pair.t, &pair.p, ""), TLS_FAILED);
    assert_int_equal(tls_error(pair.t), ERR_DENIED_PSK_UNKNOWN);
    pair_close(&pair);
}

/* R001-83 */
static void wrong_key_is_told_apart_from_garbage(void **state)
{
    (void)state;
    struct pair pair;
    pair_open(&pair, &fixture_good);
    assert_int_equal(pair_run(&pair), TLS_WANT_KEY);
    assert_int_equal(pump_answer(pair.t, &pair.p, "another made-up key"), TLS_FAILED);
    assert_int_equal(tls_error(pair.t), ERR_DENIED_PSK_WRONG);
    assert_int_equal(pair.p.alert, 51);
    assert_false(pair.p.done);
    pair_close(&pair);
}

static void free_while_suspended_leaves_nothing(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++) {
        struct pair pair;
        pair_open(&pair, &fixture_good);
        assert_int_equal(pair_run(&pair), TLS_WANT_KEY);
        if (i == 1) {
            tls_refuse(pair.t, ERR_LIMIT_TIME); /* refused, but never stepped */
        }
        if (i == 2) {
            struct secret s = {.n = 16};
            tls_answer(pair.t, &s); /* answered, but never stepped */
        }
        pair_close(&pair);
    }
}

static void long_key_and_long_identity_work(void **state)
{
    (void)state;
    char identity[256], key[SECRET_MAX + 1];
    memset(identity, 'i', 255);
    identity[255] = '\0';
    memset(key, 'k', SECRET_MAX);
    key[SECRET_MAX] = '\0';
    struct peer_options opt = {.identity = identity, .key = key};
    struct pair pair;
    pair_open(&pair, &opt);
    assert_int_equal(pair_run(&pair), TLS_WANT_KEY);
    assert_int_equal(tls_identity(pair.t).n, 255);
    assert_int_equal(pump_answer(pair.t, &pair.p, key), TLS_ESTABLISHED);
    pair_close(&pair);
}

/* The client's ClientKeyExchange, with one octet of the identity made NUL on the wire; or all of it taken away. */
static struct bytes run_to_key_exchange(struct pair *pair, uint8_t *buf, size_t cap)
{
    pair_open(pair, &fixture_good);
    uint8_t hello[1024];
    size_t n = peer_step(&pair->p, hello, sizeof(hello));
    assert_int_equal(tls_feed(pair->t, bytes_of(hello, n)), ERR_OK);
    assert_int_equal(tls_step(pair->t), TLS_HANDSHAKE);
    n = tls_drain(pair->t, hello, sizeof(hello));
    peer_feed(&pair->p, bytes_of(hello, n));
    return bytes_of(buf, peer_step(&pair->p, buf, cap));
}

static void identity_with_nul_or_empty_is_refused(void **state)
{
    (void)state;
    uint8_t buf[1024];
    struct pair pair;
    struct bytes flight = run_to_key_exchange(&pair, buf, sizeof(buf));
    buf[5 + 4 + 2 + 7] = '\0'; /* record, handshake and length headers, then "made-up..." */
    assert_int_equal(tls_feed(pair.t, flight), ERR_OK);
    assert_int_equal(pair_run(&pair), TLS_FAILED);
    assert_int_equal(tls_error(pair.t), ERR_MALFORMED_NUL);
    assert_int_equal(pair.p.alert, 115);
    pair_close(&pair);

    (void)run_to_key_exchange(&pair, buf, sizeof(buf));
    static const uint8_t empty[] = {22, 3, 3, 0, 6, 16, 0, 0, 2, 0, 0};
    assert_int_equal(tls_feed(pair.t, BYTES_ARRAY(empty)), ERR_OK);
    assert_int_equal(pair_run(&pair), TLS_FAILED);
    assert_int_equal(tls_error(pair.t), ERR_MALFORMED_ID);
    assert_int_equal(pair.p.alert, 115);
    pair_close(&pair);
}

static void refused_at_hello(const struct peer_options *opt, err_t e, int alert)
{
    struct pair pair;
    pair_open(&pair, opt);
    assert_int_equal(pair_run(&pair), TLS_FAILED);
    assert_int_equal(tls_error(pair.t), e);
    assert_int_equal(pair.p.alert, alert);
    pair_close(&pair);
}

static void server_name_is_compared_without_case(void **state)
{
    (void)state;
    struct peer_options opt = fixture_good;
    const char *const good[] = {"MEF.Keystead.TEST", "localhost", NULL};
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        opt.sni = good[i];
        struct pair pair;
        pair_open(&pair, &opt);
        assert_int_equal(pair_run(&pair), TLS_WANT_KEY);
        pair_close(&pair);
    }
    opt.sni = "maf.keystead.test";
    refused_at_hello(&opt, ERR_DENIED_SNI, 112);
    opt.sni = "mef.keystead.test.evil.test";
    refused_at_hello(&opt, ERR_DENIED_SNI, 112);
}

/* R001-84, R001-105: another version, no common suite, no extended master secret */
static void foreign_parameters_are_refused(void **state)
{
    (void)state;
    struct peer_options opt = fixture_good;
    opt.version_min = opt.version_max = TLS1_3_VERSION;
    refused_at_hello(&opt, ERR_DENIED_TLS, 70);
    opt.version_min = opt.version_max = TLS1_1_VERSION;
    refused_at_hello(&opt, ERR_DENIED_TLS, 70);
    opt = (struct peer_options){0}; /* certificates only, where only PSK is spoken */
    refused_at_hello(&opt, ERR_DENIED_TLS, 40);
    opt = fixture_good;
    opt.options = SSL_OP_NO_EXTENDED_MASTER_SECRET;
    refused_at_hello(&opt, ERR_DENIED_TLS, 40);
    opt = fixture_good; /* a client that can do more is served with 1.2 */
    opt.version_max = TLS1_3_VERSION;
    struct pair pair;
    pair_open(&pair, &opt);
    open_pair(&pair);
    assert_int_equal(tls_version(pair.t), 0x0303);
    pair_close(&pair);
}

static void extended_master_secret_is_a_switch(void **state)
{
    (void)state;
    static const char *const names[] = {FIXTURE_FQDN, NULL};
    struct tls_ctx_config cfg = {.names = names, .psk = true, .require_ems = false};
    struct tls_ctx *strict = ctx;
    char detail[ROLE_DETAIL_MAX];
    assert_int_equal(tls_ctx_new(&cfg, &ctx, detail), ERR_OK);
    struct peer_options opt = fixture_good;
    opt.options = SSL_OP_NO_EXTENDED_MASTER_SECRET;
    struct pair pair;
    pair_open(&pair, &opt);
    open_pair(&pair);
    pair_close(&pair);
    tls_ctx_free(ctx);
    ctx = strict;
}

static void renegotiation_does_not_happen(void **state)
{
    (void)state;
    struct pair pair;
    pair_open(&pair, &fixture_good);
    open_pair(&pair);
    assert_int_equal(SSL_renegotiate(pair.p.ssl), 1);
    pair.p.done = false;
    uint8_t buf[64];
    for (int i = 0; i < 3; i++) {
        (void)pump(pair.t, &pair.p);
        size_t n = 0;
        err_t e = tls_read(pair.t, buf, sizeof(buf), &n);
        assert_true(e == ERR_OK || e == ERR_PEER_REFUSED); /* the client may give up, with its alert */
        assert_int_equal(n, 0);
    }
    assert_false(pair.p.done);
    pair_close(&pair);
}

static void session_is_never_resumed(void **state)
{
    (void)state;
    struct pair first;
    pair_open(&first, &fixture_good);
    open_pair(&first);
    SSL_SESSION *session = SSL_get1_session(first.p.ssl);
    unsigned id_n = 0;
    (void)SSL_SESSION_get_id(session, &id_n);
    assert_int_equal(id_n, 0);
    assert_int_equal(SSL_SESSION_has_ticket(session), 0);
    SSL_SESSION_free(session);
    pair_close(&first);
}

static void hundreds_are_suspended_at_once(void **state)
{
    (void)state;
    assert_int_equal(tls_thread_init(MANY), ERR_OK);
    static struct pair pairs[MANY];
    for (size_t i = 0; i < MANY; i++) {
        pair_open(&pairs[i], &fixture_good);
        assert_int_equal(pair_run(&pairs[i]), TLS_WANT_KEY);
    }
    struct pair more;
    pair_open(&more, &fixture_good);
    assert_int_equal(pair_run(&more), TLS_FAILED);
    assert_int_equal(tls_error(more.t), ERR_LIMIT_BUSY);
    assert_int_equal(more.p.alert, 80);
    pair_close(&more);
    for (size_t i = MANY; i > 0; i--) { /* not in the order they came */
        struct pair *pair = &pairs[(i * 7) % MANY];
        assert_int_equal(pump_answer(pair->t, &pair->p, FIXTURE_KEY), TLS_ESTABLISHED);
        tls_release(pair->t);
        assert_int_equal(pump(pair->t, &pair->p), TLS_OPEN);
        exports_are_equal(pair);
    }
    for (size_t i = 0; i < MANY; i++) {
        pair_close(&pairs[i]);
    }
    assert_int_equal(tls_thread_init(0), ERR_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(psk_handshake_gives_both_sides_one_export),
        cmocka_unit_test(application_data_passes_both_ways_and_closes),
        cmocka_unit_test(a_connection_at_rest_gives_its_buffers_back),
        cmocka_unit_test(early_data_waits_while_held),
        cmocka_unit_test(abort_sends_internal_error_instead_of_finished),
        cmocka_unit_test(refused_keys_get_the_alert_of_their_row),
        cmocka_unit_test(wrong_key_is_told_apart_from_garbage),
        cmocka_unit_test(free_while_suspended_leaves_nothing),
        cmocka_unit_test(long_key_and_long_identity_work),
        cmocka_unit_test(identity_with_nul_or_empty_is_refused),
        cmocka_unit_test(server_name_is_compared_without_case),
        cmocka_unit_test(foreign_parameters_are_refused),
        cmocka_unit_test(extended_master_secret_is_a_switch),
        cmocka_unit_test(renegotiation_does_not_happen),
        cmocka_unit_test(session_is_never_resumed),
        cmocka_unit_test(hundreds_are_suspended_at_once),
    };
    return cmocka_run_group_tests(tests, ctx_setup, ctx_teardown);
}
