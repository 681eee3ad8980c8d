/*
 * Stapling (RFC 6066 8), both sides over memory: what a listener staples and what it does not load, and what a server that
 * asks a MEF or MAF makes of the staple of each new connection.
 */
#include "ocsp_fixture.h"

#include "shell/client_tls.h"
#include "shell/cookie.h"
#include "shell/crypto_openssl.h"
#include "shell/tls_impl.h"

#include <time.h>

#define GOOD V_OCSP_CERTSTATUS_GOOD
#define HOUR 3600
#define DAY 86400
#define BY_CA(status, from, to) {.answers = {{"server", "ca", (status), (from), (to)}}, .signer = "ca"}

static const struct ocsp_made good = BY_CA(GOOD, -HOUR, DAY);

static err_t server_load(const char *response, const char *trust, bool datagram, struct tls_ctx **out)
{
    static const char *const names[] = {FIXTURE_FQDN, NULL};
    char detail[ROLE_DETAIL_MAX];
    const struct tls_ctx_config cfg = {
        .cert_file = fixture_path("server.pem"), .key_file = fixture_path("server.key"), .trust_file = fixture_path(trust),
        .names = names, .psk = true, .require_ems = true, .datagram = datagram,
        .ocsp_file = response == NULL ? NULL : fixture_path(response)};
    err_t e = tls_ctx_new(&cfg, out, detail);
    if (e != ERR_OK) {
        assert_non_null(strstr(detail, response)); /* names the file */
    }
    return e;
}

static struct tls_ctx *server(const char *response, bool datagram)
{
    struct tls_ctx *ctx = NULL;
    assert_int_equal(server_load(response, "ca.pem", datagram, &ctx), ERR_OK);
    return ctx;
}

static int setup(void **state)
{
    if (fixture_setup(state) != 0) {
        return -1;
    }
    const struct pki_ca_request other = {"made-up CA", "keystead.test", fixture_path("other.pem"), fixture_path("other.key"), 60};
    assert_int_equal(pki_ca_make(&other), ERR_OK);
    ocsp_put("good.ocsp", ocsp_make(&good));
    ocsp_put("old.ocsp", ocsp_make(&(const struct ocsp_made)BY_CA(GOOD, -2 * DAY, -HOUR)));
    ocsp_put("early.ocsp", ocsp_make(&(const struct ocsp_made)BY_CA(GOOD, 2 * HOUR, DAY)));
    ocsp_put("revoked.ocsp", ocsp_make(&(const struct ocsp_made)BY_CA(V_OCSP_CERTSTATUS_REVOKED, -HOUR, DAY)));
    ocsp_put("unknown.ocsp", ocsp_make(&(const struct ocsp_made)BY_CA(V_OCSP_CERTSTATUS_UNKNOWN, -HOUR, DAY)));
    struct ocsp_made m = good;
    m.answers[0].cert = "client";
    ocsp_put("client.ocsp", ocsp_make(&m));
    m = good;
    m.signer = "other";
    m.shows_signer = true;
    ocsp_put("stranger.ocsp", ocsp_make(&m));
    static uint8_t large[X509_OCSP_MAX + 1];
    ocsp_put("large.ocsp", bytes_of(large, sizeof(large)));
    return 0;
}

/* Over datagrams through the door with its cookies, as in the listener. */
static enum tls_state meet(struct tls_ctx *ctx, struct peer *p, struct tls **t)
{
    *t = p->opt.datagram ? NULL : server_new(ctx);
    struct cookie_door door;
    struct cookie_hello hello;
    uint8_t b[2048];
    uint8_t answer[COOKIE_ANSWER_MAX];
    assert_int_equal(cookie_init(&door, crypto_openssl()), ERR_OK);
    while (*t == NULL) {
        struct writer w = WRITER_ARRAY(answer);
        size_t n = peer_step(p, b, sizeof(b));
        assert_true(n > 0);
        enum cookie_verdict v = cookie_judge(&door, text_bytes(text_of("192.0.2.1:40000")), bytes_of(b, n), USEC_PER_SEC, &hello, &w);
        if (v == COOKIE_VERIFY) {
            peer_feed(p, writer_view(&w));
        } else {
            assert_int_equal(v, COOKIE_ADMIT);
            *t = server_new(ctx);
            assert_int_equal(tls_feed(*t, bytes_of(b, n)), ERR_OK);
        }
    }
    return pump(*t, p);
}

/* -- the listener ------------------------------------------------------------------------------------------------ */
/* What a client of OpenSSL that asks is given: its length, or 0. */
static size_t stapled(struct tls_ctx *ctx, const struct peer_options *opt, bool asks)
{
    struct tls *t = NULL;
    struct peer p;
    peer_open(&p, opt);
    if (asks) {
        assert_int_equal(SSL_set_tlsext_status_type(p.ssl, TLSEXT_STATUSTYPE_ocsp), 1);
    }
    enum tls_state s = meet(ctx, &p, &t);
    s = s == TLS_WANT_KEY ? pump_answer(t, &p, FIXTURE_KEY) : s;
    assert_int_equal(s, TLS_ESTABLISHED);
    const unsigned char *der = NULL;
    long n = SSL_get_tlsext_status_ocsp_resp(p.ssl, &der);
    if (der != NULL && n > 0) {
        struct bytes file = ocsp_read("good.ocsp");
        assert_int_equal(n, file.n);
        assert_memory_equal(der, file.p, file.n);
    }
    tls_free(t);
    peer_close(&p);
    return der == NULL || n < 0 ? 0 : (size_t)n;
}

static const struct peer_options certified = {.sni = FIXTURE_FQDN, .cert = "client"};

static void who_asks_is_given_the_staple(void **state)
{
    (void)state;
    struct peer_options dtls = certified;
    dtls.datagram = true;
    struct tls_ctx *ctx = server("good.ocsp", false);
    assert_true(stapled(ctx, &certified, true) > 0);
    assert_int_equal(stapled(ctx, &certified, false), 0);
    assert_int_equal(stapled(ctx, &fixture_good, true), 0); /* a pre-shared key: there is no certificate to speak of */
    assert_in_range(tls_ctx_ocsp_end(ctx), (time(NULL) + DAY - HOUR) * USEC_PER_SEC, (time(NULL) + DAY) * USEC_PER_SEC);
    tls_ctx_free(ctx);
    ctx = server("good.ocsp", true);
    assert_true(stapled(ctx, &dtls, true) > 0);
    tls_ctx_free(ctx);
    ctx = server(NULL, false);
    assert_int_equal(stapled(ctx, &certified, true), 0);
    assert_true(tls_ctx_ocsp_end(ctx) == USEC_NEVER);
    tls_ctx_free(ctx);
}

static void what_is_not_in_force_is_loaded_and_kept_back(void **state)
{
    (void)state;
    struct tls_ctx *ctx = server("old.ocsp", false);
    assert_int_equal(stapled(ctx, &certified, true), 0);
    assert_true(tls_ctx_ocsp_end(ctx) < (usec_t)time(NULL) * USEC_PER_SEC);
    tls_ctx_free(ctx);
    ctx = server("early.ocsp", false);
    assert_int_equal(stapled(ctx, &certified, true), 0);
    tls_ctx_free(ctx);
    ocsp_put("soon.ocsp", ocsp_make(&(const struct ocsp_made)BY_CA(GOOD, -HOUR, 2)));
    ocsp_put("good.ocsp", ocsp_read("soon.ocsp")); /* what stapled() compares with */
    ctx = server("soon.ocsp", false);
    assert_true(stapled(ctx, &certified, true) > 0);
    const struct timespec wait = {2, 100000000};
    (void)nanosleep(&wait, NULL);
    assert_int_equal(stapled(ctx, &certified, true), 0); /* ended while the server ran */
    tls_ctx_free(ctx);
    ocsp_put("good.ocsp", ocsp_make(&good));
}

static void what_proves_nothing_is_not_loaded(void **state)
{
    (void)state;
    static const struct {
        const char *file;
        err_t e;
    } rows[] = {
        {"revoked.ocsp", ERR_DENIED_OCSP_REVOKED}, {"unknown.ocsp", ERR_DENIED_OCSP_UNKNOWN},
        {"client.ocsp", ERR_DENIED_OCSP_OTHER},    {"stranger.ocsp", ERR_DENIED_OCSP_SIGNER},
        {"large.ocsp", ERR_DENIED_OCSP_FORM},      {"server.pem", ERR_DENIED_OCSP_FORM},
        {"absent.ocsp", ERR_IO},
    };
    struct tls_ctx *ctx = NULL;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        assert_int_equal(server_load(rows[i].file, "ca.pem", false, &ctx), rows[i].e);
        assert_null(ctx);
    }
    assert_int_equal(server_load("good.ocsp", "other.pem", false, &ctx), ERR_CONFIG); /* the issuer is not to be found */
}

/* -- who asks ------------------------------------------------------------------------------------------------------- */
struct attempt {
    enum x509_ocsp ocsp;
    const char *response; /* of the server, or NULL */
    bool datagram;
    bool unproved; /* staple it although it would not be loaded */
};

/* Takes the place of a server that did not look at its response. */
static void staple_as_it_is(struct tls_ctx *ctx, const char *response)
{
    struct bytes b = ocsp_read(response);
    assert_true(b.n <= sizeof(ctx->staple->der));
    memcpy(ctx->staple->der, b.p, b.n);
    ctx->staple->n = b.n;
}

static void client_open(struct peer *p, struct client_tls *c)
{
    peer_open(p, &(const struct peer_options){.sni = FIXTURE_FQDN, .datagram = c->datagram});
    SSL *fixture = p->ssl;
    SSL_CTX *ctx = SSL_CTX_new(c->datagram ? DTLS_client_method() : TLS_client_method());
    assert_int_equal(client_tls_context(ctx, c), ERR_OK);
    p->ssl = SSL_new(ctx);
    SSL_set_app_data(p->ssl, p);
    if (c->datagram) {
        (void)SSL_set_options(p->ssl, SSL_OP_NO_QUERY_MTU);
        (void)SSL_set_mtu(p->ssl, TLS_DATAGRAM_MTU);
    }
    assert_int_equal(BIO_up_ref(p->in) + BIO_up_ref(p->out), 2);
    SSL_set_bio(p->ssl, p->in, p->out);
    SSL_free(fixture);
    SSL_CTX_free(p->ctx);
    p->ctx = ctx;
    assert_int_equal(SSL_set_tlsext_host_name(p->ssl, FIXTURE_FQDN), 1);
    SSL_set_connect_state(p->ssl);
}

static err_t outcome(const struct attempt *a)
{
    X509_STORE *trust = NULL;
    char detail[ROLE_DETAIL_MAX];
    const struct x509_trust rules = {.anchors = fixture_path("ca.pem")};
    assert_int_equal(x509_trust_load(&rules, &trust, detail), ERR_OK);
    char cert[128], key[128]; /* fixture_path forgets */
    (void)snprintf(cert, sizeof(cert), "%s", fixture_path("client.pem"));
    (void)snprintf(key, sizeof(key), "%s", fixture_path("client.key"));
    struct client_tls c = {.certificate = cert, .key = key, .fqdn = FIXTURE_FQDN, .address = "-", .trust_store = trust,
                           .datagram = a->datagram, .ocsp = a->ocsp};
    struct tls_ctx *ctx = server(a->unproved ? "good.ocsp" : a->response, a->datagram);
    if (a->unproved) {
        staple_as_it_is(ctx, a->response);
    }
    struct tls *t = NULL;
    struct peer p;
    client_open(&p, &c);
    enum tls_state s = meet(ctx, &p, &t);
    err_t e = client_tls_refusal(&c);
    assert_int_equal(s, e == ERR_OK ? TLS_ESTABLISHED : TLS_FAILED);
    assert_int_equal(tls_error(t), e == ERR_OK ? ERR_OK : ERR_PEER_REFUSED); /* the alert has come */
    tls_free(t);
    peer_close(&p);
    tls_ctx_free(ctx);
    X509_STORE_free(trust);
    return e;
}

static void expect(struct attempt a, err_t e)
{
    for (int datagram = 0; datagram < 2; datagram++) {
        a.datagram = datagram == 1;
        err_t got = outcome(&a);
        if (got != e) {
            fail_msg("%s over %s: %s, not %s", a.response == NULL ? "no status" : a.response, datagram == 1 ? "DTLS" : "TLS", err_code(got), err_code(e));
        }
    }
}

/* refuses R001-52 and R001-106 by the status of the certificate */
static void every_staple_that_is_not_good_ends_the_handshake(void **state)
{
    (void)state;
    static const struct {
        const char *file;
        err_t e;
    } rows[] = {
        {"revoked.ocsp", ERR_DENIED_OCSP_REVOKED}, {"unknown.ocsp", ERR_DENIED_OCSP_UNKNOWN},
        {"client.ocsp", ERR_DENIED_OCSP_OTHER},    {"stranger.ocsp", ERR_DENIED_OCSP_SIGNER},
        {"old.ocsp", ERR_DENIED_OCSP_STALE},       {"early.ocsp", ERR_DENIED_OCSP_STALE},
        {"ca.pem", ERR_DENIED_OCSP_FORM},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        expect((struct attempt){X509_OCSP_REQUIRED, rows[i].file, false, true}, rows[i].e);
        expect((struct attempt){X509_OCSP_IF_GIVEN, rows[i].file, false, true}, rows[i].e);
        expect((struct attempt){X509_OCSP_OFF, rows[i].file, false, true}, ERR_OK); /* not asked for */
    }
}

static void a_missing_staple_is_refused_where_one_is_required(void **state)
{
    (void)state;
    expect((struct attempt){X509_OCSP_REQUIRED, NULL, false, false}, ERR_DENIED_OCSP_MISSING); /* refuses R001-52 */
    expect((struct attempt){X509_OCSP_REQUIRED, "old.ocsp", false, false}, ERR_DENIED_OCSP_MISSING); /* kept back */
    expect((struct attempt){X509_OCSP_IF_GIVEN, NULL, false, false}, ERR_OK);
    expect((struct attempt){X509_OCSP_REQUIRED, "good.ocsp", false, false}, ERR_OK);
    expect((struct attempt){X509_OCSP_IF_GIVEN, "good.ocsp", false, false}, ERR_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_asks_is_given_the_staple),
        cmocka_unit_test(what_is_not_in_force_is_loaded_and_kept_back),
        cmocka_unit_test(what_proves_nothing_is_not_loaded),
        cmocka_unit_test(every_staple_that_is_not_good_ends_the_handshake),
        cmocka_unit_test(a_missing_staple_is_refused_where_one_is_required),
    };
    return cmocka_run_group_tests(tests, setup, fixture_teardown);
}
