/*
 * Properties of the hierarchy that single values do not show: independence of targets, nothing left after a refusal,
 * the table of SUIDs, and a self-test that notices [R001-34, R001-35, R001-37, R001-53, R001-63].
 */
#include "keys/keys_gba.h"
#include "keys/keys.h"
#include "keys/keys_selftest.h"
#include "shell/crypto_openssl.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static struct key_ke made_up_ke(uint8_t fill)
{
    struct key_ke ke = {0};
    uint8_t b[KEYS_DERIVED_LEN];
    memset(b, fill, sizeof(b));
    assert_int_equal(secret_set(&ke.s, BYTES_ARRAY(b)), ERR_OK);
    return ke;
}

static void all_different(const struct secret *keys, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(keys[i].n, KEYS_DERIVED_LEN);
        for (size_t j = 0; j < i; j++) {
            assert_false(secret_eq(&keys[i], &keys[j]));
        }
    }
}

/* R001-63: different targets give different keys, and so do the different uses of one Ke. */
static void every_target_and_use_has_its_own_key(void **state)
{
    (void)state;
    const struct crypto *c = crypto_openssl();
    const struct key_ke ke = made_up_ke(0x4B), other = made_up_ke(0x4C);
    struct key_km km[3];
    struct key_kpsa kpsa[3];
    struct key_usage usage[3];
    assert_int_equal(keys_km_derive(c, &ke, text_of("maf.example"), &km[0]), ERR_OK);
    assert_int_equal(keys_km_derive(c, &ke, text_of("maf2.example"), &km[1]), ERR_OK);
    assert_int_equal(keys_km_derive(c, &other, text_of("maf.example"), &km[2]), ERR_OK);
    assert_int_equal(keys_kpsa_derive(c, &ke, text_of("//sp.example/cse01"), &kpsa[0]), ERR_OK);
    assert_int_equal(keys_kpsa_derive(c, &ke, text_of("//sp.example/cse02"), &kpsa[1]), ERR_OK);
    assert_int_equal(keys_kpsa_derive(c, &ke, text_of("//sp2.example/cse01"), &kpsa[2]), ERR_OK);
    assert_int_equal(keys_usage_derive(c, &ke, 21, text_of("maf.example"), &usage[0]), ERR_OK);
    assert_int_equal(keys_usage_derive(c, &ke, 22, text_of("maf.example"), &usage[1]), ERR_OK);
    assert_int_equal(keys_usage_derive(c, &ke, 21, text_of("1maf.example"), &usage[2]), ERR_OK);
    struct secret all[9];
    for (size_t i = 0; i < 3; i++) {
        all[i] = km[i].s;
        all[3 + i] = kpsa[i].s;
        all[6 + i] = usage[i].s;
    }
    all_different(all, ARRAY_LEN(all));
}

/* R001-37, R001-53: whoever derives, the result is the same. */
static void both_sides_get_the_same_key(void **state)
{
    (void)state;
    const struct key_ke enrolee = made_up_ke(0x11), mef = made_up_ke(0x11);
    struct key_km a, b;
    assert_int_equal(keys_km_derive(crypto_openssl(), &enrolee, text_of("maf.example"), &a), ERR_OK);
    assert_int_equal(keys_km_derive(crypto_openssl(), &mef, text_of("maf.example"), &b), ERR_OK);
    assert_true(secret_eq(&a.s, &b.s));
}

/* A failed derivation must not leave what was in *out before: a caller that forgets the error would use it. */
static void a_refusal_leaves_no_key(void **state)
{
    (void)state;
    const struct crypto *c = crypto_openssl();
    const struct key_ke ke = made_up_ke(0x22);
    struct key_ke none = {0};
    struct key_km km = {.s = ke.s};
    assert_int_equal(keys_km_derive(c, &none, text_of("maf.example"), &km), ERR_MALFORMED_KEY);
    assert_false(secret_is_set(&km.s));
    km.s = ke.s;
    assert_int_equal(keys_km_derive(c, &ke, text_span("maf\0.example", 12), &km), ERR_MALFORMED_ID);
    assert_false(secret_is_set(&km.s));
    assert_int_equal(keys_km_derive(c, &ke, text_of("maf\xFF"), &km), ERR_MALFORMED_ID);
    assert_int_equal(keys_km_derive(c, &ke, text_empty(), &km), ERR_MALFORMED_ID);
    struct key_kpsa kpsa = {.s = ke.s};
    assert_int_equal(keys_kpsa_derive(c, &ke, text_of("/cse01"), &kpsa), ERR_MALFORMED_ID);
    assert_false(secret_is_set(&kpsa.s));
    assert_int_equal(keys_kpsa_derive(c, &ke, text_of("//sp.example/a\nb"), &kpsa), ERR_MALFORMED_ID);
    struct key_usage usage = {.s = ke.s};
    assert_int_equal(keys_usage_derive(c, &ke, 31, text_of("maf.example"), &usage), ERR_MALFORMED_SUID);
    assert_false(secret_is_set(&usage.s));
    usage.s = ke.s;
    assert_int_equal(keys_usage_derive(c, &none, 21, text_of("maf.example"), &usage), ERR_MALFORMED_KEY);
    assert_false(secret_is_set(&usage.s));
}

static void ke2e_and_esprim_refuse(void **state)
{
    (void)state;
    const struct crypto *c = crypto_openssl();
    struct key_kpsa kpsa = {0};
    struct key_ke2e k;
    memset(&k, 0x33, sizeof(k));
    assert_int_equal(keys_ke2e_derive(c, &kpsa, bytes_empty(), &k), ERR_MALFORMED_KEY);
    assert_false(secret_is_set(&k.master) || secret_is_set(&k.att_conf));
    kpsa.s = made_up_ke(0x33).s;
    const uint8_t salt[SECRET_MAX + 1] = {1};
    assert_int_equal(keys_ke2e_derive(c, &kpsa, BYTES_ARRAY(salt), &k), ERR_MALFORMED_KEY);
    assert_int_equal(keys_ke2e_derive(c, &kpsa, bytes_of(salt, SECRET_MAX), &k), ERR_OK);
    const struct secret all[] = {k.master, k.msg_auth, k.msg_conf, k.att_auth, k.att_conf};
    all_different(all, ARRAY_LEN(all));
    keys_ke2e_wipe(&k);
    assert_false(secret_is_set(&k.master) || secret_is_set(&k.att_conf));
    struct key_esprim_pairwise pairwise = {.s = kpsa.s};
    struct key_esprim_session session = {.s = kpsa.s};
    assert_int_equal(keys_esprim_derive(c, &pairwise, text_empty(), text_of("rb"), &session), ERR_MISSING);
    assert_false(secret_is_set(&session.s));
    assert_int_equal(keys_esprim_derive(c, &pairwise, text_of("ra"), text_empty(), &session), ERR_MISSING);
    pairwise.s.n = KEYS_PROVISIONED_MIN - 1;
    assert_int_equal(keys_esprim_derive(c, &pairwise, text_of("ra"), text_of("rb"), &session), ERR_MALFORMED_KEY);
}

static void an_export_that_was_not_made_gives_no_key(void **state)
{
    (void)state;
    struct keys_export x = {{1}, false};
    struct keys_relative id;
    struct key_ke ke = made_up_ke(0x44);
    struct key_kc kc = {.s = ke.s};
    assert_int_equal(keys_ke_split(&x, &ke, &id), ERR_STATE);
    assert_false(secret_is_set(&ke.s));
    assert_int_equal(keys_kc_split(&x, &kc, &id), ERR_STATE);
    assert_false(secret_is_set(&kc.s));
    x.set = true;
    assert_int_equal(keys_kc_split(&x, &kc, &id), ERR_OK);
    assert_int_equal(id.b[0], 1);
    keys_export_wipe(&x);
    assert_int_equal(x.b[0], 0);
    assert_false(x.set);
}

static void suids_are_those_of_the_table(void **state)
{
    (void)state;
    static const char table[] = " 10 11 12 13 14 15 21 22 23 24 25 32 33 34 35 40 41 42 43 44 45 "; /* TS-0004 6.3.4.2.39 */
    for (unsigned suid = 0; suid < 1000; suid++) {
        char word[8];
        struct writer w = WRITER_ARRAY(word);
        writer_z(&w, " ");
        writer_decimal(&w, suid);
        writer_z(&w, " ");
        assert_int_equal(writer_finish_z(&w), ERR_OK);
        assert_int_equal(keys_usage_is_suid(suid), strstr(table, word) != NULL);
    }
    assert_false(keys_usage_is_suid(256 + 21));
}

/* -- the self-test --------------------------------------------------------------------------------------- */

static struct {
    unsigned calls;
    unsigned spoil; /* the call whose result is changed */
} spoiled;

static err_t spoiled_hmac(struct bytes key, const struct bytes *parts, size_t count, uint8_t out[CRYPTO_HASH_LEN])
{
    err_t e = crypto_openssl()->hmac_sha256(key, parts, count, out);
    out[0] ^= spoiled.calls++ == spoiled.spoil ? 1 : 0;
    return e;
}

static void selftest_notices_each_wrong_result(void **state)
{
    (void)state;
    struct crypto c = *crypto_openssl();
    const char *failed = "?";
    assert_int_equal(keys_selftest_run(&c, &failed), ERR_OK);
    assert_null(failed);
    c.hmac_sha256 = spoiled_hmac;
    spoiled.spoil = 1000;
    spoiled.calls = 0;
    assert_int_equal(keys_selftest_run(&c, NULL), ERR_OK);
    const unsigned calls = spoiled.calls;
    assert_true(calls > 8);
    for (unsigned i = 0; i < calls; i++) {
        spoiled.calls = 0;
        spoiled.spoil = i;
        assert_int_equal(keys_selftest_run(&c, &failed), ERR_CRYPTO_SELFTEST);
        assert_non_null(failed);
    }
}

/* What an open challenge waits for, as one value: it comes apart as it was, and nothing else is taken. */
static void answers(void **state)
{
    (void)state;
    uint8_t b[48];
    struct key_res res = {0}, res2 = {0};
    struct key_ck ck = {0}, ck2 = {0};
    struct key_ik ik = {0}, ik2 = {0};
    struct key_answer all = {0};
    for (size_t i = 0; i < sizeof(b); i++) {
        b[i] = (uint8_t)i;
    }
    assert_int_equal(secret_set(&ck.s, bytes_of(b, 16)), ERR_OK);
    assert_int_equal(secret_set(&ik.s, bytes_of(b + 16, 16)), ERR_OK);
    assert_int_equal(keys_answer_join(&res, &ck, &ik, &all), ERR_MALFORMED_KEY);
    for (size_t n = 4; n <= 16; n++) {
        assert_int_equal(secret_set(&res.s, bytes_of(b + 32, n)), ERR_OK);
        assert_int_equal(keys_answer_join(&res, &ck, &ik, &all), ERR_OK);
        assert_int_equal(keys_answer_split(&all, &res2, &ck2, &ik2), ERR_OK);
        assert_true(secret_eq(&res.s, &res2.s) && secret_eq(&ck.s, &ck2.s) && secret_eq(&ik.s, &ik2.s));
    }
    assert_int_equal(secret_set(&all.s, bytes_of(b, 35)), ERR_OK);
    assert_int_equal(keys_answer_split(&all, &res2, &ck2, &ik2), ERR_MALFORMED_KEY);
    assert_int_equal(secret_set(&ck.s, bytes_of(b, 15)), ERR_OK);
    assert_int_equal(keys_answer_join(&res, &ck, &ik, &all), ERR_MALFORMED_KEY);
}

/* RAND says whose it is to the key that made it, and to no other. */
static void numbers_in_rand(void **state)
{
    (void)state;
    const struct crypto *c = crypto_openssl();
    static const uint64_t numbers[] = {1, 0x0123456789, KEYS_RAND_NUMBER_MAX};
    struct key_rand k = {0}, other = {0};
    struct aka_rand rand = {{0}};
    uint64_t got = 0;
    assert_int_equal(secret_set(&k.s, bytes_of("made-up-made-up-", 16)), ERR_OK);
    assert_int_equal(secret_set(&other.s, bytes_of("made-up-made-up+", 16)), ERR_OK);
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
        rand.b[0] = (uint8_t)i;
        assert_int_equal(keys_rand_name(c, &k, numbers[i], &rand), ERR_OK);
        assert_int_equal(keys_rand_number(c, &k, &rand, &got), ERR_OK);
        assert_true(got == numbers[i] && rand.b[0] == i);
        assert_int_equal(keys_rand_number(c, &other, &rand, &got), ERR_OK);
        assert_true(got != numbers[i]);
        rand.b[0] ^= 1;
        assert_int_equal(keys_rand_number(c, &k, &rand, &got), ERR_OK);
        assert_true(got != numbers[i]);
    }
    assert_int_equal(keys_rand_name(c, &k, KEYS_RAND_NUMBER_MAX + 1, &rand), ERR_BUG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_target_and_use_has_its_own_key),
        cmocka_unit_test(both_sides_get_the_same_key),
        cmocka_unit_test(a_refusal_leaves_no_key),
        cmocka_unit_test(ke2e_and_esprim_refuse),
        cmocka_unit_test(an_export_that_was_not_made_gives_no_key),
        cmocka_unit_test(suids_are_those_of_the_table),
        cmocka_unit_test(selftest_notices_each_wrong_result),
        cmocka_unit_test(answers),
        cmocka_unit_test(numbers_in_rand),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
