/* The association procedure as a firmware has it: the installed header, the archive, its own HMAC. */
#include <keystead/association.h>

#include <openssl/hmac.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define NOW INT64_C(1900000000)
#define CSE_A "//sp.example.com/a"
#define CSE_B "//sp.example.com/b"
#define AE_1 CSE_A "/Cmeter"
#define AE_2 CSE_A "/CMETER"

static int hmac(void *ctx, keystead_octets key, const keystead_octets *parts, size_t count, uint8_t out[32])
{
    uint8_t message[1024];
    size_t n = 0;
    unsigned got = 0;
    (void)ctx;
    for (size_t i = 0; i < count; i++) {
        assert_true(n + parts[i].n <= sizeof(message));
        memcpy(message + n, parts[i].p, parts[i].n);
        n += parts[i].n;
    }
    return HMAC(EVP_sha256(), key.p, (int)key.n, message, n, out, &got) != NULL && got == 32 ? 0 : -1;
}

static const keystead_crypto crypto = {.hmac_sha256 = hmac, .nfkc = NULL, .ctx = NULL};
static const keystead_key km = {.b = {1, 2, 3}}, other = {.b = {3, 2, 1}};

static keystead_association_input whole(void)
{
    return (keystead_association_input){.self = {CSE_A, &km}, .peer = {CSE_B, NULL}, .mechanism = KEYSTEAD_BY_MAF,
                                        .maf_fqdn = "maf.example.com", .provisioned = true, .has_certificate = true,
                                        .network_up = true, .credential_expires = NOW + 3600};
}

static void every_refusal(void **state)
{
    (void)state;
#define REFUSED(change, why)                                                                                           \
    {                                                                                                                  \
        keystead_association_input in = whole();                                                                       \
        change;                                                                                                        \
        assert_int_equal(keystead_association_check(&in, NOW), why);                                                   \
    }
    REFUSED((void)0, KEYSTEAD_GRANTED)
    REFUSED(in.self.id = NULL, KEYSTEAD_NO_ENTITY)                 /* refuses R004-17 */
    REFUSED(in.peer.id = "", KEYSTEAD_NO_ENTITY)                   /* refuses R004-17 */
    REFUSED(in.self.id = "maf.example.com", KEYSTEAD_NO_CALLER)    /* refuses R004-11 */
    REFUSED(in.mechanism = KEYSTEAD_BY_GBA, KEYSTEAD_NO_MECHANISM) /* refuses R000-41 */
    REFUSED(in.lifetime = KEYSTEAD_FOR_DATA, KEYSTEAD_NO_LIFETIME) /* refuses R002-87 */
    REFUSED(in.provisioned = false, KEYSTEAD_NOT_PROVISIONED)      /* refuses R000-54 */
    REFUSED(in.maf_fqdn = NULL, KEYSTEAD_NO_PROVIDER)              /* refuses R002-75 */
    REFUSED(in.self.secret = NULL, KEYSTEAD_NO_SECRET)             /* refuses R004-15, refuses R004-18 */
    REFUSED((in.mechanism = KEYSTEAD_BY_KEY, in.peer.secret = &other), KEYSTEAD_UNMATCHED) /* refuses R004-18 */
    REFUSED((in.mechanism = KEYSTEAD_BY_KEY, in.peer.secret = &km), KEYSTEAD_GRANTED)
    REFUSED(in.credential_expires = NOW, KEYSTEAD_EXPIRED)         /* refuses R002-85 */
    REFUSED(in.network_up = false, KEYSTEAD_NETWORK_DOWN)          /* refuses R000-03 */
    REFUSED(in.local_cse = CSE_B, KEYSTEAD_NO_ENTITY)              /* refuses R004-13 */
    REFUSED(in.credential_expires = -1, KEYSTEAD_WRONG_USE)
    REFUSED(in.until = INT64_MAX, KEYSTEAD_WRONG_USE)
    REFUSED(in.mechanism = (keystead_mechanism)9, KEYSTEAD_WRONG_USE)
    assert_int_equal(keystead_association_check(NULL, NOW), KEYSTEAD_WRONG_USE);
}

static void what_comes_out(void **state)
{
    (void)state;
    uint8_t exported[KEYSTEAD_EXPORT_LEN];
    for (size_t i = 0; i < sizeof(exported); i++) {
        exported[i] = (uint8_t)i;
    }
    const keystead_handshake done = {exported, 0xFEFD, 0xC0A8};
    keystead_association_input in = whole();
    keystead_association a, zeros;
    memset(&zeros, 0, sizeof(zeros));
    assert_int_equal(keystead_association_made(&in, NOW, &done, &a), KEYSTEAD_GRANTED);
    assert_string_equal(a.id, "000102030405060708090a0b0c0d0e0f"); /* R004-19 */
    assert_memory_equal(a.key.b, exported + 16, sizeof(a.key.b));  /* R004-20 */
    assert_int_equal(a.expires, NOW + 3599);                       /* R004-21: shorter than its credential */
    assert_int_equal(a.mechanism, KEYSTEAD_BY_MAF);                /* R004-22 */
    assert_int_equal(a.suid, 32);
    assert_int_equal(a.tls_version, 0xFEFD);
    assert_int_equal(a.suite, 0xC0A8);
    assert_int_equal(keystead_association_made(&in, NOW + 3600, &done, &a), KEYSTEAD_EXPIRED); /* during the handshake */
    assert_memory_equal(&a, &zeros, sizeof(a));
    assert_int_equal(keystead_association_made(&in, NOW, NULL, &a), KEYSTEAD_WRONG_USE);
    assert_int_equal(keystead_association_made(&in, NOW, &done, NULL), KEYSTEAD_WRONG_USE);
    assert_false(keystead_association_is_alive(&a, NOW, true));
}

static void how_long_it_lives(void **state)
{
    (void)state;
    const uint8_t exported[KEYSTEAD_EXPORT_LEN] = {7};
    const keystead_handshake done = {exported, 0x0303, 0x00AE};
    keystead_association_input in = whole();
    keystead_association a;
    in.lifetime = KEYSTEAD_FOR_SESSION; /* R002-86 */
    assert_int_equal(keystead_association_made(&in, NOW, &done, &a), KEYSTEAD_GRANTED);
    assert_true(keystead_association_is_alive(&a, NOW, true));
    assert_false(keystead_association_is_alive(&a, NOW, false)); /* refuses R002-86 */
    in.lifetime = KEYSTEAD_FOR_DATA; /* R002-87 */
    in.until = NOW + 60;
    assert_int_equal(keystead_association_made(&in, NOW, &done, &a), KEYSTEAD_GRANTED);
    assert_true(keystead_association_is_alive(&a, NOW + 59, false));
    assert_false(keystead_association_is_alive(&a, NOW + 60, true)); /* refuses R002-87, refuses R004-21 */
    in.lifetime = KEYSTEAD_FOR_CONTRACT;
    assert_int_equal(keystead_association_made(&in, NOW, &done, &a), KEYSTEAD_NO_LIFETIME); /* refuses R002-88 */
    in.self.id = AE_1;
    in.peer.id = "//sp.example.com/Slamp";
    in.local_cse = CSE_A;
    assert_int_equal(keystead_association_made(&in, NOW, &done, &a), KEYSTEAD_GRANTED); /* R002-88 */
    assert_false(keystead_association_is_alive(NULL, NOW, true));
}

static void application_keys(void **state)
{
    (void)state;
    keystead_key maf[2], key, in_place = km;
    static const keystead_key zeros;
    assert_int_equal(keystead_association_application_key(&crypto, &km, KEYSTEAD_BY_MAF, AE_1, &maf[0]), KEYSTEAD_OK);
    assert_int_equal(keystead_association_application_key(&crypto, &km, KEYSTEAD_BY_MAF, AE_2, &maf[1]), KEYSTEAD_OK);
    assert_int_equal(keystead_association_application_key(&crypto, &km, KEYSTEAD_BY_KEY, AE_1, &key), KEYSTEAD_OK);
    assert_memory_not_equal(&maf[0], &maf[1], sizeof(key)); /* R004-04, R004-16: two instances, two keys */
    assert_memory_not_equal(&maf[0], &key, sizeof(key));    /* and one for each use */
    assert_memory_not_equal(&maf[0], &km, sizeof(key));     /* R004-14: in its place, and another */
    assert_int_equal(keystead_association_application_key(&crypto, &in_place, KEYSTEAD_BY_MAF, AE_1, &in_place), KEYSTEAD_OK);
    assert_memory_equal(&in_place, &maf[0], sizeof(key));
    assert_int_equal(keystead_association_application_key(&crypto, &km, KEYSTEAD_BY_CERTIFICATE, AE_1, &key),
                     KEYSTEAD_BAD_ARGUMENT);
    assert_memory_equal(&key, &zeros, sizeof(key));
    assert_int_equal(keystead_association_application_key(&crypto, &km, KEYSTEAD_BY_MAF, CSE_A, &key), KEYSTEAD_BAD_ID);
    assert_int_equal(keystead_association_application_key(&crypto, NULL, KEYSTEAD_BY_MAF, AE_1, &key), KEYSTEAD_BAD_ARGUMENT);
    assert_int_equal(keystead_association_application_key(NULL, &km, KEYSTEAD_BY_MAF, AE_1, &key), KEYSTEAD_BAD_ARGUMENT);
    assert_int_equal(keystead_association_application_key(&crypto, &km, KEYSTEAD_BY_MAF, AE_1, NULL), KEYSTEAD_BAD_ARGUMENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_refusal), cmocka_unit_test(what_comes_out), cmocka_unit_test(how_long_it_lives),
        cmocka_unit_test(application_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
