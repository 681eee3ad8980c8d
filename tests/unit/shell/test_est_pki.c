/* The device's side of EST: what it asks for, and every answer of a MEF that lies or errs. */
#include "shell/est_pki.h"
#include "shell/issuer_openssl.h"
#include "tls_fixture.h"

#include <openssl/pkcs7.h>
#include <sys/stat.h>
#include <unistd.h>

#define HOUR (INT64_C(3600) * USEC_PER_SEC)

static const struct issuer_name one = {ISSUER_URI, {"m2m://keystead.test/Sdev1", 25}};
static const struct issuer_name two = {ISSUER_URI, {"m2m://keystead.test/Sdev2", 25}};

static struct issuer *ca_of(const char *name)
{
    char cert[32];
    char key[32];
    struct issuer *ca = NULL;
    (void)snprintf(cert, sizeof(cert), "%s.pem", name);
    (void)snprintf(key, sizeof(key), "%s.key", name);
    assert_int_equal(issuer_openssl_new(fixture_path(cert), fixture_path(key), &ca), ERR_OK);
    return ca;
}

struct told {
    struct est_attrs a;
    uint8_t der[2048];
    struct bytes octets;
};

static void tell(const struct issuer *ca, const struct issuer_name *name, struct told *t)
{
    struct writer w = WRITER_ARRAY(t->der);
    assert_int_equal(ca->csr_attrs(name, 1, text_of("made-up-challenge"), &w), ERR_OK);
    t->octets = writer_view(&w);
    assert_int_equal(est_pki_attrs(t->octets, &t->a), ERR_OK);
    assert_string_equal(t->a.challenge, "made-up-challenge");
}

/* "certs-only" with a certificate for this key and name. */
static struct bytes answer(const struct issuer *ca, EVP_PKEY *key, const struct told *t, const struct issuer_name *name,
                           uint8_t out[static 4096])
{
    uint8_t csr[2048];
    uint8_t cert[2048];
    struct issuer_csr parsed;
    struct writer r = WRITER_ARRAY(csr);
    struct writer c = WRITER_ARRAY(cert);
    struct writer p7 = writer_of(out, 4096);
    assert_int_equal(est_pki_request(key, &t->a, &r), ERR_OK);
    assert_int_equal(ca->csr_parse(writer_view(&r), &parsed), ERR_OK);
    assert_int_equal(parsed.names_n, 1);
    assert_string_equal(parsed.challenge, "made-up-challenge");
    usec_t now = (usec_t)time(NULL) * USEC_PER_SEC;
    struct issuer_order o = {.csr = writer_view(&r), .names = name, .names_n = 1, .serial = {0x41, 2}, .not_before = now - HOUR,
                             .not_after = now + HOUR};
    assert_int_equal(ca->issue(ca, &o, &c), ERR_OK);
    assert_int_equal(ca->certs_only(ca, writer_view(&c), &p7), ERR_OK);
    return writer_view(&p7);
}

static void accepts_what_it_asked_for(void **state)
{
    (void)state;
    uint8_t p7[4096];
    uint8_t chain[8192];
    struct told t;
    struct est_status s;
    EVP_PKEY *key = NULL;
    struct stat st;
    struct issuer *ca = ca_of("ca");
    tell(ca, &one, &t);
    assert_int_equal(est_pki_identity(&t.a, "//keystead.test/Sdev1"), ERR_OK);
    assert_int_equal(est_pki_identity(&t.a, "//keystead.test/Sdev2"), ERR_DENIED_CSR_NAME);
    assert_int_equal(est_pki_identity(&t.a, "//keystead.test/in"), ERR_DENIED_CSR_NAME);
    assert_int_equal(est_pki_key(fixture_path("est.key"), &key), ERR_OK);
    assert_int_equal(stat(fixture_path("est.key"), &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    EVP_PKEY *again = NULL;
    assert_int_equal(est_pki_key(fixture_path("est.key"), &again), ERR_OK);
    assert_int_equal(EVP_PKEY_eq(key, again), 1); /* made once */
    struct writer w = WRITER_ARRAY(chain);
    assert_int_equal(ca->certs_only(ca, bytes_empty(), &w), ERR_OK);
    assert_int_equal(est_pki_anchors(writer_view(&w), fixture_path("est-ca.pem")), ERR_OK);
    const struct est_expected x = {key, &t.a, fixture_path("est-ca.pem")};
    assert_int_equal(est_pki_accept(answer(ca, key, &t, &one, p7), &x, fixture_path("est.pem")), ERR_OK);
    assert_int_equal(est_pki_accept(answer(ca, key, &t, &one, p7), &x, fixture_path("est.pem")), ERR_OK); /* replaced */
    assert_int_equal(est_pki_status(fixture_path("est.pem"), &s), ERR_OK);
    assert_string_equal(s.name, "m2m://keystead.test/Sdev1");
    assert_true(s.not_after - s.not_before == 2 * HOUR);
    EVP_PKEY_free(key);
    EVP_PKEY_free(again);
    est_pki_attrs_wipe(&t.a);
    issuer_openssl_free(ca);
}

static void refuses_what_it_did_not_ask_for(void **state)
{
    (void)state;
    uint8_t p7[4096];
    struct told t;
    struct stat st;
    struct issuer *ca = ca_of("ca");
    const struct pki_ca_request rq = {"made-up stranger", "keystead.test", fixture_path("str.pem"), fixture_path("str.key"), 9};
    assert_int_equal(pki_ca_make(&rq), ERR_OK);
    struct issuer *stranger = ca_of("str");
    EVP_PKEY *key = EVP_EC_gen("P-256");
    EVP_PKEY *other = EVP_EC_gen("P-256");
    tell(ca, &one, &t);
    const struct est_expected x = {key, &t.a, fixture_path("ca.pem")};
    const char *file = fixture_path("no.pem");
    assert_int_equal(est_pki_accept(answer(ca, other, &t, &one, p7), &x, file), ERR_PEER_NONSENSE);
    assert_int_equal(est_pki_accept(answer(ca, key, &t, &two, p7), &x, file), ERR_PEER_NONSENSE);
    assert_int_equal(est_pki_accept(answer(stranger, key, &t, &one, p7), &x, file), ERR_DENIED_CERT_CA);
    struct bytes good = answer(ca, key, &t, &one, p7);
    for (size_t cut = 0; cut < good.n; cut++) {
        assert_int_equal(est_pki_accept(bytes_of(good.p, cut), &x, file), ERR_PEER_NONSENSE);
        assert_int_equal(est_pki_anchors(bytes_of(good.p, cut), file), ERR_PEER_NONSENSE);
    }
    assert_int_equal(est_pki_anchors(good, file), ERR_PEER_NONSENSE); /* no CA's certificate */
    assert_int_equal(stat(file, &st), -1);
    for (size_t cut = 0; cut < t.octets.n; cut++) {
        struct est_attrs a;
        assert_int_equal(est_pki_attrs(bytes_of(t.octets.p, cut), &a), ERR_PEER_NONSENSE);
        assert_null(a.names);
    }
    EVP_PKEY_free(key);
    EVP_PKEY_free(other);
    est_pki_attrs_wipe(&t.a);
    issuer_openssl_free(ca);
    issuer_openssl_free(stranger);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(accepts_what_it_asked_for),
        cmocka_unit_test(refuses_what_it_did_not_ask_for),
    };
    return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
