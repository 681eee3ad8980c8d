/* The TLS adapter with certificates on both sides (R001-13, R001-15, R001-105 .. R001-108). */
#include "tls_fixture.h"

#include <sys/stat.h>

static struct tls_ctx *ctx;

static void foreign_ca_make(void)
{
    struct pki_ca_request rq = {.name = "made-up CA",
                                .permitted_dns = "keystead.test",
                                .cert_file = fixture_path("foreign.pem"),
                                .key_file = fixture_path("foreign.key"),
                                .days = 60};
    assert_int_equal(pki_ca_make(&rq), ERR_OK);
}

static int ctx_setup(void **state)
{
    int rc = fixture_setup(state);
    foreign_ca_make();
    ctx = fixture_ctx_cert();
    return rc;
}

static int ctx_teardown(void **state)
{
    tls_ctx_free(ctx);
    return fixture_teardown(state);
}

/* R000-24, R000-25, R001-107: both show a certificate and prove its private key. */
static void mutual_certificates_succeed(void **state)
{
    (void)state;
    struct tls *t = server_new(ctx);
    struct peer p;
    peer_open(&p, &(struct peer_options){.cert = "client", .sni = FIXTURE_FQDN});
    assert_int_equal(pump(t, &p), TLS_ESTABLISHED);
    assert_false(p.done);
    tls_release(t);
    assert_int_equal(pump(t, &p), TLS_OPEN);
    assert_true(p.done);
    assert_false(tls_is_psk(t));
    assert_int_equal(tls_suite(t), 0xC023);
    assert_int_equal(tls_identity(t).n, 0);

    struct role_cert cert;
    assert_int_equal(tls_peer(t, &cert), ERR_OK);
    assert_int_equal(cert.dns_n, 1);
    assert_int_equal(cert.uri_n, 0);
    assert_true(text_eq_z(cert.dns[0], "maf.keystead.test"));
    assert_int_equal(x509_fqdn_check(&cert, text_of("MAF.keystead.test")), ERR_OK);
    assert_int_equal(x509_fqdn_check(&cert, text_of("mef.keystead.test")), ERR_DENIED_CERT_NAME);
    usec_t now = (usec_t)time(NULL) * USEC_PER_SEC;
    assert_true(cert.not_after > now + 29 * 86400 * USEC_PER_SEC && cert.not_after < now + 31 * 86400 * USEC_PER_SEC);

    SCOPED(keys_export_wipe) struct keys_export x = {0};
    uint8_t client[KEYS_EXPORT_LEN];
    assert_int_equal(tls_export(t, KEYS_LABEL_BOOTSTRAP, &x), ERR_OK); /* R001-109 */
    assert_int_equal(SSL_export_keying_material(p.ssl, client, sizeof(client), KEYS_LABEL_BOOTSTRAP,
                                                strlen(KEYS_LABEL_BOOTSTRAP), NULL, 0, 0),
                     1);
    assert_memory_equal(client, x.b, sizeof(client));
    tls_free(t);
    peer_close(&p);
}

static void psk_on_the_same_listener_asks_for_no_certificate(void **state)
{
    (void)state;
    struct tls *t = server_new(ctx);
    struct peer p;
    peer_open(&p, &fixture_good);
    assert_int_equal(pump(t, &p), TLS_WANT_KEY);
    assert_int_equal(pump_answer(t, &p, FIXTURE_KEY), TLS_ESTABLISHED);
    assert_true(tls_is_psk(t));
    struct role_cert cert;
    assert_int_equal(tls_peer(t, &cert), ERR_DENIED_CERT_MISSING);
    tls_free(t);
    peer_close(&p);
}

static void refused(const char *cert, err_t e, int alert)
{
    struct tls *t = server_new(ctx);
    struct peer p;
    peer_open(&p, &(struct peer_options){.cert = cert, .sni = FIXTURE_FQDN});
    assert_int_equal(pump(t, &p), TLS_FAILED);
    assert_string_equal(err_code(tls_error(t)), err_code(e));
    assert_int_equal(p.alert, alert);
    assert_false(p.done);
    struct role_cert names;
    assert_int_equal(tls_peer(t, &names), ERR_DENIED_CERT_MISSING);
    tls_free(t);
    peer_close(&p);
}

static const uint8_t san_with_nul[] = {0x30, 22,  0x82, 20,  'm', 'a', 'f', '.', 'k', 'e', 'y', 's',
                                       't',  'e', 'a',  'd', '.', 't', 'e', 's', 't', 0,   'x', 'y'};

#define SIGNS "critical,digitalSignature"
#define NAME "DNS:ae.keystead.test"

static void each_fault_has_its_reason_and_alert(void **state)
{
    (void)state;
    static const struct {
        struct fixture_cert cert;
        err_t e;
        int alert;
    } rows[] = {
        {{"good", "ca", "P-256", SIGNS, NAME, NULL, 0, -1, 1}, ERR_OK, -1},
        {{"foreign-leaf", "foreign", "P-256", SIGNS, NAME, NULL, 0, -1, 1}, ERR_DENIED_CERT_CA, 48},
        {{"expired", "ca", "P-256", SIGNS, NAME, NULL, 0, -3, -1}, ERR_DENIED_CERT_EXPIRED, 45},
        {{"early", "ca", "P-256", SIGNS, NAME, NULL, 0, 1, 3}, ERR_DENIED_CERT_EARLY, 45},
        {{"p384", "ca", "P-384", SIGNS, NAME, NULL, 0, -1, 1}, ERR_DENIED_CERT_KEY, 43},
        {{"no-usage", "ca", "P-256", NULL, NAME, NULL, 0, -1, 1}, ERR_DENIED_CERT_USAGE, 43},
        {{"no-sign", "ca", "P-256", "critical,keyAgreement", NAME, NULL, 0, -1, 1}, ERR_DENIED_CERT_USAGE, 43},
        {{"constrained", "ca", "P-256", SIGNS, "DNS:maf.elsewhere.test", NULL, 0, -1, 1}, ERR_DENIED_CERT_NAME, 42},
        {{"nul", "ca", "P-256", SIGNS, NULL, san_with_nul, sizeof(san_with_nul), -1, 1}, ERR_DENIED_CERT_NAME, 42},
        /* the request asks for ECDSA only: a client with another key shows nothing */
        {{"rsa", "ca", NULL, SIGNS, NAME, NULL, 0, -1, 1}, ERR_DENIED_CERT_MISSING, 40},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        fixture_cert_make(&rows[i].cert);
        if (rows[i].e != ERR_OK) {
            refused(rows[i].cert.name, rows[i].e, rows[i].alert);
        }
    }
    struct tls *t = server_new(ctx); /* the first row differs from the others only by having no fault */
    struct peer p;
    peer_open(&p, &(struct peer_options){.cert = "good"});
    assert_int_equal(pump(t, &p), TLS_ESTABLISHED);
    tls_free(t);
    peer_close(&p);
    refused(NULL, ERR_DENIED_CERT_MISSING, 40);
}

/* R000-25: CertificateVerify made with another key */
static void certificate_without_its_key_is_refused(void **state)
{
    (void)state;
    struct tls *t = server_new(ctx);
    struct peer p;
    uint8_t buf[8192];
    peer_open(&p, &(struct peer_options){.cert = "client"});
    size_t n = peer_step(&p, buf, sizeof(buf));
    assert_int_equal(tls_feed(t, bytes_of(buf, n)), ERR_OK);
    assert_int_equal(tls_step(t), TLS_HANDSHAKE);
    n = tls_drain(t, buf, sizeof(buf));
    peer_feed(&p, bytes_of(buf, n));
    n = peer_step(&p, buf, sizeof(buf));
    /* The last handshake record before ChangeCipherSpec is CertificateVerify; spoil the last octet of its signature. */
    size_t at = 0, verify_end = 0;
    while (at + 5 <= n && buf[at] == SSL3_RT_HANDSHAKE) {
        at += 5 + (size_t)buf[at + 3] * 256 + buf[at + 4];
        verify_end = at;
    }
    if (verify_end == 0 || verify_end >= n) {
        fail_msg("no CertificateVerify");
        return;
    }
    assert_int_equal(buf[verify_end], SSL3_RT_CHANGE_CIPHER_SPEC);
    buf[verify_end - 1] ^= 1;
    assert_int_equal(tls_feed(t, bytes_of(buf, n)), ERR_OK);
    assert_int_equal(pump(t, &p), TLS_FAILED);
    assert_int_equal(tls_error(t), ERR_DENIED_CERT_PROOF); /* refuses R001-17, R000-25 */
    assert_int_equal(p.alert, 51);
    tls_free(t);
    peer_close(&p);
}

/* -- configuration -------------------------------------------------------------------------------------- */

static void config_refused(const struct tls_ctx_config *cfg, err_t e)
{
    char detail[ROLE_DETAIL_MAX];
    struct tls_ctx *none = ctx;
    assert_int_equal(tls_ctx_new(cfg, &none, detail), e);
    assert_null(none);
    assert_true(detail[0] != '\0');
}

static void wrong_configurations_are_refused(void **state)
{
    (void)state;
    static const char *const names[] = {FIXTURE_FQDN, NULL};
    static const char *const no_names[] = {NULL};
    config_refused(&(struct tls_ctx_config){.names = names}, ERR_CONFIG);
    config_refused(&(struct tls_ctx_config){.names = no_names, .psk = true}, ERR_CONFIG);
    config_refused(&(struct tls_ctx_config){.psk = true}, ERR_CONFIG);
    struct tls_ctx_config cfg = {.names = names,
                                 .cert_file = fixture_path("server.pem"),
                                 .key_file = fixture_path("client.key"), /* R001-13 */
                                 .trust_file = fixture_path("ca.pem")};
    config_refused(&cfg, ERR_CONFIG);
    cfg.key_file = NULL;
    config_refused(&cfg, ERR_CONFIG);
    cfg.key_file = fixture_path("absent.key");
    config_refused(&cfg, ERR_IO);
    cfg.key_file = fixture_path("server.key");
    cfg.trust_file = fixture_path("absent.pem");
    config_refused(&cfg, ERR_CONFIG);
    cfg.trust_file = fixture_path("ca.pem");
    assert_int_equal(chmod(cfg.key_file, 0640), 0);
    config_refused(&cfg, ERR_FILE_MODE);
    assert_int_equal(chmod(cfg.key_file, 0600), 0);
    cfg.cert_file = fixture_path("p384.pem");
    cfg.key_file = fixture_path("p384.key");
    config_refused(&cfg, ERR_DENIED_CERT_KEY);
}

static void without_trust_every_client_is_refused(void **state)
{
    (void)state;
    static const char *const names[] = {FIXTURE_FQDN, NULL};
    struct tls_ctx_config cfg = {
        .names = names, .cert_file = fixture_path("server.pem"), .key_file = fixture_path("server.key")};
    struct tls_ctx *trusting = ctx;
    char detail[ROLE_DETAIL_MAX];
    assert_int_equal(tls_ctx_new(&cfg, &ctx, detail), ERR_OK);
    refused("client", ERR_DENIED_CERT_CA, 48);
    refused(NULL, ERR_DENIED_CERT_MISSING, 40);
    tls_ctx_free(ctx);
    ctx = trusting;
}

/* -- several instances behind one address ------------------------------------------------------------------------ */
enum { TAG_FIRST = 3, TAG_SECOND = 5 };
static const char *const second_names[] = {"second.keystead.test", "alias.keystead.test", NULL};

static struct tls_ctx *instance(const char *const *names, size_t tag, const char *cert, const char *trust)
{
    char cert_file[64];
    char key_file[64];
    (void)snprintf(cert_file, sizeof(cert_file), "%s.pem", cert == NULL ? "" : cert);
    (void)snprintf(key_file, sizeof(key_file), "%s.key", cert == NULL ? "" : cert);
    struct tls_ctx_config cfg = {.names = names, .tag = tag, .psk = true, .require_ems = true};
    if (cert != NULL) {
        cfg.cert_file = fixture_path(cert_file);
        cfg.key_file = fixture_path(key_file);
        cfg.trust_file = fixture_path(trust);
    }
    struct tls_ctx *made = NULL;
    char detail[ROLE_DETAIL_MAX] = "";
    err_t e = tls_ctx_new(&cfg, &made, detail);
    assert_string_equal(detail, "");
    assert_int_equal(e, ERR_OK);
    return made;
}

/* Who answers a client that names `sni`; the certificate is that of fixture NAME.pem. */
static void leads_to(struct tls_ctx *address, const char *sni, size_t tag, const char *shown)
{
    struct peer_options opt = {.cert = "client", .sni = sni};
    struct peer p;
    peer_open(&p, &opt);
    struct tls *t = server_new(address);
    assert_int_equal(pump(t, &p), TLS_ESTABLISHED);
    assert_int_equal(tls_tag(t), tag);
    X509 *want = NULL;
    char file[64];
    (void)snprintf(file, sizeof(file), "%s.pem", shown);
    assert_int_equal(x509_cert_load(fixture_path(file), &want), ERR_OK);
    assert_int_equal(X509_cmp(SSL_get0_peer_certificate(p.ssl), want), 0);
    X509_free(want);
    tls_free(t);
    peer_close(&p);
}

static void turned_away(struct tls_ctx *address, const struct peer_options *opt, err_t e, int alert)
{
    struct peer p;
    peer_open(&p, opt);
    struct tls *t = server_new(address);
    assert_int_equal(pump(t, &p), TLS_FAILED);
    assert_int_equal(tls_error(t), e);
    assert_int_equal(p.alert, alert);
    tls_free(t);
    peer_close(&p);
}

static void the_server_name_chooses_the_instance(void **state)
{
    (void)state;
    static const char *const first_names[] = {FIXTURE_FQDN, NULL};
    fixture_cert_make(&(struct fixture_cert){.name = "second", .ca = "ca", .group = "P-256", .key_usage = "critical,digitalSignature",
                                             .san = "DNS:second.keystead.test", .from_day = -1, .to_day = 30});
    struct tls_ctx *address = instance(first_names, TAG_FIRST, "server", "ca.pem");
    assert_int_equal(tls_ctx_join(address, instance(second_names, TAG_SECOND, "second", "ca.pem")), ERR_OK);
    leads_to(address, FIXTURE_FQDN, TAG_FIRST, "server");
    leads_to(address, NULL, TAG_FIRST, "server");
    leads_to(address, "second.keystead.test", TAG_SECOND, "second");
    leads_to(address, "ALIAS.keystead.test", TAG_SECOND, "second");
    turned_away(address, &(struct peer_options){.cert = "client", .sni = "third.keystead.test"}, ERR_DENIED_SNI, 112);
    assert_int_equal(tls_ctx_join(address, instance(second_names, 7, "second", "ca.pem")), ERR_EXISTS);
    assert_int_equal(tls_ctx_join(address, fixture_ctx_datagram(true)), ERR_EXISTS); /* of the first one's name, too */
    tls_ctx_free(address);
}

/* Each judges clients by its own anchors, also if the first one takes no certificates at all. */
static void each_instance_has_its_own_trust(void **state)
{
    (void)state;
    static const char *const first_names[] = {FIXTURE_FQDN, NULL};
    struct tls_ctx *address = instance(first_names, TAG_FIRST, NULL, NULL);
    assert_int_equal(tls_ctx_join(address, instance(second_names, TAG_SECOND, "second", "ca.pem")), ERR_OK);
    leads_to(address, "second.keystead.test", TAG_SECOND, "second");
    turned_away(address, &(struct peer_options){.cert = "client", .sni = FIXTURE_FQDN}, ERR_DENIED_TLS, 40);
    turned_away(address, &(struct peer_options){.sni = "second.keystead.test"}, ERR_DENIED_CERT_MISSING, 40);
    tls_ctx_free(address);
    address = instance(first_names, TAG_FIRST, "server", "ca.pem");
    assert_int_equal(tls_ctx_join(address, instance(second_names, TAG_SECOND, "second", "second.pem")), ERR_OK);
    leads_to(address, FIXTURE_FQDN, TAG_FIRST, "server");
    turned_away(address, &(struct peer_options){.cert = "client", .sni = "second.keystead.test"}, ERR_DENIED_CERT_CA, 48);
    tls_ctx_free(address);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mutual_certificates_succeed),
        cmocka_unit_test(psk_on_the_same_listener_asks_for_no_certificate),
        cmocka_unit_test(each_fault_has_its_reason_and_alert),
        cmocka_unit_test(certificate_without_its_key_is_refused),
        cmocka_unit_test(wrong_configurations_are_refused),
        cmocka_unit_test(without_trust_every_client_is_refused),
        cmocka_unit_test(the_server_name_chooses_the_instance),
        cmocka_unit_test(each_instance_has_its_own_trust),
    };
    return cmocka_run_group_tests(tests, ctx_setup, ctx_teardown);
}
