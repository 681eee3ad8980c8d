/* OpenSSL with the kinds of key that our profiles use and no others: all that a server does still works. */
#include "shell/provider.h"

#include "base/hex.h"
#include "shell/provider_selftest.h"
#include "tls_fixture.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/provider.h>
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

/* -- the PRF of TLS 1.2 ---------------------------------------------------------------------------------- */
#define PRF_OUT_MAX 200
#define PRF_SEED_LABEL 13

struct prf_case {
    const char *digest;
    size_t secret_n, seed_n, out_n;
    bool apart; /* the parameters first, the derivation after */
};

/* 1 done, 0 refused; in = NULL: as the servers have it. */
static int prf(OSSL_LIB_CTX *in, const struct prf_case *c, uint8_t out[static PRF_OUT_MAX])
{
    uint8_t secret[256], seed[256];
    for (size_t i = 0; i < sizeof(seed); i++) {
        secret[i] = (uint8_t)(i * 7 + 1);
        seed[i] = (uint8_t)(i * 3 + 5);
    }
    size_t label = c->seed_n < PRF_SEED_LABEL ? c->seed_n : PRF_SEED_LABEL;
    const OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, (char *)(uintptr_t)c->digest, 0),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SECRET, secret, c->secret_n),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SEED, seed, label),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SEED, NULL, 0),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SEED, seed + label, c->seed_n - label),
        OSSL_PARAM_construct_end(),
    };
    EVP_KDF *kdf = EVP_KDF_fetch(in, "TLS1-PRF", NULL);
    EVP_KDF_CTX *ctx = EVP_KDF_CTX_new(kdf);
    assert_non_null(ctx);
    memset(out, 0, PRF_OUT_MAX);
    int done = c->apart ? EVP_KDF_CTX_set_params(ctx, params) == 1 && EVP_KDF_derive(ctx, out, c->out_n, NULL) == 1
                        : EVP_KDF_derive(ctx, out, c->out_n, params) == 1;
    EVP_KDF_CTX_free(ctx);
    EVP_KDF_free(kdf);
    return done;
}

static void prf_check(OSSL_LIB_CTX *reference, const struct prf_case *c)
{
    uint8_t ours[PRF_OUT_MAX], theirs[PRF_OUT_MAX];
    assert_int_equal(prf(NULL, c, ours), prf(reference, c, theirs));
    assert_memory_equal(ours, theirs, sizeof(ours));
}

/* OpenSSL's own in a context beside ours: the same octets, whatever the lengths, and the same refusals. */
static void the_prf_is_that_of_openssl(void **state)
{
    static const size_t secrets[] = {1, 32, 48, 63, 64, 65, 132};
    static const size_t seeds[] = {1, 13, 77, 200};
    static const size_t outs[] = {1, 12, 31, 32, 33, 48, 96, PRF_OUT_MAX};
    (void)state;
    OSSL_LIB_CTX *reference = OSSL_LIB_CTX_new();
    OSSL_PROVIDER *theirs = OSSL_PROVIDER_load(reference, "default");
    for (size_t i = 0; i < ARRAY_LEN(secrets) * ARRAY_LEN(seeds) * ARRAY_LEN(outs); i++) {
        struct prf_case c = {.digest = "SHA2-256", .secret_n = secrets[i % 7], .seed_n = seeds[i / 7 % 4], .out_n = outs[i / 28]};
        prf_check(reference, &c);
        c.digest = i % 2 == 0 ? "SHA2-384" : "MD5-SHA1";
        prf_check(reference, &c);
        c.apart = true;
        prf_check(reference, &c);
    }
    const struct prf_case refused[] = {{"SHA2-256", 48, 0, 12, false}, {"SHA2-256", 48, 13, 0, false}, {"none", 48, 13, 12, false}};
    for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
        uint8_t out[PRF_OUT_MAX];
        assert_int_equal(prf(NULL, &refused[i], out), 0);
        prf_check(reference, &refused[i]);
    }
    OSSL_PROVIDER_unload(theirs);
    OSSL_LIB_CTX_free(reference);
}

/* RFC 5246 has no test vector; this one was posted to the TLS working group (msg03416). */
static void the_prf_gives_the_published_octets(void **state)
{
    static const char secret[] = "9bbe436ba940f017b17652849a71db35", seed[] = "a0ba9f936cda311827a6f796ffd5198c";
    static const char want[] = "e3f229ba727be17b8d122620557cd453c2aab21d07c3d495329b52d4e61edb5a6b301791e90d35c9c9a46b4e14baf9af"
                               "0fa022f7077def17abfd3797c0564bab4fbc91666e9def9b97fce34f796789baa48082d122ee42c5a72e5a5110fff701"
                               "87347b66";
    uint8_t key[16], tail[16], expected[100], out[100];
    (void)state;
    struct writer w = WRITER_ARRAY(key);
    assert_int_equal(hex_parse(text_of(secret), &w), ERR_OK);
    w = WRITER_ARRAY(tail);
    assert_int_equal(hex_parse(text_of(seed), &w), ERR_OK);
    w = WRITER_ARRAY(expected);
    assert_int_equal(hex_parse(text_of(want), &w), ERR_OK);
    char digest[] = "SHA256", label[] = "test label";
    const OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SECRET, key, sizeof(key)),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SEED, label, strlen(label)),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SEED, tail, sizeof(tail)),
        OSSL_PARAM_construct_end(),
    };
    EVP_KDF *kdf = EVP_KDF_fetch(NULL, "TLS1-PRF", NULL);
    EVP_KDF_CTX *ctx = EVP_KDF_CTX_new(kdf);
    assert_int_equal(EVP_KDF_derive(ctx, out, sizeof(out), params), 1);
    assert_memory_equal(out, expected, sizeof(out));
    assert_true(EVP_KDF_CTX_get_kdf_size(ctx) > 0);
    assert_non_null(EVP_KDF_CTX_settable_params(ctx));
    EVP_KDF_CTX_reset(ctx);
    assert_int_equal(EVP_KDF_derive(ctx, out, sizeof(out), params), 1); /* after a reset, ours again */
    assert_memory_equal(out, expected, sizeof(out));
    EVP_KDF_CTX_free(ctx);
    EVP_KDF_free(kdf);
}

/* -- the MAC of TLS records ------------------------------------------------------------------------------ */
#define MAC_MAX 64

struct mac_case {
    const char *digest;
    size_t key_n, text_n;
    size_t record_n; /* not 0: told before the message, as libssl does for a MAC inside CBC, which has to be of constant time */
};

#define TLS_HEAD 13 /* of a record, as its MAC sees it */

static bool tell_record(EVP_MD_CTX *ctx, const struct mac_case *c)
{
    size_t n = c->record_n;
    OSSL_PARAM params[] = {OSSL_PARAM_construct_size_t(OSSL_MAC_PARAM_TLS_DATA_SIZE, &n), OSSL_PARAM_construct_end()};
    return n == 0 || EVP_PKEY_CTX_set_params(EVP_MD_CTX_get_pkey_ctx(ctx), params) == 1;
}

/* As libssl does it: a keyed context, and for each record a copy that is ended. 0: refused. */
static size_t mac(OSSL_LIB_CTX *in, const struct mac_case *c, uint8_t out[static MAC_MAX])
{
    uint8_t key[256], text[512];
    size_t n = 0;
    for (size_t i = 0; i < sizeof(text); i++) {
        key[i % sizeof(key)] = (uint8_t)(i * 5 + 3);
        text[i] = (uint8_t)(i * 11 + 1);
    }
    memset(out, 0, MAC_MAX);
    EVP_PKEY *pkey = EVP_PKEY_new_raw_private_key_ex(in, "HMAC", NULL, key, c->key_n);
    EVP_MD_CTX *keyed = EVP_MD_CTX_new();
    bool ok = EVP_DigestSignInit_ex(keyed, NULL, c->digest, in, NULL, pkey, NULL) == 1;
    for (int round = 0; ok && round < 2; round++) { /* the second is not disturbed by the first */
        EVP_MD_CTX *one = EVP_MD_CTX_new();
        size_t half = c->record_n > 0 ? TLS_HEAD : c->text_n / 2;
        n = MAC_MAX;
        ok = EVP_MD_CTX_copy_ex(one, keyed) == 1 && tell_record(one, c) && EVP_DigestSignUpdate(one, text, half) == 1 &&
             EVP_DigestSignUpdate(one, text + half, c->text_n - half) == 1 && EVP_DigestSignFinal(one, out, &n) == 1;
        EVP_MD_CTX_free(one);
    }
    EVP_MD_CTX_free(keyed);
    EVP_PKEY_free(pkey);
    return ok ? n : 0;
}

static void mac_check(OSSL_LIB_CTX *reference, const struct mac_case *c)
{
    uint8_t ours[MAC_MAX], theirs[MAC_MAX];
    assert_int_equal(mac(NULL, c, ours), mac(reference, c, theirs));
    assert_memory_equal(ours, theirs, sizeof(ours));
}

static void the_mac_is_that_of_openssl(void **state)
{
    static const size_t keys[] = {1, 32, 63, 64, 65, 200};
    static const size_t texts[] = {0, 1, 13, 55, 56, 64, 77, 400};
    (void)state;
    uint8_t out[MAC_MAX];
    OSSL_LIB_CTX *reference = OSSL_LIB_CTX_new();
    OSSL_PROVIDER *theirs = OSSL_PROVIDER_load(reference, "default");
    for (size_t i = 0; i < ARRAY_LEN(keys) * ARRAY_LEN(texts); i++) {
        struct mac_case c = {"SHA2-256", keys[i % 6], texts[i / 6], 0};
        assert_int_equal(mac(NULL, &c, out), 32);
        mac_check(reference, &c);
        c.digest = i % 2 == 0 ? "SHA2-384" : "SHA1";
        mac_check(reference, &c);
    }
    for (size_t text = TLS_HEAD; text < 200; text++) {
        struct mac_case c = {"SHA2-256", 32, text, 256};
        assert_int_equal(mac(NULL, &c, out), 32);
        mac_check(reference, &c);
    }
    assert_int_equal(mac(NULL, &(struct mac_case){"none", 32, 13, 0}, out), 0);
    OSSL_PROVIDER_unload(theirs);
    OSSL_LIB_CTX_free(reference);
}

/* A buffer that is too small, and a context that never had a key, get nothing. */
static void a_mac_without_room_is_refused(void **state)
{
    (void)state;
    uint8_t key[32] = {1}, out[32];
    size_t n = 31;
    EVP_PKEY *pkey = EVP_PKEY_new_raw_private_key_ex(NULL, "HMAC", NULL, key, sizeof(key));
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    assert_int_equal(EVP_DigestSignInit_ex(ctx, NULL, "SHA256", NULL, NULL, pkey, NULL), 1);
    assert_int_equal(EVP_DigestSignUpdate(ctx, "made up", 7), 1);
    assert_int_not_equal(EVP_DigestSignFinal(ctx, out, &n), 1);
    n = 0;
    assert_int_equal(EVP_DigestSignFinal(ctx, NULL, &n), 1);
    assert_int_equal(n, 32);
    assert_int_equal(EVP_DigestSignFinal(ctx, out, &n), 1);
    EVP_MD_CTX_free(ctx);
    EVP_PKEY_free(pkey);
}

/* Where one of the two is missing, or another one stands in its place, nothing is served. */
static void the_self_test_sees_what_is_wrong(void **state)
{
    const char *failed = NULL;
    (void)state;
    assert_int_equal(provider_selftest_run(NULL, &failed), ERR_OK);
    OSSL_LIB_CTX *empty = OSSL_LIB_CTX_new();
    OSSL_PROVIDER *nothing = OSSL_PROVIDER_load(empty, "null");
    assert_int_equal(provider_selftest_run(empty, &failed), ERR_CRYPTO_SELFTEST);
    assert_string_equal(failed, "the PRF of TLS 1.2");
    OSSL_PROVIDER_unload(nothing);
    OSSL_LIB_CTX_free(empty);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_handshake_by_certificate_is_complete),
        cmocka_unit_test(a_handshake_by_key_is_complete),
        cmocka_unit_test(a_key_of_another_kind_is_not_read),
        cmocka_unit_test(a_curve_of_another_size_is_refused),
        cmocka_unit_test(the_prf_is_that_of_openssl),
        cmocka_unit_test(the_prf_gives_the_published_octets),
        cmocka_unit_test(the_mac_is_that_of_openssl),
        cmocka_unit_test(a_mac_without_room_is_refused),
        cmocka_unit_test(the_self_test_sees_what_is_wrong),
    };
    return cmocka_run_group_tests(tests, setup, fixture_teardown);
}
