/* OpenSSL with the kinds of key that our profiles use and no others: all that a server does still works. */
#include "shell/provider.h"

#include "tls_fixture.h"

#include <openssl/evp.h>
#include <openssl/rand.h>

static const uint8_t rsa_spki[] = { /* a made-up RSA key of 512 bits */
  0x30, 0x5c, 0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d,
  0x01, 0x01, 0x01, 0x05, 0x00, 0x03, 0x4b, 0x00, 0x30, 0x48, 0x02, 0x41,
  0x00, 0xac, 0x60, 0xf9, 0xbb, 0x61, 0xd0, 0x74, 0x30, 0x25, 0xf8, 0x7b,
  0x66, 0x30, 0xb0, 0x49, 0xb6, 0xfa, 0x84, 0x5b, 0x7e, 0xdd, 0xba, 0x85,
  0xe8, 0xea, 0xf0, 0x61, 0x65, 0x43, 0x7c, 0x6f, 0x5b, 0x19, 0xb0, 0x42,
  0xa6, 0x3a, 0x9f, 0xd3, 0xef, 0x74, 0x88, 0xe0, 0x87, 0xbc, 0x69, 0xc6,
  0x72, 0xd5, 0x25, 0x44, 0xeb, 0xa7, 0xd3, 0x39, 0xbe, 0xbc, 0x95, 0x90,
  0x37, 0x55, 0x3a, 0x9e, 0x37, 0x02, 0x03, 0x01, 0x00, 0x01};

static int setup(void **state)
{
    /* As a library does that asks for randomness when it is loaded (libjose): OpenSSL's whole default provider is there. */
    return RAND_poll() == 1 && provider_install() == ERR_OK ? fixture_setup(state) : -1;
}

static void a_handshake_by_certificate_is_complete(void **state)
{
    (void)state;
    struct tls_ctx *ctx = fixture_ctx_cert();
    struct tls *t = server_new(ctx);
    struct peer p;
    peer_open(&p, &(struct peer_options){.cert = "client"});
    assert_int_equal(pump(t, &p), TLS_ESTABLISHED);
    struct keys_export exported;
    assert_int_equal(tls_export(t, "EXPORTER-oneM2M-Connection", &exported), ERR_OK);
    keys_export_wipe(&exported);
    tls_free(t);
    peer_close(&p);
    tls_ctx_free(ctx);
}

static void a_handshake_by_key_is_complete(void **state)
{
    (void)state;
    struct tls_ctx *ctx = fixture_ctx_psk();
    struct tls *t = server_new(ctx);
    struct peer p;
    peer_open(&p, &(struct peer_options){.identity = FIXTURE_IDENTITY, .key = FIXTURE_KEY});
    assert_int_equal(pump(t, &p), TLS_WANT_KEY);
    assert_int_equal(pump_answer(t, &p, FIXTURE_KEY), TLS_ESTABLISHED);
    tls_free(t);
    peer_close(&p);
    tls_ctx_free(ctx);
}

/* A certificate with such a key is refused by the profile, as it was when OpenSSL could read it. refuses R001-15 */
static void a_key_of_another_kind_is_not_read(void **state)
{
    (void)state;
    const unsigned char *p = rsa_spki;
    X509_PUBKEY *spki = d2i_X509_PUBKEY(NULL, &p, sizeof(rsa_spki));
    assert_non_null(spki);
    assert_null(X509_PUBKEY_get0(spki));
    assert_false(x509_key_is_p256(spki));
    X509_PUBKEY_free(spki);
    assert_null(EVP_RSA_gen(2048));
    assert_int_equal(provider_install(), ERR_OK); /* a second time: nothing */
}

static void a_curve_of_another_size_is_refused(void **state)
{
    (void)state;
    fixture_cert_make(&(struct fixture_cert){"p384", "ca", "P-384", "critical,digitalSignature", "DNS:ae.keystead.test",
                                             NULL, 0, -1, 1});
    struct tls_ctx *ctx = fixture_ctx_cert();
    struct tls *t = server_new(ctx);
    struct peer p;
    peer_open(&p, &(struct peer_options){.cert = "p384"});
    assert_int_equal(pump(t, &p), TLS_FAILED);
    assert_int_equal(tls_error(t), ERR_DENIED_CERT_KEY);
    tls_free(t);
    peer_close(&p);
    tls_ctx_free(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_handshake_by_certificate_is_complete),
        cmocka_unit_test(a_handshake_by_key_is_complete),
        cmocka_unit_test(a_key_of_another_kind_is_not_read),
        cmocka_unit_test(a_curve_of_another_size_is_refused),
    };
    return cmocka_run_group_tests(tests, setup, fixture_teardown);
}
