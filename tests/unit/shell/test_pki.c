/* Certificates that pki makes, and the rules of x509: profile, names, path, name constraints. */
#include "tls_fixture.h"

#include <sys/stat.h>

static unsigned mode_of(const char *file)
{
    struct stat st;
    assert_int_equal(stat(file, &st), 0);
    return st.st_mode & 0777;
}

static void files_have_modes_and_are_never_overwritten(void **state)
{
    (void)state;
    assert_int_equal(mode_of(fixture_path("ca.key")), 0600);
    assert_int_equal(mode_of(fixture_path("server.key")), 0600);
    assert_int_equal(mode_of(fixture_path("server.pem")) & 0022, 0);
    struct pki_ca_request ca = {"again", "keystead.test", fixture_path("ca.pem"), fixture_path("ca.key"), 9};
    assert_int_equal(pki_ca_make(&ca), ERR_EXISTS);
    struct pki_leaf_request leaf = {fixture_path("ca.pem"),     fixture_path("ca.key"),    "a.keystead.test",
                                    fixture_path("server.pem"), fixture_path("fresh.key"), 9};
    assert_int_equal(pki_leaf_make(&leaf), ERR_EXISTS);
    struct stat st;
    assert_int_equal(stat(fixture_path("fresh.key"), &st), -1); /* taken away again */
    leaf.cert_file = fixture_path("no-such-folder/x.pem");
    assert_int_equal(pki_leaf_make(&leaf), ERR_IO);
    assert_int_equal(stat(fixture_path("fresh.key"), &st), -1);
}

static void wrong_requests_are_refused(void **state)
{
    (void)state;
    static const char *const dns[] = {"", "a b", "a,DNS:evil.test", "*.keystead.test", "a:b", NULL};
    for (size_t i = 0; i < ARRAY_LEN(dns); i++) {
        struct pki_leaf_request leaf = {fixture_path("ca.pem"), fixture_path("ca.key"), dns[i],
                                        fixture_path("n.pem"),  fixture_path("n.key"),  9};
        assert_int_equal(pki_leaf_make(&leaf), ERR_MALFORMED_ID);
        struct pki_ca_request ca = {"x", dns[i], fixture_path("n.pem"), fixture_path("n.key"), 9};
        assert_int_equal(pki_ca_make(&ca), ERR_MALFORMED_ID);
    }
    struct pki_leaf_request leaf = {fixture_path("ca.pem"), fixture_path("server.key"), "a.keystead.test",
                                    fixture_path("n.pem"),  fixture_path("n.key"),      9};
    assert_int_equal(pki_leaf_make(&leaf), ERR_CONFIG); /* not the CA's key */
    leaf.ca_key_file = fixture_path("absent.key");
    assert_int_equal(pki_leaf_make(&leaf), ERR_IO);
    leaf.ca_key_file = fixture_path("ca.key");
    leaf.days = 0;
    assert_int_equal(pki_leaf_make(&leaf), ERR_CONFIG);
}

static X509 *cert_of(const char *name)
{
    char file[64];
    (void)snprintf(file, sizeof(file), "%s.pem", name);
    X509 *cert = NULL;
    assert_int_equal(x509_cert_load(fixture_path(file), &cert), ERR_OK);
    return cert;
}

static void made_certificates_keep_the_profile(void **state)
{
    (void)state;
    X509 *ca = cert_of("ca");
    X509 *leaf = cert_of("server");
    assert_int_equal(x509_profile_check(ca), ERR_OK);
    assert_int_equal(x509_profile_check(leaf), ERR_OK);
    assert_int_equal(X509_check_ca(ca), 1);
    assert_int_equal(X509_check_ca(leaf), 0);
    assert_true(X509_get_ext_by_NID(ca, NID_name_constraints, -1) >= 0);
    assert_true(X509_EXTENSION_get_critical(X509_get_ext(ca, X509_get_ext_by_NID(ca, NID_name_constraints, -1))));
    assert_int_equal(X509_get_key_usage(leaf), X509v3_KU_DIGITAL_SIGNATURE);
    assert_int_equal(X509_get_extended_key_usage(leaf), XKU_SSL_SERVER | XKU_SSL_CLIENT);
    assert_int_not_equal(ASN1_INTEGER_cmp(X509_get0_serialNumber(ca), X509_get0_serialNumber(leaf)), 0);
    X509_free(ca);
    X509_free(leaf);
}

/* What the callback of x509_trust_install decides, without a handshake: as `openssl verify` would be used. */
static err_t path_check(const char *name)
{
    SSL_CTX *ssl = SSL_CTX_new(TLS_client_method());
    assert_int_equal(x509_trust_install(ssl, fixture_path("ca.pem")), ERR_OK);
    X509 *leaf = cert_of(name);
    X509_STORE_CTX *path = X509_STORE_CTX_new();
    assert_int_equal(X509_STORE_CTX_init(path, SSL_CTX_get_cert_store(ssl), leaf, NULL), 1);
    X509_STORE_CTX_set_verify_cb(path, SSL_CTX_get_verify_callback(ssl));
    err_t e = X509_verify_cert(path) == 1 ? ERR_OK : x509_reason(X509_STORE_CTX_get_error(path));
    X509_STORE_CTX_free(path);
    X509_free(leaf);
    SSL_CTX_free(ssl);
    return e;
}

static void paths_are_validated(void **state)
{
    (void)state;
    assert_int_equal(path_check("server"), ERR_OK);
    assert_int_equal(path_check("client"), ERR_OK);
    struct pki_leaf_request outside = {fixture_path("ca.pem"),      fixture_path("ca.key"),      "mef.elsewhere.test",
                                       fixture_path("outside.pem"), fixture_path("outside.key"), 9};
    assert_int_equal(pki_leaf_make(&outside), ERR_DENIED_CERT_NAME); /* name constraints [8.1.2.2] */
    const struct fixture_cert slipped = {"outside", "ca", "P-256", "digitalSignature", "DNS:mef.elsewhere.test",
                                         NULL,      0,    -1,      1};
    fixture_cert_make(&slipped);
    assert_int_equal(path_check("outside"), ERR_DENIED_CERT_NAME);
    struct pki_ca_request ca = {"made-up CA", "keystead.test", fixture_path("other.pem"), fixture_path("other.key"), 9};
    assert_int_equal(pki_ca_make(&ca), ERR_OK); /* the same name, another key */
    struct pki_leaf_request foreign = {fixture_path("other.pem"),    fixture_path("other.key"),    "mef.keystead.test",
                                       fixture_path("stranger.pem"), fixture_path("stranger.key"), 9};
    assert_int_equal(pki_leaf_make(&foreign), ERR_OK);
    assert_int_equal(path_check("stranger"), ERR_DENIED_CERT_CA); /* R001-30, R001-32 */
    const struct fixture_cert rsa = {"rsa", "ca", NULL, "digitalSignature", "DNS:a.keystead.test", NULL, 0, -1, 1};
    fixture_cert_make(&rsa);
    assert_int_equal(path_check("rsa"), ERR_DENIED_CERT_KEY);
}

static struct role_cert names_of(const char *name, err_t expected, X509 **cert, void **store)
{
    struct role_cert names;
    *cert = cert_of(name);
    assert_int_equal(x509_names(*cert, &names, store), expected);
    return names;
}

static void names_match_exactly_or_not_at_all(void **state)
{
    (void)state;
    const struct fixture_cert c = {"names",
                                   "ca",
                                   "P-256",
                                   "digitalSignature",
                                   "DNS:Mef.Keystead.test,DNS:*.wild.test,URI:https://uri.keystead.test:8443/x,"
                                   "URI:m2m://sp.example/S1,URI:https://you@user.test/,email:mail@mail.test,"
                                   "IP:192.0.2.1",
                                   NULL,
                                   0,
                                   -1,
                                   1};
    fixture_cert_make(&c);
    X509 *cert = NULL;
    void *store = NULL;
    struct role_cert names = names_of("names", ERR_OK, &cert, &store);
    assert_int_equal(names.dns_n, 2);
    assert_int_equal(names.uri_n, 3);
    static const char *const match[] = {"mef.keystead.test", "MEF.KEYSTEAD.TEST", "uri.keystead.test"};
    for (size_t i = 0; i < ARRAY_LEN(match); i++) {
        assert_int_equal(x509_fqdn_check(&names, text_of(match[i])), ERR_OK);
    }
    static const char *const miss[] = {
        "",          "ef.keystead.test",   "mef.keystead.tes", "a.wild.test", "*.wild.test",
        "user.test", "you@user.test",      "mail.test",        "made-up",     "Uri.keystead.test",
        "192.0.2.1", "mef.keystead.test.x", "sp.example", "m2m://sp.example/S1"}; /* an AE is no host */
    for (size_t i = 0; i < ARRAY_LEN(miss); i++) {
        assert_int_equal(x509_fqdn_check(&names, text_of(miss[i])), ERR_DENIED_CERT_NAME);
    }
    x509_names_free(store);
    X509_free(cert);
}

static void unreadable_names_are_refused(void **state)
{
    (void)state;
    static const uint8_t nul[] = {0x30, 7, 0x82, 5, 'a', '.', 'b', 0, 'c'};
    static const uint8_t space[] = {0x30, 5, 0x82, 3, 'a', ' ', 'b'};
    static const uint8_t empty[] = {0x30, 2, 0x82, 0};
    static const uint8_t cut[] = {0x30, 9, 0x82, 5, 'a', '.'};
    static const struct {
        const uint8_t *der;
        int n;
    } rows[] = {{nul, sizeof(nul)}, {space, sizeof(space)}, {empty, sizeof(empty)}, {cut, sizeof(cut)}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct fixture_cert c = {.name = "bad",
                                 .ca = "ca",
                                 .group = "P-256",
                                 .key_usage = "digitalSignature",
                                 .san_raw = rows[i].der,
                                 .san_raw_n = rows[i].n,
                                 .from_day = -1,
                                 .to_day = 1};
        fixture_cert_make(&c);
        X509 *cert = NULL;
        void *store = NULL;
        (void)names_of("bad", ERR_DENIED_CERT_NAME, &cert, &store);
        assert_null(store);
        X509_free(cert);
    }
    struct fixture_cert many = {.name = "many", .ca = "ca", .group = "P-256", .from_day = -1, .to_day = 1};
    many.san = "DNS:a,DNS:b,DNS:c,DNS:d,DNS:e,DNS:f,DNS:g,DNS:h,DNS:i";
    fixture_cert_make(&many);
    X509 *cert = NULL;
    void *store = NULL;
    (void)names_of("many", ERR_LIMIT_CAPACITY, &cert, &store);
    X509_free(cert);
}

static void key_files_are_checked(void **state)
{
    (void)state;
    EVP_PKEY *key = NULL;
    assert_int_equal(x509_key_load(fixture_path("server.key"), &key), ERR_OK);
    EVP_PKEY_free(key);
    assert_int_equal(chmod(fixture_path("server.key"), 0644), 0);
    assert_int_equal(x509_key_load(fixture_path("server.key"), &key), ERR_FILE_MODE);
    assert_int_equal(chmod(fixture_path("server.key"), 0600), 0);
    assert_int_equal(x509_key_load(fixture_path("server.pem"), &key), ERR_FILE_MODE);
    assert_int_equal(chmod(fixture_path("server.pem"), 0600), 0);
    assert_int_equal(x509_key_load(fixture_path("server.pem"), &key), ERR_CONFIG); /* no key in it */
    assert_int_equal(x509_key_load(fixture_path("absent"), &key), ERR_IO);
    X509 *cert = NULL;
    assert_int_equal(x509_cert_load(fixture_path("absent"), &cert), ERR_IO);
    assert_int_equal(x509_cert_load(fixture_path("server.key"), &cert), ERR_CONFIG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_have_modes_and_are_never_overwritten),
        cmocka_unit_test(wrong_requests_are_refused),
        cmocka_unit_test(made_certificates_keep_the_profile),
        cmocka_unit_test(paths_are_validated),
        cmocka_unit_test(names_match_exactly_or_not_at_all),
        cmocka_unit_test(unreadable_names_are_refused),
        cmocka_unit_test(key_files_are_checked),
    };
    return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
