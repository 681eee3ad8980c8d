/* The self-test passes on the true provider and notices each function that answers wrongly; kdf_hmac. */
#include "crypto/kdf.h"
#include "crypto/selftest.h"
#include "shell/crypto_openssl.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void passes_on_the_true_provider(void **state)
{
    (void)state;
    const char *failed = "?";
    assert_int_equal(selftest_run(crypto_openssl(), &failed), ERR_OK);
    assert_null(failed);
    assert_int_equal(selftest_run(crypto_openssl(), NULL), ERR_OK);
}

/* Wrong functions: each does the right thing and then spoils it, or forgets a check. */
static err_t bad_sha256(struct bytes in, uint8_t out[CRYPTO_HASH_LEN])
{
    err_t e = crypto_openssl()->sha256(in, out);
    out[31] ^= 1;
    return e;
}

static err_t bad_hmac(struct bytes key, const struct bytes *parts, size_t count, uint8_t out[CRYPTO_HASH_LEN])
{
    return crypto_openssl()->hmac_sha256(key, parts, count > 1 ? 1 : count, out); /* forgets the later parts */
}

static err_t bad_seal(struct bytes key, struct bytes nonce, struct bytes aad, struct bytes plain, struct writer *out)
{
    (void)aad;
    return crypto_openssl()->aead_seal(key, nonce, bytes_empty(), plain, out);
}

static err_t bad_open(struct bytes key, struct bytes nonce, struct bytes aad, struct bytes sealed, struct writer *out)
{
    err_t e = crypto_openssl()->aead_open(key, nonce, aad, sealed, out);
    return e == ERR_CRYPTO_UNSEAL ? ERR_OK : e; /* does not check the tag */
}

static err_t bad_sign(struct bytes seed, struct bytes msg, uint8_t sig[CRYPTO_SIG_LEN])
{
    err_t e = crypto_openssl()->sign(seed, msg, sig);
    sig[0] ^= 0x80;
    return e;
}

static err_t bad_public(struct bytes seed, uint8_t pub[CRYPTO_SIG_KEY_LEN])
{
    memcpy(pub, seed.p, CRYPTO_SIG_KEY_LEN);
    return ERR_OK;
}

static err_t bad_verify(struct bytes pub, struct bytes msg, struct bytes sig)
{
    (void)pub;
    (void)msg;
    (void)sig;
    return ERR_OK;
}

static err_t bad_random(uint8_t *out, size_t n)
{
    memset(out, 4, n); /* chosen by fair dice roll */
    return ERR_OK;
}

static err_t no_random(uint8_t *out, size_t n)
{
    (void)out;
    (void)n;
    return ERR_CRYPTO;
}

static err_t bad_aes(struct crypto_aes *k, struct bytes in, uint8_t *out)
{
    (void)k;
    memcpy(out, in.p, in.n);
    return ERR_OK;
}

/* MD5 for each of them. */
static err_t bad_hash(enum crypto_hash kind, const struct bytes *parts, size_t count, uint8_t out[CRYPTO_HASH_LEN])
{
    (void)kind;
    return crypto_openssl()->hash(CRYPTO_MD5, parts, count, out);
}

static err_t bad_hmac_md5(struct bytes key, struct bytes in, uint8_t out[CRYPTO_MD5_LEN])
{
    (void)key;
    (void)in;
    memset(out, 0, CRYPTO_MD5_LEN);
    return ERR_OK;
}

static err_t bad_nfkc(struct text in, struct writer *out)
{
    writer_text(out, in);
    return writer_finish(out);
}

static void each_wrong_function_is_named(void **state)
{
    (void)state;
    const struct crypto right = *crypto_openssl();
    struct crypto wrong[12];
    static const char *const names[] = {"sha256",  "hmac-sha256", "aes-256-gcm", "aes-256-gcm", "ed25519",
                                        "ed25519", "ed25519",     "random",      "nfkc",
                                        "aes-128", "hash",        "hmac-md5"};
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        wrong[i] = right;
    }
    wrong[0].sha256 = bad_sha256;
    wrong[1].hmac_sha256 = bad_hmac;
    wrong[2].aead_seal = bad_seal;
    wrong[3].aead_open = bad_open;
    wrong[4].sign = bad_sign;
    wrong[5].sign_public = bad_public;
    wrong[6].verify = bad_verify;
    wrong[7].random = bad_random;
    wrong[8].nfkc = bad_nfkc;
    wrong[9].aes_blocks = bad_aes;
    wrong[10].hash = bad_hash;
    wrong[11].hmac_md5 = bad_hmac_md5;
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        const char *failed = NULL;
        assert_int_equal(selftest_run(&wrong[i], &failed), ERR_CRYPTO_SELFTEST);
        assert_string_equal(failed, names[i]);
    }
    wrong[7].random = no_random;
    assert_int_equal(selftest_run(&wrong[7], NULL), ERR_CRYPTO_SELFTEST);
}

static void kdf_gives_32_octets_or_nothing(void **state)
{
    (void)state;
    SCOPED(secret_wipe) struct secret out = {{1}, 1};
    const struct bytes part = text_bytes(text_of("what do ya want for nothing?"));
    assert_int_equal(kdf_hmac(crypto_openssl(), text_bytes(text_of("Jefe")), &part, 1, &out), ERR_OK);
    assert_int_equal(out.n, 32);
    assert_memory_equal(secret_view(&out).p, "\x5b\xdc\xc1\x46\xbf\x60\x75\x4e", 8);
    assert_int_equal(kdf_hmac(crypto_openssl(), bytes_empty(), &part, 1, &out), ERR_MALFORMED_KEY);
    assert_false(secret_is_set(&out));
}

/* FC | P | L: the length stands behind [TS 33.220 B.2]. */
static void kdf_3gpp_is_hmac_of_parameters_and_lengths(void **state)
{
    (void)state;
    SCOPED(secret_wipe) struct secret a = {{0}, 0}, b = {{0}, 0};
    const struct bytes key = text_bytes(text_of("made-up"));
    const struct bytes p[KDF_3GPP_PARTS + 1] = {text_bytes(text_of("gba-me")), text_bytes(text_of(""))};
    const struct bytes whole = bytes_of("\x01gba-me\0\x06\0\0", 11);
    assert_int_equal(kdf_3gpp(crypto_openssl(), key, 1, p, 2, &a), ERR_OK);
    assert_int_equal(kdf_hmac(crypto_openssl(), key, &whole, 1, &b), ERR_OK);
    assert_true(secret_eq(&a, &b));
    assert_int_equal(kdf_3gpp(crypto_openssl(), key, 1, p, KDF_3GPP_PARTS + 1, &a), ERR_LIMIT_SIZE);
    assert_false(secret_is_set(&a));
}

static void hash_kinds_and_keys_outside_the_table_are_refused(void **state)
{
    (void)state;
    const struct crypto *c = crypto_openssl();
    uint8_t out[CRYPTO_HASH_LEN];
    assert_int_equal(c->hash(CRYPTO_HASHES, NULL, 0, out), ERR_CRYPTO);
    assert_int_equal(crypto_hash_len(CRYPTO_HASHES), 0);
    assert_int_equal(c->hmac_md5(bytes_empty(), bytes_empty(), out), ERR_MALFORMED_KEY);
    assert_int_equal(crypto_aes128(c, bytes_of(out, 15), bytes_of(out, 16), out), ERR_MALFORMED_KEY);
    assert_int_equal(crypto_aes128(c, bytes_of(out, 16), bytes_of(out, 17), out), ERR_CRYPTO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(passes_on_the_true_provider),
        cmocka_unit_test(each_wrong_function_is_named),
        cmocka_unit_test(kdf_gives_32_octets_or_nothing),
        cmocka_unit_test(kdf_3gpp_is_hmac_of_parameters_and_lengths),
        cmocka_unit_test(hash_kinds_and_keys_outside_the_table_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
