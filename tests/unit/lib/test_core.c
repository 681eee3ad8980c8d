/* Both in one program: every key of the library is the core's, for a thousand exports and every SUID. */
#include "keys/keyid.h"
#include "shell/crypto_openssl.h"

#include <keystead/keystead.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static int hmac(void *ctx, keystead_octets key, const keystead_octets *parts, size_t count, uint8_t out[32])
{
    struct bytes mine[8];
    (void)ctx;
    for (size_t i = 0; i < count; i++) {
        mine[i] = bytes_of(parts[i].p, parts[i].n);
    }
    return crypto_openssl()->hmac_sha256(bytes_of(key.p, key.n), mine, count, out) == ERR_OK ? 0 : 1;
}

static const keystead_crypto crypto = {.hmac_sha256 = hmac, .nfkc = NULL, .ctx = NULL};

static void same(const keystead_key *a, const struct secret *b)
{
    assert_int_equal(b->n, sizeof(a->b));
    assert_memory_equal(a->b, b->b, sizeof(a->b));
}

static void same_below_ke(const keystead_key *ke, const struct key_ke *core_ke, unsigned round)
{
    char fqdn[64], absolute[64];
    const struct crypto *c = crypto_openssl();
    keystead_key k;
    struct key_km km = {0};
    struct key_kpsa kpsa = {0};
    (void)snprintf(fqdn, sizeof(fqdn), "maf%u.example.com", round);
    (void)snprintf(absolute, sizeof(absolute), "//sp%u.example.com/in", round);
    assert_int_equal(keystead_km(&crypto, ke, fqdn, &k), KEYSTEAD_OK);
    assert_int_equal(keys_km_usage(c, core_ke, text_of(fqdn), &km), ERR_OK);
    same(&k, &km.s);
    assert_int_equal(keystead_km_seed(&crypto, ke, fqdn, &k), KEYSTEAD_OK);
    assert_int_equal(keys_km_derive(c, core_ke, text_of(fqdn), &km), ERR_OK);
    same(&k, &km.s);
    assert_int_equal(keystead_kpsa(&crypto, ke, absolute, &k), KEYSTEAD_OK);
    assert_int_equal(keys_kpsa_derive(c, core_ke, text_of(absolute), &kpsa), ERR_OK);
    same(&k, &kpsa.s);
}

static void every_key(void **state)
{
    (void)state;
    for (unsigned round = 0; round < 1000; round++) {
        struct keys_export x = {.set = true};
        struct keys_relative relative;
        struct key_ke core_ke = {0};
        struct key_kc core_kc = {0};
        struct keyid core_id;
        keystead_key k;
        keystead_id id;
        assert_int_equal(crypto_openssl()->random(x.b, sizeof(x.b)), ERR_OK);
        assert_int_equal(keys_kc_split(&x, &core_kc, &relative), ERR_OK);
        assert_int_equal(keystead_kc(x.b, "m.example", &k, &id), KEYSTEAD_OK);
        same(&k, &core_kc.s);
        assert_int_equal(keys_ke_split(&x, &core_ke, &relative), ERR_OK);
        assert_int_equal(keystead_ke(x.b, "m.example", &k, &id), KEYSTEAD_OK);
        same(&k, &core_ke.s);
        assert_int_equal(keyid_of_relative(&relative, text_of("m.example"), &core_id), ERR_OK);
        assert_string_equal(id.z, core_id.z);
        same_below_ke(&k, &core_ke, round);
    }
}

static void every_suid(void **state)
{
    (void)state;
    struct key_ke core_ke = {0};
    const keystead_key ke = {.b = {1, 2, 3}};
    assert_int_equal(secret_set(&core_ke.s, BYTES_ARRAY(ke.b)), ERR_OK);
    for (unsigned suid = 0; suid < 100; suid++) {
        keystead_key k;
        struct key_usage core = {0};
        err_t e = keys_usage_derive(crypto_openssl(), &core_ke, suid, text_of("t.example"), &core);
        keystead_result r = keystead_usage_key(&crypto, &ke, suid, "t.example", &k);
        assert_int_equal(r, e == ERR_OK ? KEYSTEAD_OK : KEYSTEAD_BAD_SUID);
        if (e == ERR_OK) {
            same(&k, &core.s);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_key), cmocka_unit_test(every_suid)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
