/*
 * DTLS 1.2 through the adapter: a client of OpenSSL in the same process, and between the two a network that loses,
 * repeats and swaps datagrams as it is told. The door with its cookies stands in front, as in the listener.
 */
#include "tls_fixture.h"

#include "keys/keys_export.h"
#include "shell/cookie.h"
#include "shell/crypto_openssl.h"

#include <unistd.h>

#define NOW (1000 * USEC_PER_SEC)
#define PATIENCE 400 /* turns of 5 ms */

enum fate { PASS, LOSE, TWICE, SWAP, FORGE };

struct net {
    struct cookie_door door;
    struct tls_ctx *ctx;
    struct tls *t; /* made by the door */
    struct peer p;
    enum fate fate;
    int at; /* the datagram that meets its fate, counted in both directions; -1: none */
    int count;
    size_t largest;
    unsigned made; /* how often a struct tls was made */
    bool release;  /* at once */
    uint8_t kept[2048]; /* the swapped one */
    size_t kept_n;
    bool kept_to_server;
    uint8_t last[2048]; /* of the client, to be replayed */
    size_t last_n;
};

static struct bytes peer_name(void)
{
    return text_bytes(text_of("192.0.2.1:40000"));
}

static void client_said(struct net *n, struct bytes d)
{
    uint8_t answer[COOKIE_ANSWER_MAX];
    struct writer w = writer_of(answer, sizeof(answer));
    struct cookie_hello hello;
    if (n->t != NULL) {
        assert_int_equal(tls_feed(n->t, d), ERR_OK);
        (void)tls_step(n->t);
        return;
    }
    switch (cookie_judge(&n->door, peer_name(), d, NOW, &hello, &w)) {
    case COOKIE_OTHER:
        return;
    case COOKIE_VERIFY:
        peer_feed(&n->p, writer_view(&w));
        return;
    case COOKIE_ADMIT:
        n->t = server_new(n->ctx);
        n->made++;
        client_said(n, d);
        return;
    }
}

static void deliver(struct net *n, bool to_server, struct bytes d)
{
    if (to_server) {
        client_said(n, d);
    } else {
        peer_feed(&n->p, d);
    }
}

static enum tls_state key_given(struct net *n)
{
    SCOPED(secret_wipe) struct secret key = {0};
    assert_int_equal(secret_set(&key, text_bytes(text_of(FIXTURE_KEY))), ERR_OK);
    tls_answer(n->t, &key);
    return tls_step(n->t);
}

/* The first Finished of the client is lost; in its place a stranger sends encrypted records of his own from that address. */
static bool is_forged(struct net *n, struct bytes d)
{
    enum { HEAD = 13, STRANGERS = 20 };
    size_t at = 0;
    while (at + HEAD <= d.n && (d.p[at + 3] << 8 | d.p[at + 4]) == 0) {
        at += HEAD + ((size_t)d.p[at + 11] << 8 | d.p[at + 12]);
    }
    if (at >= d.n) {
        return false;
    }
    n->fate = PASS;
    client_said(n, bytes_of(d.p, at));
    assert_int_equal(key_given(n), TLS_HANDSHAKE);
    for (uint8_t i = 0; i < STRANGERS; i++) {
        uint8_t record[HEAD + 40] = {SSL3_RT_HANDSHAKE, 0xfe, 0xfd, 0, 1, 0, 0, 0, 0, 0, i, 0, 40};
        memset(record + HEAD, i, 40);
        client_said(n, BYTES_ARRAY(record));
    }
    return true;
}

static void travel(struct net *n, bool to_server, struct bytes d)
{
    if (n->fate == FORGE && to_server && is_forged(n, d)) {
        return;
    }
    bool marked = n->count++ == n->at;
    n->largest = d.n > n->largest ? d.n : n->largest;
    if (marked && n->fate == SWAP) {
        memcpy(n->kept, d.p, d.n);
        n->kept_n = d.n;
        n->kept_to_server = to_server;
        return;
    }
    if (!marked || n->fate != LOSE) {
        deliver(n, to_server, d);
    }
    if (marked && n->fate == TWICE) {
        deliver(n, to_server, d);
    }
    if (n->kept_n > 0) { /* after its successor, of whatever direction */
        struct bytes late = bytes_of(n->kept, n->kept_n);
        n->kept_n = 0;
        deliver(n, n->kept_to_server, late);
    }
}

static void net_step(struct net *n)
{
    uint8_t b[2048];
    for (size_t k = peer_step(&n->p, b, sizeof(b)); k > 0; k = peer_step(&n->p, b, sizeof(b))) {
        memcpy(n->last, b, k);
        n->last_n = k;
        travel(n, true, bytes_of(b, k));
    }
    if (n->t == NULL) {
        return;
    }
    enum tls_state s = tls_step(n->t);
    if (s == TLS_WANT_KEY && n->release) {
        s = key_given(n);
    }
    if (s == TLS_ESTABLISHED && n->release) {
        tls_release(n->t);
    }
    if (s == TLS_OPEN) { /* a repeated flight of the client is answered in here */
        size_t got = 0;
        assert_int_equal(tls_read(n->t, b, sizeof(b), &got), ERR_OK);
    }
    for (size_t k = tls_drain(n->t, b, sizeof(b)); k > 0; k = tls_drain(n->t, b, sizeof(b))) {
        travel(n, false, bytes_of(b, k));
    }
}

static bool is_over(const struct net *n)
{
    enum tls_state s = n->t == NULL ? TLS_HANDSHAKE : tls_step(n->t);
    return s == TLS_FAILED || (n->p.done && s == TLS_OPEN);
}

/* Until both are done or nothing can come any more. */
static void net_run(struct net *n, unsigned turns)
{
    for (unsigned i = 0; i < turns && !is_over(n); i++) {
        int before = n->count;
        net_step(n);
        if (n->count == before) {
            (void)usleep(5000);
            (void)DTLSv1_handle_timeout(n->p.ssl);
        }
    }
}

static void net_open(struct net *n, const struct peer_options *opt, struct tls_ctx *ctx)
{
    struct peer_options o = *opt;
    o.datagram = true;
    *n = (struct net){.ctx = ctx, .at = -1, .release = true};
    assert_int_equal(cookie_init(&n->door, crypto_openssl()), ERR_OK);
    peer_open(&n->p, &o);
}

static void net_close(struct net *n)
{
    peer_close(&n->p);
    tls_free(n->t);
    tls_ctx_free(n->ctx);
}

static void exports_are_equal(struct net *n)
{
    struct keys_export ours;
    uint8_t theirs[sizeof(ours.b)];
    const char *label = "EXPERIMENTAL-made-up";
    assert_int_equal(tls_export(n->t, label, &ours), ERR_OK);
    assert_int_equal(SSL_export_keying_material(n->p.ssl, theirs, sizeof(theirs), label, strlen(label), NULL, 0, 0), 1);
    assert_memory_equal(ours.b, theirs, sizeof(theirs));
}

static void echo_works(struct net *n)
{
    uint8_t b[2048];
    size_t got = 0;
    assert_int_equal(SSL_write(n->p.ssl, "ping", 4), 4);
    int k = BIO_read(n->p.out, b, sizeof(b));
    assert_true(k > 0);
    memcpy(n->last, b, (size_t)k);
    n->last_n = (size_t)k;
    assert_int_equal(tls_feed(n->t, bytes_of(b, (size_t)k)), ERR_OK);
    assert_int_equal(tls_read(n->t, b, sizeof(b), &got), ERR_OK);
    assert_int_equal(got, 4);
    tls_rest(n->t); /* its buffers stay */
    assert_int_equal(tls_write(n->t, bytes_of("pong", 4)), ERR_OK);
    size_t m = tls_drain(n->t, b, sizeof(b));
    assert_true(m > 0);
    peer_feed(&n->p, bytes_of(b, m));
    assert_int_equal(SSL_read(n->p.ssl, b, sizeof(b)), 4);
}

/* -- what works -------------------------------------------------------------------------------------------------- */

static void psk(void **state)
{
    (void)state;
    struct net n;
    net_open(&n, &fixture_good, fixture_ctx_datagram(false));
    net_run(&n, PATIENCE);
    assert_int_equal(tls_step(n.t), TLS_OPEN);
    assert_true(n.p.done);
    assert_int_equal(tls_version(n.t), 0xfefd); /* R001-105 */
    assert_int_equal(tls_suite(n.t), 0xc0a8);
    assert_true(text_eq_z(tls_identity(n.t), FIXTURE_IDENTITY));
    exports_are_equal(&n);
    echo_works(&n);
    assert_int_equal(tls_timeout(n.t), USEC_NEVER);
    net_close(&n);
}

static void certificate(void **state)
{
    (void)state;
    const struct peer_options opt = {.sni = FIXTURE_FQDN, .cert = "client"};
    struct net n;
    struct role_cert cert;
    net_open(&n, &opt, fixture_ctx_datagram(true));
    net_run(&n, PATIENCE);
    assert_int_equal(tls_step(n.t), TLS_OPEN);
    assert_int_equal(tls_suite(n.t), 0xc0ae);
    assert_int_equal(tls_peer(n.t, &cert), ERR_OK);
    assert_true(n.largest <= TLS_DATAGRAM_MTU);
    exports_are_equal(&n);
    echo_works(&n);
    net_close(&n);
}

/* Every datagram of a handshake in turn is lost, repeated or overtaken; each time it comes to the same end. */
static void each_datagram(enum fate fate, bool cert)
{
    const struct peer_options with_cert = {.sni = FIXTURE_FQDN, .cert = "client"};
    for (int at = 0; at < 16; at++) {
        struct net n;
        net_open(&n, cert ? &with_cert : &fixture_good, fixture_ctx_datagram(cert));
        n.fate = fate;
        n.at = at;
        net_run(&n, PATIENCE);
        assert_non_null(n.t);
        assert_int_equal(tls_step(n.t), TLS_OPEN);
        assert_true(n.p.done);
        assert_int_equal(n.made, 1);
        exports_are_equal(&n);
        echo_works(&n);
        bool all = n.count <= at;
        net_close(&n);
        if (all) {
            return; /* there are no more */
        }
    }
}

static void lost(void **state)
{
    (void)state;
    each_datagram(LOSE, false);
    each_datagram(LOSE, true);
}

static void repeated(void **state)
{
    (void)state;
    each_datagram(TWICE, false);
    each_datagram(TWICE, true);
}

static void swapped(void **state)
{
    (void)state;
    each_datagram(SWAP, false);
    each_datagram(SWAP, true);
}

/* -- waiting ------------------------------------------------------------------------------------------------------ */

/* While one handshake waits for its key, its client repeats itself and another one is served. */
static void suspended(void **state)
{
    (void)state;
    struct net n;
    struct net other;
    net_open(&n, &fixture_good, fixture_ctx_datagram(false));
    net_open(&other, &fixture_good, fixture_ctx_datagram(false));
    n.release = false;
    net_run(&n, 20);
    assert_int_equal(tls_step(n.t), TLS_WANT_KEY);
    assert_int_equal(tls_timeout(n.t), USEC_NEVER);
    net_run(&other, PATIENCE);
    assert_int_equal(tls_step(other.t), TLS_OPEN);
    net_run(&n, 40);
    assert_int_equal(tls_step(n.t), TLS_WANT_KEY);
    n.release = true;
    net_run(&n, PATIENCE);
    assert_int_equal(tls_step(n.t), TLS_OPEN);
    exports_are_equal(&n);
    net_close(&other);
    net_close(&n);
}

static void freed_while_suspended(void **state)
{
    (void)state;
    struct net n;
    net_open(&n, &fixture_good, fixture_ctx_datagram(false));
    n.release = false;
    net_run(&n, 20);
    assert_int_equal(tls_step(n.t), TLS_WANT_KEY);
    net_close(&n);
}

static void hold(struct net *n)
{
    n->release = false;
    net_run(n, 20);
    assert_int_equal(tls_step(n->t), TLS_WANT_KEY);
    (void)key_given(n);
    net_run(n, 60); /* the client asks again and again: nothing is acknowledged */
    assert_int_equal(tls_step(n->t), TLS_ESTABLISHED);
    assert_false(n->p.done);
}

static void held(void **state)
{
    (void)state;
    struct net n;
    net_open(&n, &fixture_good, fixture_ctx_datagram(false));
    hold(&n);
    tls_release(n.t);
    n.fate = LOSE; /* the released flight is lost: the client's repetition brings it again */
    n.at = n.count;
    net_run(&n, PATIENCE);
    assert_true(n.p.done);
    exports_are_equal(&n);
    echo_works(&n);
    net_close(&n);
}

static void aborted(void **state)
{
    (void)state;
    struct net n;
    net_open(&n, &fixture_good, fixture_ctx_datagram(false));
    hold(&n);
    tls_abort(n.t, ERR_STORE);
    net_step(&n);
    net_step(&n);
    assert_false(n.p.done);
    assert_int_equal(n.p.alert, err_info(ERR_STORE)->alert);
    net_close(&n);
}

/* -- refusals ----------------------------------------------------------------------------------------------------- */

static void refused(const struct peer_options *opt, bool cert, err_t want, int alert)
{
    struct net n;
    net_open(&n, opt, fixture_ctx_datagram(cert));
    net_run(&n, PATIENCE);
    assert_non_null(n.t);
    assert_int_equal(tls_step(n.t), TLS_FAILED);
    net_step(&n);
    net_step(&n);
    assert_int_equal(tls_error(n.t), want);
    assert_int_equal(n.p.alert, alert);
    net_close(&n);
}

static void wrong_key(void **state) /* refuses R001-83 */
{
    (void)state;
    struct peer_options opt = fixture_good;
    opt.key = "another key of 32 octets, made up";
    refused(&opt, false, ERR_DENIED_PSK_WRONG, 51);
}

/* Records that do not open, as many as a stranger likes, end no handshake whose client has the key. */
static void forged_records(void **state)
{
    (void)state;
    struct net n;
    net_open(&n, &fixture_good, fixture_ctx_datagram(false));
    n.fate = FORGE;
    net_run(&n, PATIENCE);
    assert_int_equal(n.fate, PASS); /* they were sent */
    assert_int_equal(tls_step(n.t), TLS_OPEN);
    assert_true(n.p.done);
    exports_are_equal(&n);
    net_close(&n);
}

/* Who has another key is told after four waits of the retransmission, whatever else came; the timer alone is enough. */
static void wrong_key_told_in_time(void **state) /* refuses R001-83 */
{
    (void)state;
    struct net n;
    struct peer_options opt = fixture_good;
    opt.key = "another key of 32 octets, made up";
    net_open(&n, &opt, fixture_ctx_datagram(false));
    n.fate = FORGE;
    for (unsigned i = 0; n.fate == FORGE && i < PATIENCE; i++) {
        net_step(&n);
    }
    assert_int_equal(n.fate, PASS);
    assert_int_equal(tls_step(n.t), TLS_HANDSHAKE);
    for (usec_t waited = 0; tls_step(n.t) == TLS_HANDSHAKE; waited += tls_timeout(n.t)) {
        assert_in_range(waited, 0, 4 * FIXTURE_RETRANSMIT);
        (void)usleep((useconds_t)tls_timeout(n.t) + 1);
    }
    assert_int_equal(tls_error(n.t), ERR_DENIED_PSK_WRONG);
    net_step(&n);
    net_step(&n);
    assert_int_equal(n.p.alert, 51);
    net_close(&n);
}

static void unknown_identity(void **state)
{
    (void)state;
    struct net n;
    net_open(&n, &fixture_good, fixture_ctx_datagram(false));
    n.release = false;
    net_run(&n, 20);
    assert_int_equal(tls_step(n.t), TLS_WANT_KEY);
    tls_refuse(n.t, ERR_DENIED_PSK_UNKNOWN);
    net_run(&n, 20);
    assert_int_equal(tls_error(n.t), ERR_DENIED_PSK_UNKNOWN);
    net_step(&n);
    net_step(&n);
    assert_int_equal(n.p.alert, 115);
    net_close(&n);
}

static void wrong_name(void **state)
{
    (void)state;
    struct peer_options opt = fixture_good;
    opt.sni = "other.keystead.test";
    refused(&opt, false, ERR_DENIED_SNI, 112);
}

static void no_certificate(void **state)
{
    (void)state;
    const struct peer_options opt = {.sni = FIXTURE_FQDN};
    refused(&opt, true, ERR_DENIED_CERT_MISSING, err_info(ERR_DENIED_CERT_MISSING)->alert);
}

static void no_extended_master_secret(void **state)
{
    (void)state;
    struct peer_options opt = fixture_good;
    opt.options = SSL_OP_NO_EXTENDED_MASTER_SECRET;
    refused(&opt, false, ERR_DENIED_TLS, 40);
}

/* A client with certificates alone at a listener with keys alone. */
static void no_common_suite(void **state) /* refuses R001-84, R001-108 */
{
    (void)state;
    const struct peer_options opt = {.sni = FIXTURE_FQDN, .cert = "client"};
    refused(&opt, false, ERR_DENIED_TLS, 40);
}

static void old_version(void **state) /* refuses R001-105 */
{
    (void)state;
    struct peer_options opt = fixture_good;
    opt.version_min = DTLS1_VERSION;
    opt.version_max = DTLS1_VERSION;
    refused(&opt, false, ERR_DENIED_TLS, 70);
}

static void replayed_record(void **state)
{
    (void)state;
    struct net n;
    uint8_t b[64];
    size_t got = 0;
    net_open(&n, &fixture_good, fixture_ctx_datagram(false));
    net_run(&n, PATIENCE);
    echo_works(&n);
    assert_int_equal(tls_feed(n.t, bytes_of(n.last, n.last_n)), ERR_OK);
    assert_int_equal(tls_read(n.t, b, sizeof(b), &got), ERR_OK);
    assert_int_equal(got, 0);
    n.last[n.last_n - 1] ^= 1; /* and one that does not open changes nothing */
    n.last[10] ^= 1;
    assert_int_equal(tls_feed(n.t, bytes_of(n.last, n.last_n)), ERR_OK);
    assert_int_equal(tls_read(n.t, b, sizeof(b), &got), ERR_OK);
    assert_int_equal(got, 0);
    echo_works(&n);
    net_close(&n);
}

static void renegotiation(void **state)
{
    (void)state;
    struct net n;
    uint8_t b[2048];
    size_t got = 0;
    net_open(&n, &fixture_good, fixture_ctx_datagram(false));
    net_run(&n, PATIENCE);
    assert_int_equal(SSL_renegotiate(n.p.ssl), 1);
    (void)SSL_do_handshake(n.p.ssl);
    for (int k = BIO_read(n.p.out, b, sizeof(b)); k > 0; k = BIO_read(n.p.out, b, sizeof(b))) {
        assert_int_equal(tls_feed(n.t, bytes_of(b, (size_t)k)), ERR_OK);
    }
    assert_int_equal(tls_read(n.t, b, sizeof(b), &got), ERR_OK);
    assert_int_equal(got, 0);
    assert_int_equal(tls_step(n.t), TLS_OPEN);
    net_close(&n);
}

static void too_long_a_message(void **state)
{
    (void)state;
    static const uint8_t big[TLS_DATAGRAM_MTU];
    struct net n;
    net_open(&n, &fixture_good, fixture_ctx_datagram(false));
    net_run(&n, PATIENCE);
    uint8_t b[2048];
    assert_int_equal(tls_write(n.t, bytes_of(big, sizeof(big))), ERR_LIMIT_SIZE);
    assert_int_equal(tls_write(n.t, bytes_of(big, tls_message_max(n.t))), ERR_OK);
    assert_in_range(tls_drain(n.t, b, sizeof(b)), 1, TLS_DATAGRAM_MTU);
    net_close(&n);
}

/* Whatever comes while nobody reads is dropped at a bound. */
static void flooded(void **state)
{
    (void)state;
    struct net n;
    net_open(&n, &fixture_good, fixture_ctx_datagram(false));
    n.release = false;
    net_run(&n, 20);
    assert_int_equal(tls_step(n.t), TLS_WANT_KEY);
    static const uint8_t noise[1500] = {23, 0xfe, 0xfd, 0, 1};
    for (unsigned i = 0; i < 1000; i++) {
        assert_int_equal(tls_feed(n.t, bytes_of(noise, sizeof(noise))), ERR_OK);
    }
    n.release = true;
    net_run(&n, PATIENCE);
    assert_int_equal(tls_step(n.t), TLS_OPEN);
    net_close(&n);
}

static void without_cookie(void **state)
{
    (void)state;
    struct net n;
    uint8_t b[2048];
    net_open(&n, &fixture_good, fixture_ctx_datagram(false));
    size_t k = peer_step(&n.p, b, sizeof(b));
    n.t = server_new(n.ctx); /* the door was forgotten: OpenSSL makes no cookie in its place */
    assert_int_equal(tls_feed(n.t, bytes_of(b, k)), ERR_OK);
    assert_int_equal(tls_step(n.t), TLS_FAILED);
    net_close(&n);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(psk),
        cmocka_unit_test(certificate),
        cmocka_unit_test(lost),
        cmocka_unit_test(repeated),
        cmocka_unit_test(swapped),
        cmocka_unit_test(suspended),
        cmocka_unit_test(freed_while_suspended),
        cmocka_unit_test(held),
        cmocka_unit_test(aborted),
        cmocka_unit_test(wrong_key),
        cmocka_unit_test(forged_records),
        cmocka_unit_test(wrong_key_told_in_time),
        cmocka_unit_test(unknown_identity),
        cmocka_unit_test(wrong_name),
        cmocka_unit_test(no_certificate),
        cmocka_unit_test(no_extended_master_secret),
        cmocka_unit_test(no_common_suite),
        cmocka_unit_test(old_version),
        cmocka_unit_test(replayed_record),
        cmocka_unit_test(renegotiation),
        cmocka_unit_test(too_long_a_message),
        cmocka_unit_test(flooded),
        cmocka_unit_test(without_cookie),
    };
    return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
