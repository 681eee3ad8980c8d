/* The provider on libcrypto: refusals, limits, and properties that a known answer does not show. */
#include "shell/crypto_openssl.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <threads.h>

#include <cmocka.h>

static const uint8_t key[CRYPTO_KEY_LEN] = {0x6b, 0x65, 0x79};
static const uint8_t nonce[CRYPTO_NONCE_LEN] = {0x6e};

static void hmac_takes_keys_of_1_to_64_octets(void **state)
{
    (void)state;
    const struct crypto *c = crypto_openssl();
    const uint8_t longest[SECRET_MAX + 1] = {7};
    uint8_t a[CRYPTO_HASH_LEN], b[CRYPTO_HASH_LEN];
    assert_int_equal(c->hmac_sha256(bytes_empty(), NULL, 0, a), ERR_MALFORMED_KEY);
    assert_int_equal(c->hmac_sha256(bytes_of(longest, SECRET_MAX + 1), NULL, 0, a), ERR_MALFORMED_KEY);
    assert_int_equal(c->hmac_sha256(bytes_of(longest, SECRET_MAX), NULL, 0, a), ERR_OK);
    /* RFC 2104 pads with zeros up to the block of 64: a prefix of the key and the whole are one key here. */
    assert_int_equal(c->hmac_sha256(bytes_of(longest, 1), NULL, 0, b), ERR_OK);
    assert_memory_equal(a, b, sizeof(a));
}

static void hmac_is_the_same_for_every_split(void **state)
{
    (void)state;
    const struct crypto *c = crypto_openssl();
    static const char msg[] = "the parts follow one after another, without lengths between";
    uint8_t whole[CRYPTO_HASH_LEN], split[CRYPTO_HASH_LEN];
    const struct bytes all = text_bytes(text_of(msg));
    assert_int_equal(c->hmac_sha256(BYTES_ARRAY(key), &all, 1, whole), ERR_OK);
    for (size_t i = 0; i <= all.n; i++) {
        const struct bytes parts[] = {bytes_of(all.p, i), bytes_of(all.p + i, all.n - i)};
        assert_int_equal(c->hmac_sha256(BYTES_ARRAY(key), parts, 2, split), ERR_OK);
        assert_memory_equal(whole, split, sizeof(whole));
    }
}

static void aead_refuses_wrong_lengths(void **state)
{
    (void)state;
    const struct crypto *c = crypto_openssl();
    uint8_t buf[64];
    struct writer w = WRITER_ARRAY(buf);
    const struct bytes k = BYTES_ARRAY(key), n = BYTES_ARRAY(nonce), empty = bytes_empty();
    assert_int_equal(c->aead_seal(bytes_of(key, 31), n, empty, empty, &w), ERR_MALFORMED_KEY);
    assert_int_equal(c->aead_seal(k, bytes_of(nonce, 11), empty, empty, &w), ERR_CRYPTO);
    assert_int_equal(c->aead_open(bytes_of(key, 15), n, empty, empty, &w), ERR_MALFORMED_KEY);
    assert_int_equal(c->aead_open(k, empty, empty, empty, &w), ERR_CRYPTO);
    assert_int_equal(w.n, 0);
    uint8_t small[8];
    w = WRITER_ARRAY(small);
    assert_int_equal(c->aead_seal(k, n, empty, bytes_of("x", 1), &w), ERR_LIMIT_SIZE);
}

static void aead_open_refuses_each_changed_or_missing_octet(void **state)
{
    (void)state;
    const struct crypto *c = crypto_openssl();
    uint8_t sealed[5 + CRYPTO_TAG_LEN];
    struct writer w = WRITER_ARRAY(sealed);
    const struct bytes k = BYTES_ARRAY(key), n = BYTES_ARRAY(nonce), aad = bytes_of("record", 6);
    assert_int_equal(c->aead_seal(k, n, aad, bytes_of("hello", 5), &w), ERR_OK);
    assert_int_equal(w.n, sizeof(sealed));
    uint8_t back[8];
    for (size_t cut = 0; cut < sizeof(sealed); cut++) {
        memset(back, 0x55, sizeof(back));
        w = WRITER_ARRAY(back);
        assert_int_equal(c->aead_open(k, n, aad, bytes_of(sealed, cut), &w), ERR_CRYPTO_UNSEAL);
        assert_int_equal(w.n, 0);
    }
    for (size_t i = 0; i < sizeof(sealed); i++) {
        sealed[i] ^= 0x10;
        w = WRITER_ARRAY(back);
        assert_int_equal(c->aead_open(k, n, aad, BYTES_ARRAY(sealed), &w), ERR_CRYPTO_UNSEAL);
        assert_int_equal(w.n, 0);
        assert_memory_not_equal(back, "hello", 5); /* nothing that did not authenticate is left */
        sealed[i] ^= 0x10;
    }
    assert_int_equal(c->aead_open(k, n, bytes_of("other!", 6), BYTES_ARRAY(sealed), &w), ERR_CRYPTO_UNSEAL);
    w = WRITER_ARRAY(back);
    assert_int_equal(c->aead_open(k, n, aad, BYTES_ARRAY(sealed), &w), ERR_OK);
    assert_memory_equal(back, "hello", 5);
}

static void aead_appends(void **state)
{
    (void)state;
    const struct crypto *c = crypto_openssl();
    uint8_t buf[64];
    struct writer w = WRITER_ARRAY(buf);
    writer_z(&w, "head");
    assert_int_equal(c->aead_seal(BYTES_ARRAY(key), BYTES_ARRAY(nonce), bytes_empty(), bytes_empty(), &w), ERR_OK);
    assert_int_equal(w.n, 4 + CRYPTO_TAG_LEN); /* an empty text is a tag alone */
    assert_memory_equal(buf, "head", 4);
    assert_int_equal(c->aead_open(BYTES_ARRAY(key), BYTES_ARRAY(nonce), bytes_empty(), bytes_of(buf + 4, 16), &w), ERR_OK);
    assert_int_equal(w.n, 20);
}

static void a_key_that_is_kept_seals_as_one_that_is_not(void **state)
{
    (void)state;
    const struct crypto *c = crypto_openssl();
    const struct bytes k = BYTES_ARRAY(key), n = BYTES_ARRAY(nonce), aad = bytes_of("record", 6);
    struct crypto_aead *kept = NULL;
    uint8_t a[64], b[64];
    struct writer by_kept = WRITER_ARRAY(a), fresh = WRITER_ARRAY(b);
    assert_int_equal(c->aead_keep(bytes_of(key, 16), &kept), ERR_MALFORMED_KEY);
    assert_null(kept);
    assert_int_equal(c->aead_keep(k, &kept), ERR_OK);
    for (int i = 0; i < 2; i++) { /* the second time the context was used before */
        by_kept.n = fresh.n = 0;
        assert_int_equal(c->aead_kept_seal(kept, n, aad, bytes_of("hello", 5), &by_kept), ERR_OK);
        assert_int_equal(c->aead_seal(k, n, aad, bytes_of("hello", 5), &fresh), ERR_OK);
        assert_true(bytes_eq(writer_view(&by_kept), writer_view(&fresh)));
    }
    assert_int_equal(c->aead_kept_seal(kept, bytes_of(nonce, 11), aad, aad, &by_kept), ERR_CRYPTO);
    assert_int_equal(c->aead_kept_open(kept, bytes_empty(), aad, aad, &by_kept), ERR_CRYPTO);
    uint8_t small[8];
    struct writer w = WRITER_ARRAY(small);
    assert_int_equal(c->aead_kept_seal(kept, n, aad, bytes_of("x", 1), &w), ERR_LIMIT_SIZE);
    w = WRITER_ARRAY(small);
    for (size_t i = 0; i < fresh.n; i++) {
        b[i] ^= 0x10;
        assert_int_equal(c->aead_kept_open(kept, n, aad, writer_view(&fresh), &w), ERR_CRYPTO_UNSEAL);
        assert_int_equal(w.n, 0);
        assert_memory_not_equal(small, "hello", 5);
        b[i] ^= 0x10;
    }
    assert_int_equal(c->aead_kept_open(kept, n, aad, writer_view(&fresh), &w), ERR_OK);
    assert_memory_equal(small, "hello", 5);
    c->aead_drop(kept);
    c->aead_drop(NULL);
}

/* Threads that meet at one kept key: each seals and opens its own octets under its own nonce. */
static int hammer_kept(void *arg)
{
    struct crypto_aead *kept = arg;
    const struct crypto *c = crypto_openssl();
    int wrong = 0;
    for (int i = 0; i < 500; i++) {
        uint8_t own[CRYPTO_NONCE_LEN], buf[64];
        struct writer sealed = WRITER_ARRAY(buf), open = writer_of(buf + 32, 32);
        wrong += c->random(own, sizeof(own)) != ERR_OK;
        wrong += c->aead_kept_seal(kept, BYTES_ARRAY(own), bytes_empty(), BYTES_ARRAY(own), &sealed) != ERR_OK;
        wrong += c->aead_kept_open(kept, BYTES_ARRAY(own), bytes_empty(), writer_view(&sealed), &open) != ERR_OK;
        wrong += !bytes_eq(writer_view(&open), BYTES_ARRAY(own));
    }
    return wrong;
}

static void threads_may_share_a_kept_key(void **state)
{
    (void)state;
    struct crypto_aead *kept = NULL;
    thrd_t t[4];
    assert_int_equal(crypto_openssl()->aead_keep(BYTES_ARRAY(key), &kept), ERR_OK);
    for (size_t i = 0; i < ARRAY_LEN(t); i++) {
        assert_int_equal(thrd_create(&t[i], hammer_kept, kept), thrd_success);
    }
    for (size_t i = 0; i < ARRAY_LEN(t); i++) {
        int wrong = -1;
        assert_int_equal(thrd_join(t[i], &wrong), thrd_success);
        assert_int_equal(wrong, 0);
    }
    crypto_openssl()->aead_drop(kept);
}

static void signatures_refuse_wrong_lengths_and_octets(void **state)
{
    (void)state;
    const struct crypto *c = crypto_openssl();
    uint8_t pub[CRYPTO_SIG_KEY_LEN], sig[CRYPTO_SIG_LEN];
    const struct bytes msg = bytes_of("checkpoint", 10);
    assert_int_equal(c->sign(bytes_of(key, 31), msg, sig), ERR_MALFORMED_KEY);
    assert_int_equal(c->sign_public(bytes_empty(), pub), ERR_MALFORMED_KEY);
    assert_int_equal(c->sign_public(BYTES_ARRAY(key), pub), ERR_OK);
    assert_int_equal(c->sign(BYTES_ARRAY(key), msg, sig), ERR_OK);
    assert_int_equal(c->verify(BYTES_ARRAY(pub), msg, BYTES_ARRAY(sig)), ERR_OK);
    assert_int_equal(c->verify(BYTES_ARRAY(pub), msg, bytes_of(sig, 63)), ERR_CRYPTO);
    assert_int_equal(c->verify(bytes_of(pub, 31), msg, BYTES_ARRAY(sig)), ERR_CRYPTO);
    assert_int_equal(c->verify(BYTES_ARRAY(key), msg, BYTES_ARRAY(sig)), ERR_CRYPTO);
    for (size_t i = 0; i < sizeof(sig); i++) {
        sig[i] ^= 1;
        assert_int_equal(c->verify(BYTES_ARRAY(pub), msg, BYTES_ARRAY(sig)), ERR_CRYPTO);
        sig[i] ^= 1;
    }
}

static void nfkc_refuses_what_is_not_utf8(void **state)
{
    (void)state;
    static const char *const bad[] = {"\x80", "\xC3", "a\xC3(", "\xE2\x82", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\xFF"};
    char buf[64];
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct writer w = WRITER_ARRAY(buf);
        assert_int_equal(crypto_openssl()->nfkc(text_of(bad[i]), &w), ERR_MALFORMED_ID);
        assert_int_equal(w.n, 0);
    }
}

static void nfkc_folds_compatibility_forms_and_says_when_it_does_not_fit(void **state)
{
    (void)state;
    char buf[64];
    struct writer w = WRITER_ARRAY(buf);
    assert_int_equal(crypto_openssl()->nfkc(text_of("\xEF\xBC\xA1\xE2\x84\xAB\xEF\xAC\x81"), &w), ERR_OK);
    assert_true(text_eq_z(writer_view_text(&w), "A\xC3\x85" "fi")); /* U+FF21, U+212B, U+FB01 */
    w = writer_of(buf, 3);
    assert_int_equal(crypto_openssl()->nfkc(text_of("\xEF\xB7\xBA"), &w), ERR_LIMIT_SIZE); /* U+FDFA: 18 characters */
    w = writer_of(buf, 3);
    assert_int_equal(crypto_openssl()->nfkc(text_of("abcd"), &w), ERR_LIMIT_SIZE);
    w = WRITER_ARRAY(buf);
    assert_int_equal(crypto_openssl()->nfkc(text_empty(), &w), ERR_OK);
    assert_int_equal(w.n, 0);
}

static int hammer(void *arg)
{
    (void)arg;
    const struct crypto *c = crypto_openssl();
    uint8_t first[CRYPTO_HASH_LEN], again[CRYPTO_HASH_LEN], hashed[CRYPTO_HASH_LEN];
    const struct bytes part = bytes_of("x", 1);
    int wrong = c->hmac_sha256(BYTES_ARRAY(key), &part, 1, first) != ERR_OK;
    wrong += c->sha256(BYTES_ARRAY(key), hashed) != ERR_OK;
    for (int i = 0; i < 500; i++) {
        wrong += c->hmac_sha256(BYTES_ARRAY(key), &part, 1, again) != ERR_OK || memcmp(first, again, sizeof(first)) != 0;
        wrong += c->sha256(BYTES_ARRAY(key), again) != ERR_OK || memcmp(hashed, again, sizeof(hashed)) != 0;
    }
    return wrong;
}

static void several_threads_may_use_it(void **state)
{
    (void)state;
    thrd_t t[4];
    for (size_t i = 0; i < ARRAY_LEN(t); i++) {
        assert_int_equal(thrd_create(&t[i], hammer, NULL), thrd_success);
    }
    for (size_t i = 0; i < ARRAY_LEN(t); i++) {
        int wrong = -1;
        assert_int_equal(thrd_join(t[i], &wrong), thrd_success);
        assert_int_equal(wrong, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(several_threads_may_use_it), /* first: the threads race to fetch */
        cmocka_unit_test(hmac_takes_keys_of_1_to_64_octets),
        cmocka_unit_test(hmac_is_the_same_for_every_split),
        cmocka_unit_test(aead_refuses_wrong_lengths),
        cmocka_unit_test(aead_open_refuses_each_changed_or_missing_octet),
        cmocka_unit_test(aead_appends),
        cmocka_unit_test(a_key_that_is_kept_seals_as_one_that_is_not),
        cmocka_unit_test(threads_may_share_a_kept_key),
        cmocka_unit_test(signatures_refuse_wrong_lengths_and_octets),
        cmocka_unit_test(nfkc_refuses_what_is_not_utf8),
        cmocka_unit_test(nfkc_folds_compatibility_forms_and_says_when_it_does_not_fit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
