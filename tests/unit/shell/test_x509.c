/*
 * Every refusal of TS-0003 8.1.2.5 that the shell makes, each through a handshake with its alert and reason code
 * (R001-15, R001-32, R001-106): names, limits of CAs, revocation, chains, sizes, pinned keys.
 */
#include "tls_fixture.h"

#include "shell/pki_impl.h"
#include "shell/x509_crl.h"

#include <openssl/pem.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define MINUTE_SEC 60

/* -- what is made ------------------------------------------------------------------------------------------- */
static const char *file_of(const char *name, const char *suffix)
{
    char z[96];
    (void)snprintf(z, sizeof(z), "%s.%s", name, suffix);
    return fixture_path(z);
}

static void authority(const char *name, const char *parent, const char *dns, const char *uri, int path_length)
{
    char detail[ROLE_DETAIL_MAX];
    const struct pki_signer above = {parent == NULL ? NULL : file_of(parent, "pem"),
                                     parent == NULL ? NULL : file_of(parent, "key")};
    const struct pki_authority rq = {.name = name, .permit_dns = dns, .permit_uri = uri, .path_length = path_length,
                                     .parent = parent == NULL ? NULL : &above, .cert_file = file_of(name, "pem"),
                                     .key_file = file_of(name, "key"), .days = 60};
    assert_int_equal(pki_authority_make(&rq, detail), ERR_OK);
}

static void issue(const char *name, const char *ca, enum cert_id_flavour f, const char *id)
{
    char detail[ROLE_DETAIL_MAX];
    const struct pki_signer signer = {file_of(ca, "pem"), file_of(ca, "key")};
    const struct pki_holder to = {f, id, NULL};
    assert_int_equal(pki_issue(&signer, &to, file_of(name, "key"), file_of(name, "pem"), 30, detail), ERR_OK);
}

static void list_make(const char *list, const char *ca, const char *const *what, size_t n)
{
    char detail[ROLE_DETAIL_MAX];
    const struct pki_revocation rq = {.ca = {file_of(ca, "pem"), file_of(ca, "key")}, .crl_file = file_of(list, "crl"),
                                      .revoke = what, .revoke_n = n, .days = 7};
    assert_int_equal(pki_crl_make(&rq, detail), ERR_OK);
}

/* -- servers and clients -------------------------------------------------------------------------------------- */
static struct tls_ctx *server(struct tls_ctx_config more, const char *anchors)
{
    static const char *const names[] = {FIXTURE_FQDN, NULL};
    more.cert_file = fixture_path("server.pem");
    more.key_file = fixture_path("server.key");
    more.trust_file = anchors == NULL ? NULL : file_of(anchors, "pem");
    more.names = names;
    more.require_ems = true;
    struct tls_ctx *ctx = NULL;
    char detail[ROLE_DETAIL_MAX];
    err_t e = tls_ctx_new(&more, &ctx, detail);
    if (e != ERR_OK) {
        fail_msg("%s: %s", err_code(e), detail);
    }
    return ctx;
}

/* ERR_OK: let in. The client shows its file with the whole chain in it. */
static err_t attempt(struct tls_ctx *ctx, const char *cert, int alert, struct role_cert *seen, char key_id[static 64])
{
    struct tls *t = server_new(ctx);
    struct peer p;
    peer_open(&p, &(struct peer_options){.sni = FIXTURE_FQDN});
    assert_int_equal(SSL_use_certificate_chain_file(p.ssl, file_of(cert, "pem")), 1);
    assert_int_equal(SSL_use_PrivateKey_file(p.ssl, file_of(cert, "key"), SSL_FILETYPE_PEM), 1);
    enum tls_state s = pump(t, &p);
    err_t e = s == TLS_FAILED ? tls_error(t) : ERR_OK;
    assert_int_equal(s, e == ERR_OK ? TLS_ESTABLISHED : TLS_FAILED);
    if (p.alert != alert) {
        fail_msg("%s: alert %d, not %d (%s)", cert, p.alert, alert, err_code(e));
    }
    if (e == ERR_OK) {
        struct role_cert names;
        assert_int_equal(tls_peer(t, &names), ERR_OK);
        *seen = names;
        assert_int_equal(text_copy(names.key_id, key_id, 64), ERR_OK);
    }
    tls_free(t);
    peer_close(&p);
    return e;
}

static void expect(struct tls_ctx *ctx, const char *cert, err_t e, int alert)
{
    struct role_cert seen;
    char key_id[64];
    err_t got = attempt(ctx, cert, alert, &seen, key_id);
    if (got != e) {
        fail_msg("%s: %s, not %s", cert, err_code(got), err_code(e));
    }
}

static int setup(void **state)
{
    if (fixture_setup(state) != 0) {
        return -1;
    }
    authority("dnsonly", NULL, "keystead.test", NULL, -1);
    authority("open", NULL, NULL, NULL, -1);
    authority("mid", "ca", "keystead.test", "keystead.test", -1);
    authority("low", "mid", "keystead.test", "keystead.test", -1);
    authority("lower", "low", "keystead.test", "keystead.test", -1);
    issue("ae", "ca", CERT_ID_AE, "//keystead.test/S1");
    issue("device", "ca", CERT_ID_DEVICE, "0.2.481.1.100.3030.10011");
    issue("ae-dnsonly", "dnsonly", CERT_ID_AE, "//keystead.test/S1");
    issue("node-dnsonly", "dnsonly", CERT_ID_NODE, "n-17");
    issue("ae-open", "open", CERT_ID_AE, "//keystead.test/S1");
    issue("cse-open", "open", CERT_ID_CSE, "//keystead.test/in");
    issue("node-open", "open", CERT_ID_NODE, "n-17");
    issue("device-open", "open", CERT_ID_DEVICE, "0.2.481.1.1.1.1");
    issue("by-mid", "mid", CERT_ID_FQDN, "a.keystead.test");
    issue("by-low", "low", CERT_ID_FQDN, "a.keystead.test");
    issue("by-lower", "lower", CERT_ID_FQDN, "a.keystead.test");
    return 0;
}

/* -- names and limits ------------------------------------------------------------------------------------------ */
static void every_flavour_is_understood(void **state)
{
    (void)state;
    struct tls_ctx *ctx = server((struct tls_ctx_config){0}, "ca");
    struct role_cert seen;
    char key_id[64];
    char z[64];
    assert_int_equal(attempt(ctx, "device", -1, &seen, key_id), ERR_OK);
    assert_int_equal(seen.device_n, 1);
    assert_false(seen.raw);
    struct writer w = WRITER_ARRAY(z);
    assert_int_equal(pki_show_key_id(file_of("device", "pem"), 256, &w), ERR_OK);
    assert_true(text_eq(writer_view_text(&w), text_of(key_id)));
    w = WRITER_ARRAY(z);
    assert_int_equal(pki_show_key_id(file_of("device", "key"), 256, &w), ERR_OK); /* key and certificate: one identifier */
    assert_true(text_eq(writer_view_text(&w), text_of(key_id)));
    assert_int_equal(attempt(ctx, "ae", -1, &seen, key_id), ERR_OK);
    assert_int_equal(seen.uri_n, 1);
    assert_int_equal(seen.dns_n + seen.device_n, 0);
    tls_ctx_free(ctx);
}

#define SIGNS "critical,digitalSignature"
static void a_wildcard_is_refused(void **state)
{
    (void)state;
    struct tls_ctx *ctx = server((struct tls_ctx_config){0}, "ca");
    const struct fixture_cert wild = {"wild", "ca", "P-256", SIGNS, "DNS:*.keystead.test", NULL, 0, -1, 1};
    const struct fixture_cert both = {"both", "ca", "P-256", SIGNS, "DNS:a.keystead.test,DNS:*.keystead.test", NULL, 0, -1, 1};
    fixture_cert_make(&wild);
    fixture_cert_make(&both);
    expect(ctx, "wild", ERR_DENIED_CERT_WILD, 42); /* refuses R001-31 by a wildcard */
    expect(ctx, "both", ERR_DENIED_CERT_WILD, 42);
    tls_ctx_free(ctx);
}

/* [8.1.2.2, CHOICE-40] */
static void cas_must_be_limited(void **state)
{
    (void)state;
    struct tls_ctx *strict = server((struct tls_ctx_config){0}, "open");
    struct tls_ctx *loose = server((struct tls_ctx_config){.unconstrained_ok = true}, "open");
    struct tls_ctx *dns = server((struct tls_ctx_config){0}, "dnsonly");
    expect(strict, "ae-open", ERR_DENIED_CERT_CONSTRAINTS, 42);
    expect(loose, "ae-open", ERR_DENIED_CERT_CONSTRAINTS, 42); /* an AE-ID always */
    expect(dns, "ae-dnsonly", ERR_DENIED_CERT_CONSTRAINTS, 42); /* limited, but not in URIs */
    expect(strict, "cse-open", ERR_DENIED_CERT_CONSTRAINTS, 42);
    expect(loose, "cse-open", ERR_OK, -1);
    expect(strict, "node-open", ERR_DENIED_CERT_CONSTRAINTS, 42);
    expect(loose, "node-open", ERR_OK, -1);
    expect(dns, "node-dnsonly", ERR_OK, -1); /* a URN has no host that could be limited */
    expect(strict, "device-open", ERR_OK, -1); /* recommended only, 10.1.1.4.2 */
    tls_ctx_free(strict);
    tls_ctx_free(loose);
    tls_ctx_free(dns);
}

static void names_outside_the_limits_are_refused(void **state)
{
    (void)state;
    struct tls_ctx *ctx = server((struct tls_ctx_config){0}, "ca");
    const struct fixture_cert ae = {"ae-out", "ca", "P-256", SIGNS, "URI:m2m://other.test/S1", NULL, 0, -1, 1};
    const struct fixture_cert one = {"one-out", "ca", "P-256", SIGNS, "DNS:a.keystead.test,DNS:a.other.test", NULL, 0, -1, 1};
    fixture_cert_make(&ae);
    fixture_cert_make(&one);
    expect(ctx, "ae-out", ERR_DENIED_CERT_NAME, 42);
    expect(ctx, "one-out", ERR_DENIED_CERT_NAME, 42);
    tls_ctx_free(ctx);
}

/* -- chains and sizes --------------------------------------------------------------------------------------------- */
static void chains_are_short(void **state)
{
    (void)state;
    struct tls_ctx *ctx = server((struct tls_ctx_config){0}, "ca");
    expect(ctx, "by-mid", ERR_OK, -1);
    expect(ctx, "by-low", ERR_OK, -1);
    expect(ctx, "by-lower", ERR_DENIED_CERT_CHAIN, 42);
    tls_ctx_free(ctx);
}

static void certificates_of_64_KiB_are_refused(void **state)
{
    (void)state;
    struct tls_ctx *ctx = server((struct tls_ctx_config){0}, "ca");
    static char san[66000];
    struct writer w = WRITER_ARRAY(san);
    while (w.n < 64 * 1024) {
        writer_z(&w, w.n > 0 ? ",DNS:" : "DNS:");
        writer_z(&w, "a-name-that-is-long-enough-to-fill-a-certificate-soon.keystead.test");
    }
    assert_int_equal(writer_finish_z(&w), ERR_OK);
    const struct fixture_cert big = {"big", "ca", "P-256", SIGNS, san, NULL, 0, -1, 1};
    fixture_cert_make(&big);
    expect(ctx, "big", ERR_DENIED_CERT_SIZE, 50);
    tls_ctx_free(ctx);
}

/* -- revocation ---------------------------------------------------------------------------------------------------- */
static struct tls_ctx *server_with(const char *lists, bool stale_ok)
{
    return server((struct tls_ctx_config){.crl_files = lists, .crl_stale_ok = stale_ok}, "ca");
}

static void revoked_certificates_are_refused(void **state)
{
    (void)state;
    issue("good", "ca", CERT_ID_FQDN, "good.keystead.test");
    issue("bad", "ca", CERT_ID_FQDN, "bad.keystead.test");
    char bad[384]; /* fixture paths live for eight more only */
    assert_int_equal(text_copy(text_of(file_of("bad", "pem")), bad, sizeof(bad)), ERR_OK);
    const char *const what[] = {bad, "0badc0de"};
    list_make("ca", "ca", NULL, 0);
    struct tls_ctx *before = server_with(file_of("ca", "crl"), false);
    expect(before, "bad", ERR_OK, -1);
    list_make("ca", "ca", what, 2);
    struct tls_ctx *after = server_with(file_of("ca", "crl"), false);
    expect(after, "bad", ERR_DENIED_CERT_REVOKED, 44);
    expect(after, "good", ERR_OK, -1);
    expect(before, "bad", ERR_OK, -1); /* a snapshot is what it was; reload makes another */
    list_make("ca", "ca", what, 2); /* again: nothing is lost, nothing twice */
    struct tls_ctx *again = server_with(file_of("ca", "crl"), false);
    expect(again, "bad", ERR_DENIED_CERT_REVOKED, 44);
    expect(again, "good", ERR_OK, -1);
    tls_ctx_free(before);
    tls_ctx_free(after);
    tls_ctx_free(again);
}

static void every_ca_needs_its_list(void **state)
{
    (void)state;
    char both[1024];
    list_make("mid", "mid", NULL, 0);
    list_make("plain", "ca", NULL, 0);
    struct tls_ctx *one = server_with(file_of("plain", "crl"), false);
    expect(one, "by-mid", ERR_DENIED_CERT_STATUS, 46); /* nobody says anything about what mid signed */
    tls_ctx_free(one);
    /* the list of a CA below the anchor, with that CA's certificate beside it */
    FILE *f = fopen(file_of("mid", "crl"), "a");
    X509 *mid = NULL;
    assert_int_equal(x509_cert_load(file_of("mid", "pem"), &mid), ERR_OK);
    assert_int_equal(PEM_write_X509(f, mid), 1);
    (void)fclose(f);
    X509_free(mid);
    (void)snprintf(both, sizeof(both), "%s,%s", file_of("plain", "crl"), file_of("mid", "crl"));
    struct tls_ctx *two = server_with(both, false);
    expect(two, "by-mid", ERR_OK, -1);
    tls_ctx_free(two);
    list_make("revokes-ca", "ca", (const char *const[]){file_of("mid", "pem")}, 1);
    (void)snprintf(both, sizeof(both), "%s,%s", file_of("mid", "crl"), file_of("revokes-ca", "crl"));
    two = server_with(both, false);
    expect(two, "by-mid", ERR_DENIED_CERT_REVOKED, 44); /* its CA is */
    expect(two, "ae", ERR_OK, -1);
    tls_ctx_free(two);
}

/* A list with dates of our choice, signed by `ca`. */
static void list_with_dates(const char *name, const char *ca, long from_sec, long to_sec, bool delta)
{
    struct pki_ca signer = {NULL, NULL};
    char detail[ROLE_DETAIL_MAX];
    const struct pki_signer files = {file_of(ca, "pem"), file_of(ca, "key")};
    assert_int_equal(pki_build_ca_load(&files, &signer, detail), ERR_OK);
    X509_CRL *crl = X509_CRL_new();
    ASN1_TIME *from = ASN1_TIME_set(NULL, time(NULL) + from_sec);
    ASN1_TIME *to = to_sec == 0 ? NULL : ASN1_TIME_set(NULL, time(NULL) + to_sec);
    assert_int_equal(X509_CRL_set_version(crl, X509_CRL_VERSION_2), 1);
    assert_int_equal(X509_CRL_set_issuer_name(crl, X509_get_subject_name(signer.cert)), 1);
    assert_int_equal(X509_CRL_set1_lastUpdate(crl, from), 1);
    assert_true(to == NULL || X509_CRL_set1_nextUpdate(crl, to) == 1);
    if (delta) {
        ASN1_INTEGER *base = ASN1_INTEGER_new();
        assert_int_equal(ASN1_INTEGER_set(base, 1), 1);
        assert_int_equal(X509_CRL_add1_ext_i2d(crl, NID_delta_crl, base, 1, X509V3_ADD_DEFAULT), 1);
        ASN1_INTEGER_free(base);
    }
    assert_true(X509_CRL_sign(crl, signer.key, EVP_sha256()) > 0);
    assert_int_equal(pki_file_create(file_of(name, "crl"), 0644, pki_file_pem_crl, crl), ERR_OK);
    ASN1_TIME_free(from);
    ASN1_TIME_free(to);
    X509_CRL_free(crl);
    pki_build_ca_wipe(&signer);
}

static void lists_out_of_force_refuse(void **state)
{
    (void)state;
    list_with_dates("stale", "ca", -3 * MINUTE_SEC, -MINUTE_SEC, false);
    list_with_dates("early", "ca", MINUTE_SEC, 3 * MINUTE_SEC, false);
    struct tls_ctx *ctx = server_with(file_of("stale", "crl"), false);
    expect(ctx, "ae", ERR_DENIED_CERT_STATUS, 46);
    assert_true(tls_ctx_crl_end(ctx) < (usec_t)time(NULL) * USEC_PER_SEC);
    tls_ctx_free(ctx);
    ctx = server_with(file_of("stale", "crl"), true);
    expect(ctx, "ae", ERR_OK, -1);
    tls_ctx_free(ctx);
    ctx = server_with(file_of("early", "crl"), false);
    expect(ctx, "ae", ERR_DENIED_CERT_STATUS, 46);
    tls_ctx_free(ctx);
    char both[1024]; /* the newer of two counts, whatever their order */
    (void)snprintf(both, sizeof(both), "%s,%s", file_of("plain", "crl"), file_of("stale", "crl"));
    ctx = server_with(both, false);
    (void)snprintf(both, sizeof(both), "%s,%s", file_of("stale", "crl"), file_of("plain", "crl"));
    struct tls_ctx *turned = server_with(both, false);
    struct role_cert seen;
    char key_id[64];
    err_t e = attempt(ctx, "ae", tls_ctx_crl_end(ctx) > (usec_t)time(NULL) * USEC_PER_SEC ? -1 : 46, &seen, key_id);
    assert_int_equal(attempt(turned, "ae", e == ERR_OK ? -1 : 46, &seen, key_id), e);
    tls_ctx_free(ctx);
    tls_ctx_free(turned);
}

static void list_refused(const char *name, const char *anchors)
{
    char detail[ROLE_DETAIL_MAX] = "";
    const struct x509_trust t = {.anchors = file_of(anchors, "pem"), .crls = file_of(name, "crl")};
    X509_STORE *store = NULL;
    assert_int_equal(x509_trust_load(&t, &store, detail), ERR_CONFIG);
    assert_null(store);
    assert_non_null(strstr(detail, ".crl: ")); /* names the file and says why */
}

static void lists_that_prove_nothing_are_no_lists(void **state)
{
    (void)state;
    list_refused("absent", "ca");
    list_with_dates("foreign", "open", -MINUTE_SEC, MINUTE_SEC, false);
    list_refused("foreign", "ca"); /* another CA's */
    list_with_dates("endless", "ca", -MINUTE_SEC, 0, false);
    list_refused("endless", "ca");
    list_with_dates("delta", "ca", -MINUTE_SEC, MINUTE_SEC, true);
    list_refused("delta", "ca");
    assert_int_equal(link(file_of("ca", "pem"), file_of("cert", "crl")), 0);
    list_refused("cert", "ca"); /* no list in it */
    /* signed by an end entity that the CA certified */
    struct pki_ca self = {NULL, NULL};
    assert_int_equal(x509_cert_load(file_of("ae", "pem"), &self.cert), ERR_OK);
    assert_int_equal(x509_key_load(file_of("ae", "key"), &self.key), ERR_OK);
    X509_CRL *crl = NULL;
    FILE *f = fopen(file_of("plain", "crl"), "r");
    crl = PEM_read_X509_CRL(f, NULL, NULL, NULL);
    (void)fclose(f);
    assert_int_equal(X509_CRL_set_issuer_name(crl, X509_get_subject_name(self.cert)), 1);
    assert_true(X509_CRL_sign(crl, self.key, EVP_sha256()) > 0);
    f = fopen(file_of("leaf", "crl"), "w");
    assert_int_equal(PEM_write_X509_CRL(f, crl), 1);
    assert_int_equal(PEM_write_X509(f, self.cert), 1);
    (void)fclose(f);
    list_refused("leaf", "ca");
    X509_CRL_free(crl);
    pki_build_ca_wipe(&self);
}

/* -- pinned keys ------------------------------------------------------------------------------------------------------ */
static void pinned_keys_come_without_names(void **state)
{
    (void)state;
    char detail[ROLE_DETAIL_MAX];
    const struct pki_holder raw = {CERT_ID_RAW, NULL, NULL};
    assert_int_equal(pki_issue(NULL, &raw, file_of("raw", "key"), file_of("raw", "pem"), 30, detail), ERR_OK);
    struct tls_ctx *off = server((struct tls_ctx_config){0}, "ca");
    struct tls_ctx *on = server((struct tls_ctx_config){.pinned = true}, "ca");
    struct tls_ctx *alone = server((struct tls_ctx_config){.pinned = true}, NULL);
    struct role_cert seen;
    char key_id[64];
    char own[64];
    expect(off, "raw", ERR_DENIED_CERT_CA, 48);
    assert_int_equal(attempt(on, "raw", -1, &seen, key_id), ERR_OK);
    assert_true(seen.raw);
    assert_int_equal(seen.dns_n + seen.uri_n + seen.device_n, 0);
    struct writer w = WRITER_ARRAY(own);
    assert_int_equal(pki_show_key_id(file_of("raw", "key"), 128, &w), ERR_OK);
    assert_true(cert_id_key_same(writer_view_text(&w), text_of(key_id)));
    own[w.n - 2] = own[w.n - 2] == 'A' ? 'B' : 'A';
    assert_false(cert_id_key_same(writer_view_text(&w), text_of(key_id))); /* raw key with a wrong hash */
    assert_int_equal(attempt(alone, "raw", -1, &seen, key_id), ERR_OK);
    assert_true(seen.raw);
    assert_int_equal(attempt(on, "ae", -1, &seen, key_id), ERR_OK); /* others as ever */
    assert_false(seen.raw);
    expect(alone, "ae", ERR_DENIED_CERT_CA, 48);
    expect(on, "ae-open", ERR_DENIED_CERT_CA, 48);
    tls_ctx_free(off);
    tls_ctx_free(on);
    tls_ctx_free(alone);
}

/* Whatever it claims: a self-signed certificate with names of others is its key and nothing else. */
static void self_signed(const char *name, const char *group, const char *usage, long to_day)
{
    EVP_PKEY *key = EVP_EC_gen(group);
    X509 *cert = NULL;
    assert_int_equal(pki_build_cert_begin("mef.keystead.test", 9, key, &cert), ERR_OK);
    assert_non_null(X509_gmtime_adj(X509_getm_notBefore(cert), -30 * 86400));
    assert_non_null(X509_gmtime_adj(X509_getm_notAfter(cert), to_day * 86400));
    const struct pki_extension list[] = {{NID_key_usage, usage}, {NID_subject_alt_name, "DNS:mef.keystead.test"}};
    assert_int_equal(pki_build_extensions_add(cert, cert, list, ARRAY_LEN(list)), ERR_OK);
    assert_int_equal(pki_build_cert_sign(cert, cert, key), ERR_OK);
    const struct pki_chain chain = {cert, NULL};
    assert_int_equal(pki_file_pair(file_of(name, "key"), key, file_of(name, "pem"), &chain), ERR_OK);
    X509_free(cert);
    EVP_PKEY_free(key);
}

static void pinned_keys_keep_the_profile(void **state)
{
    (void)state;
    struct tls_ctx *on = server((struct tls_ctx_config){.pinned = true}, "ca");
    struct role_cert seen;
    char key_id[64];
    self_signed("liar", "P-256", SIGNS, 1);
    self_signed("raw-384", "P-384", SIGNS, 1);
    self_signed("raw-usage", "P-256", "critical,keyAgreement", 1);
    self_signed("raw-old", "P-256", SIGNS, -1);
    assert_int_equal(attempt(on, "liar", -1, &seen, key_id), ERR_OK);
    assert_true(seen.raw);
    assert_int_equal(seen.dns_n, 0);
    expect(on, "raw-384", ERR_DENIED_CERT_KEY, 43);
    expect(on, "raw-usage", ERR_DENIED_CERT_USAGE, 43);
    expect(on, "raw-old", ERR_DENIED_CERT_EXPIRED, 45);
    tls_ctx_free(on);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_flavour_is_understood),
        cmocka_unit_test(a_wildcard_is_refused),
        cmocka_unit_test(cas_must_be_limited),
        cmocka_unit_test(names_outside_the_limits_are_refused),
        cmocka_unit_test(chains_are_short),
        cmocka_unit_test(certificates_of_64_KiB_are_refused),
        cmocka_unit_test(revoked_certificates_are_refused),
        cmocka_unit_test(every_ca_needs_its_list),
        cmocka_unit_test(lists_out_of_force_refuse),
        cmocka_unit_test(lists_that_prove_nothing_are_no_lists),
        cmocka_unit_test(pinned_keys_come_without_names),
        cmocka_unit_test(pinned_keys_keep_the_profile),
    };
    return cmocka_run_group_tests(tests, setup, fixture_teardown);
}
