/*
 * The device library as its users have it: the installed header, the archive, their own HMAC. Worked values: spec 3.16,
 * the same as in tests/vectors/derive.txt [R001-34, R001-37, R001-53, R001-63, R001-85, R001-86, R001-87].
 */
#include <keystead/keystead.h>

#include <openssl/hmac.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define NOW INT64_C(1900000000)
#define ADMIN "sp.example.com"
#define TARGET "//sp.example.com/in"

/* -- what the firmware brings ---------------------------------------------------------------------------------- */
struct board {
    unsigned hmacs, normalised;
    bool broken;
};

static int board_hmac(void *ctx, keystead_octets key, const keystead_octets *parts, size_t count, uint8_t out[32])
{
    struct board *b = ctx;
    uint8_t message[1024];
    size_t n = 0;
    unsigned got = 0;
    for (size_t i = 0; i < count; i++) {
        assert_true(n + parts[i].n <= sizeof(message));
        memcpy(message + n, parts[i].p, parts[i].n);
        n += parts[i].n;
    }
    b->hmacs++;
    return HMAC(EVP_sha256(), key.p, (int)key.n, message, n, out, &got) != NULL && got == 32 && !b->broken ? 0 : -1;
}

/* Enough of NFKC for the vector: U+FF4D, FULLWIDTH LATIN SMALL LETTER M, is m. */
static int board_nfkc(void *ctx, const char *in, size_t n, char *out, size_t cap, size_t *written)
{
    struct board *b = ctx;
    b->normalised++;
    if (n < 3 || n - 2 > cap || memcmp(in, "\xEF\xBD\x8D", 3) != 0) {
        return -1;
    }
    out[0] = 'm';
    memcpy(out + 1, in + 3, n - 3);
    *written = n - 2;
    return 0;
}

static struct board board;
static const keystead_crypto crypto = {.hmac_sha256 = board_hmac, .nfkc = NULL, .ctx = &board};
static const keystead_crypto crypto_unicode = {.hmac_sha256 = board_hmac, .nfkc = board_nfkc, .ctx = &board};

static const char bootstrap[] =
    "a672d250f530b1c144e9ace6e3cd50aab0a7766f0b139b08ad3267aa154150eae366e36392e1b1a317d2a0cd402fc7d1";
static const char connection[] =
    "43282b30d7f010d2ad5bc9c72294f1d07645559b9165f36ec6a780a8e5d1a296e5235f31c7517eda281cf9fc5d21153a";

static void unhex(const char *hex, uint8_t *out)
{
    for (size_t i = 0; hex[2 * i] != '\0'; i++) {
        unsigned v = 0;
        assert_int_equal(sscanf(hex + 2 * i, "%2x", &v), 1);
        out[i] = (uint8_t)v;
    }
}

static void is_key(const keystead_key *k, const char *hex)
{
    uint8_t want[KEYSTEAD_KEY_LEN];
    unhex(hex, want);
    assert_memory_equal(k->b, want, sizeof(want));
}

static void is_empty(const keystead_key *k)
{
    static const uint8_t zeros[KEYSTEAD_KEY_LEN];
    assert_memory_equal(k->b, zeros, sizeof(zeros));
}

static keystead_key ke_of_the_vectors(void)
{
    uint8_t exported[KEYSTEAD_EXPORT_LEN];
    keystead_key ke;
    keystead_id id;
    unhex(bootstrap, exported);
    assert_int_equal(keystead_ke(exported, "mef.example.com", &ke, &id), KEYSTEAD_OK);
    return ke;
}

/* -- keys -------------------------------------------------------------------------------------------------------- */
static void the_worked_values(void **state)
{
    (void)state;
    uint8_t exported[KEYSTEAD_EXPORT_LEN];
    keystead_key ke, k;
    keystead_id id;
    unhex(bootstrap, exported);
    assert_int_equal(keystead_ke(exported, "mef.example.com", &ke, &id), KEYSTEAD_OK);
    is_key(&ke, "b0a7766f0b139b08ad3267aa154150eae366e36392e1b1a317d2a0cd402fc7d1");
    assert_string_equal(id.z, "A672D250F530B1C144E9ACE6E3CD50AA@mef.example.com");
    unhex(connection, exported);
    assert_int_equal(keystead_kc(exported, "maf.example.com", &k, &id), KEYSTEAD_OK);
    is_key(&k, "7645559b9165f36ec6a780a8e5d1a296e5235f31c7517eda281cf9fc5d21153a");
    assert_string_equal(id.z, "43282B30D7F010D2AD5BC9C72294F1D0@maf.example.com");

    assert_int_equal(keystead_km(&crypto, &ke, "maf.example.com", &k), KEYSTEAD_OK);
    is_key(&k, "8f5bfc870e5f33ba46213042f30b545eece5a30ae3c95d17eff0c80e6e0e8502");
    assert_int_equal(keystead_usage_key(&crypto, &ke, 21, "maf.example.com", &k), KEYSTEAD_OK);
    is_key(&k, "8f5bfc870e5f33ba46213042f30b545eece5a30ae3c95d17eff0c80e6e0e8502");
    assert_int_equal(keystead_usage_key(&crypto, &ke, 22, "cse01.sp.example.com", &k), KEYSTEAD_OK);
    is_key(&k, "2eb8bec98441b3b5298da0412e7f96ba4837468a66795f4a43aad4e36b631430");
    assert_int_equal(keystead_km_seed(&crypto, &ke, "maf.example.com", &k), KEYSTEAD_OK);
    is_key(&k, "a3ed57f9667590c95454ad6e823b44ef2e1deaed28a21421dca350b8d171b2dc");
    assert_int_equal(keystead_kpsa(&crypto, &ke, "//sp.example.com/cse01", &k), KEYSTEAD_OK);
    is_key(&k, "2cf11c718796a5059af16d7aaa0085e663b8c0059aa02b3a3b1e5fe4e74d985f");
}

static void unicode_needs_the_callback(void **state)
{
    (void)state;
    keystead_key ke = ke_of_the_vectors(), km;
    board = (struct board){0};
    assert_int_equal(keystead_km_seed(&crypto, &ke, "\xEF\xBD\x8D" "af.example.com", &km), KEYSTEAD_BAD_ID); /* refused */
    is_empty(&km);
    assert_int_equal(board.hmacs, 0);
    assert_int_equal(keystead_km_seed(&crypto_unicode, &ke, "\xEF\xBD\x8D" "af.example.com", &km), KEYSTEAD_OK);
    is_key(&km, "a3ed57f9667590c95454ad6e823b44ef2e1deaed28a21421dca350b8d171b2dc");
    assert_int_equal(board.normalised, 1);
    assert_int_equal(keystead_km_seed(&crypto_unicode, &ke, "\xC3\xA9.example.com", &km), KEYSTEAD_CRYPTO);
    assert_int_equal(keystead_km_seed(&crypto_unicode, &ke, "maf.example.com", &km), KEYSTEAD_OK);
    assert_int_equal(board.normalised, 2); /* not asked about ASCII */
}

static void a_derivation_in_place(void **state)
{
    (void)state;
    keystead_key k = ke_of_the_vectors();
    assert_int_equal(keystead_km(&crypto, &k, "maf.example.com", &k), KEYSTEAD_OK);
    is_key(&k, "8f5bfc870e5f33ba46213042f30b545eece5a30ae3c95d17eff0c80e6e0e8502");
    keystead_wipe(&k, sizeof(k));
    is_empty(&k);
    keystead_wipe(NULL, 7);
}

static void derivations_refuse(void **state)
{
    (void)state;
    uint8_t exported[KEYSTEAD_EXPORT_LEN] = {1};
    char longest[300];
    keystead_key ke = ke_of_the_vectors(), k;
    keystead_id id;
    memset(longest, 'a', sizeof(longest) - 1);
    longest[sizeof(longest) - 1] = '\0';
    memset(&k, 0x5A, sizeof(k));
    assert_int_equal(keystead_ke(exported, "mef_.example.com", &k, &id), KEYSTEAD_BAD_ID);
    is_empty(&k);
    assert_string_equal(id.z, "");
    assert_int_equal(keystead_kc(exported, "", &k, &id), KEYSTEAD_BAD_ID);
    assert_int_equal(keystead_ke(NULL, "mef.example.com", &k, &id), KEYSTEAD_BAD_ARGUMENT);
    assert_int_equal(keystead_ke(exported, NULL, &k, &id), KEYSTEAD_BAD_ARGUMENT);
    assert_int_equal(keystead_ke(exported, "mef.example.com", NULL, &id), KEYSTEAD_BAD_ARGUMENT);
    assert_int_equal(keystead_kc(exported, "mef.example.com", &k, NULL), KEYSTEAD_BAD_ARGUMENT);

    assert_int_equal(keystead_kpsa(&crypto, &ke, "/in", &k), KEYSTEAD_BAD_ID); /* refused: not absolute R001-63 */
    assert_int_equal(keystead_km(&crypto, &ke, "//sp.example.com/in", &k), KEYSTEAD_BAD_ID);
    assert_int_equal(keystead_km_seed(&crypto, &ke, "", &k), KEYSTEAD_BAD_ID);
    assert_int_equal(keystead_km(&crypto, &ke, longest, &k), KEYSTEAD_TOO_LONG);
    assert_int_equal(keystead_usage_key(&crypto, &ke, 20, "maf.example.com", &k), KEYSTEAD_BAD_SUID);
    assert_int_equal(keystead_km(NULL, &ke, "maf.example.com", &k), KEYSTEAD_BAD_ARGUMENT);
    assert_int_equal(keystead_km(&(keystead_crypto){0}, &ke, "maf.example.com", &k), KEYSTEAD_BAD_ARGUMENT);
    assert_int_equal(keystead_km(&crypto, NULL, "maf.example.com", &k), KEYSTEAD_BAD_ARGUMENT);
    assert_int_equal(keystead_km(&crypto, &ke, NULL, &k), KEYSTEAD_BAD_ARGUMENT);
    assert_int_equal(keystead_km(&crypto, &ke, "maf.example.com", NULL), KEYSTEAD_BAD_ARGUMENT);
    memset(&k, 0x5A, sizeof(k));
    board.broken = true;
    assert_int_equal(keystead_km(&crypto, &ke, "maf.example.com", &k), KEYSTEAD_CRYPTO);
    board.broken = false;
    is_empty(&k);
}

/* -- bodies ------------------------------------------------------------------------------------------------------ */
static void the_bodies(void **state)
{
    (void)state;
    char text[256];
    keystead_buffer b = {.p = text, .cap = sizeof(text), .n = 0};
    assert_int_equal(keystead_body_client_registration(&b, NOW, ADMIN), KEYSTEAD_OK);
    assert_string_equal(text, "{\"m2m:macr\":{\"et\":\"20300317T174640\",\"adfq\":\"sp.example.com\"}}");
    assert_int_equal(b.n, strlen(text));
    assert_int_equal(keystead_body_key_registration(&b, NOW, ADMIN, TARGET), KEYSTEAD_OK);
    assert_string_equal(text, "{\"m2m:skr\":{\"et\":\"20300317T174640\",\"adfq\":\"sp.example.com\",\"suid\":32,"
                              "\"tgis\":[\"//sp.example.com/in\"]}}");
    assert_int_equal(keystead_body_update(&b, false, NOW), KEYSTEAD_OK);
    assert_string_equal(text, "{\"m2m:macr\":{\"et\":\"20300317T174640\"}}");
    assert_int_equal(keystead_body_update(&b, true, NOW), KEYSTEAD_OK);
    assert_string_equal(text, "{\"m2m:skr\":{\"et\":\"20300317T174640\"}}");
    assert_int_equal(keystead_body_update(&b, true, -1), KEYSTEAD_BAD_ARGUMENT);
    assert_int_equal(keystead_body_ae(&b, "Nthermometer", false), KEYSTEAD_OK);
    assert_string_equal(text, "{\"m2m:ae\":{\"api\":\"Nthermometer\",\"rr\":false,\"srv\":[\"3\"]}}");
    assert_int_equal(keystead_body_content(&b, "21.5 \"\xC2\xB0" "C\"\n"), KEYSTEAD_OK);
    assert_string_equal(text, "{\"m2m:cin\":{\"con\":\"21.5 \\\"\xC2\xB0" "C\\\"\\u000a\"}}");
    assert_int_equal(b.n, strlen(text));
}

static void bodies_refuse(void **state)
{
    (void)state;
    char text[256];
    keystead_buffer b = {.p = text, .cap = sizeof(text), .n = 7};
    assert_int_equal(keystead_body_client_registration(&b, NOW, "sp example"), KEYSTEAD_BAD_ID);
    assert_string_equal(text, "");
    assert_int_equal(b.n, 0);
    assert_int_equal(keystead_body_key_registration(&b, NOW, ADMIN, "/in"), KEYSTEAD_BAD_ID);
    assert_int_equal(keystead_body_key_registration(&b, NOW, "", TARGET), KEYSTEAD_BAD_ID);
    assert_int_equal(keystead_body_ae(&b, "thermometer", true), KEYSTEAD_BAD_ID); /* N, R or r begins it */
    assert_int_equal(keystead_body_client_registration(&b, -1, ADMIN), KEYSTEAD_BAD_ARGUMENT);
    assert_int_equal(keystead_body_client_registration(&b, INT64_C(253402300800), ADMIN), KEYSTEAD_BAD_ARGUMENT);
    assert_int_equal(keystead_body_key_registration(NULL, NOW, ADMIN, TARGET), KEYSTEAD_BAD_ARGUMENT);
    assert_int_equal(keystead_body_content(&b, NULL), KEYSTEAD_BAD_ARGUMENT);
    assert_int_equal(keystead_body_ae(&(keystead_buffer){.p = NULL, .cap = 9, .n = 0}, "Nx", true), KEYSTEAD_BAD_ARGUMENT);
}

static void no_body_leaves_its_buffer(void **state)
{
    (void)state;
    char text[128];
    keystead_buffer b = {.p = text, .cap = sizeof(text), .n = 0};
    assert_int_equal(keystead_body_key_registration(&b, NOW, ADMIN, TARGET), KEYSTEAD_OK);
    size_t whole = b.n + 1;
    for (size_t cap = 0; cap < whole; cap++) {
        memset(text, '#', sizeof(text));
        b = (keystead_buffer){.p = text, .cap = cap, .n = 0};
        assert_int_equal(keystead_body_key_registration(&b, NOW, ADMIN, TARGET), KEYSTEAD_TOO_LONG);
        assert_int_equal(b.n, 0);
        for (size_t i = cap; i < sizeof(text); i++) {
            assert_int_equal(text[i], '#');
        }
    }
    b = (keystead_buffer){.p = text, .cap = whole, .n = 0};
    assert_int_equal(keystead_body_key_registration(&b, NOW, ADMIN, TARGET), KEYSTEAD_OK);
}

/* -- answers ------------------------------------------------------------------------------------------------------ */
static keystead_octets octets(const char *z)
{
    return (keystead_octets){(const uint8_t *)z, strlen(z)};
}

#define MACR(members) "{\"m2m:macr\":{" members "}}"
#define COMMON "\"et\":\"20300401T000000\",\"adfq\":\"SP.example.com\""
static const char good_client[] = MACR("\"ty\":60002,\"ri\":\"k7\",\"lbl\":[\"a\",{\"b\":[]}],\"cr\":null," COMMON
                                       ",\"aski\":\"k7f3@maf.example.com\"");

static void a_client_registration(void **state)
{
    (void)state;
    keystead_registration r;
    assert_int_equal(keystead_client_registered(octets(good_client), NOW, ADMIN, &r), KEYSTEAD_OK);
    assert_string_equal(r.resource, "k7");
    assert_string_equal(r.km_id.z, "k7f3@maf.example.com");
    assert_int_equal(r.expires, 1901232000);
    /* profile seed: no KmId is assigned R001-60 */
    assert_int_equal(keystead_client_registered(octets(MACR("\"ri\":\"k7\"," COMMON)), NOW, ADMIN, &r), KEYSTEAD_OK);
    assert_string_equal(r.km_id.z, "");
}

static void client_answers_that_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "", "{}", "[]", "null", "{\"m2m:macr\":7}", "{\"m2m:skr\":{\"ri\":\"k7\"," COMMON "}}",
        MACR(COMMON),
        MACR("\"ri\":\"k7\",\"adfq\":\"sp.example.com\""),
        MACR("\"ri\":\"k7\",\"et\":\"20300401T000000\""),
        MACR("\"ri\":\"k7\",\"et\":\"20300401T000000\",\"adfq\":\"other.example.com\""),
        MACR("\"ri\":\"k7\",\"et\":\"20200401T000000\",\"adfq\":\"sp.example.com\""), /* has expired */
        MACR("\"ri\":\"k7\",\"et\":\"20301401T000000\",\"adfq\":\"sp.example.com\""),
        MACR("\"ri\":\"../x\"," COMMON),
        MACR("\"ri\":[\"k7\"]," COMMON),
        MACR("\"ri\":\"k7\",\"ri\":\"k8\"," COMMON),
        MACR("\"ri\":\"\\u006b7\"," COMMON),
        MACR("\"ri\":\"k\\/7\"," COMMON),
        MACR("\"ri\":\"k7\",\"aski\":\"no at sign\"," COMMON),
        MACR("\"ri\":\"k7\",\"aski\":7," COMMON),
        MACR("\"ri\":\"k7\",\"n\":01," COMMON),
        MACR("\"ri\":\"k7\",\"n\":[1,]," COMMON),
        MACR("\"ri\":\"k7\",\"n\":\"\xff\"," COMMON),
        MACR("\"ri\":\"k7\",\"n\":[[[[[[[[]]]]]]]]," COMMON), /* too deep */
        MACR("\"ri\":\"k7\"," COMMON) "x",
        MACR("\"ri\":\"0123456789012345678901234567890123456789012345678901234567890123\"," COMMON), /* no room */
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        keystead_registration r;
        memset(&r, 0x5A, sizeof(r));
        keystead_result got = keystead_client_registered(octets(bad[i]), NOW, ADMIN, &r);
        if (got != KEYSTEAD_BAD_ANSWER) {
            fail_msg("%s: %d", bad[i], (int)got);
        }
        assert_int_equal(r.resource[0], 0);
        assert_int_equal(r.km_id.z[0], 0);
        assert_int_equal(r.expires, 0);
    }
}

static void an_answer_cut_short_is_refused(void **state)
{
    (void)state;
    for (size_t n = 0; n < strlen(good_client); n++) {
        keystead_registration r;
        uint8_t *exact = malloc(n + 1); /* so that the sanitizer sees a read behind the end */
        assert_non_null(exact);
        memcpy(exact, good_client, n);
        uint8_t *cut = realloc(exact, n > 0 ? n : 1);
        assert_non_null(cut);
        assert_int_equal(keystead_client_registered((keystead_octets){cut, n}, NOW, ADMIN, &r), KEYSTEAD_BAD_ANSWER);
        free(cut);
    }
}

static void an_update(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "", "{}", MACR(""), MACR("\"et\":5"), MACR("\"et\":\"20200401T000000\""), /* has passed */
        MACR("\"et\":\"20300401T000000\",\"aski\":\"no at sign\""), "{\"m2m:skr\":{\"et\":\"20300401T000000\"}}",
    };
    int64_t expires = 7;
    keystead_id km_id;
    const char *good = MACR("\"et\":\"20300401T000000\",\"aski\":\"k8@maf.example.com\"");
    assert_int_equal(keystead_updated(octets(good), false, NOW, &expires, &km_id), KEYSTEAD_OK);
    assert_int_equal(expires, 1901232000);
    assert_string_equal(km_id.z, "k8@maf.example.com");
    assert_int_equal(keystead_updated(octets("{\"m2m:skr\":{\"et\":\"20300401T000000\"}}"), true, NOW, &expires, &km_id), KEYSTEAD_OK);
    assert_string_equal(km_id.z, "");
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(keystead_updated(octets(bad[i]), false, NOW, &expires, &km_id), KEYSTEAD_BAD_ANSWER);
        assert_int_equal(expires, 0);
    }
    assert_int_equal(keystead_updated(octets(good), false, NOW, NULL, &km_id), KEYSTEAD_BAD_ARGUMENT);
}

#define SKR(rn, suid, tgis) "{\"m2m:skr\":{\"rn\":\"" rn "\",\"suid\":" suid ",\"tgis\":" tgis "," COMMON "}}"
#define RN "43282b30d7f010d2ad5bc9c72294f1d0"

static void a_key_registration(void **state)
{
    (void)state;
    static const char *const bad[] = {
        SKR("43282b30d7f010d2ad5bc9c72294f1d1", "32", "[\"" TARGET "\"]"), /* R001-59: the MAF holds another export: refused */
        SKR("", "32", "[\"" TARGET "\"]"),
        SKR(RN, "21", "[\"" TARGET "\"]"),
        SKR(RN, "\"32\"", "[\"" TARGET "\"]"),
        SKR(RN, "32", "[\"//sp.example.com/other\"]"),
        SKR(RN, "32", "[\"" TARGET "\",\"//sp.example.com/other\"]"),
        SKR(RN, "32", "[]"),
        SKR(RN, "32", "\"" TARGET "\""),
        MACR("\"ri\":\"k7\"," COMMON),
    };
    keystead_key kc;
    keystead_id kc_id;
    uint8_t exported[KEYSTEAD_EXPORT_LEN];
    unhex(connection, exported);
    assert_int_equal(keystead_kc(exported, "maf.example.com", &kc, &kc_id), KEYSTEAD_OK);
    const keystead_key_request asked = {.admin_fqdn = ADMIN, .target = TARGET, .kc_id = &kc_id};
    int64_t expires = -1;
    assert_int_equal(keystead_key_registered(octets(SKR(RN, "32", "[ \"" TARGET "\" ]")), NOW, &asked, &expires), KEYSTEAD_OK);
    assert_int_equal(expires, 1901232000);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        keystead_result got = keystead_key_registered(octets(bad[i]), NOW, &asked, &expires);
        if (got != KEYSTEAD_BAD_ANSWER || expires != 0) {
            fail_msg("%s: %d", bad[i], (int)got);
        }
    }
    /* at the end of its life */
    assert_int_equal(keystead_key_registered(octets(SKR(RN, "32", "[\"" TARGET "\"]")), 1901232000, &asked, &expires),
                     KEYSTEAD_BAD_ANSWER);
}

static void answers_need_their_arguments(void **state)
{
    (void)state;
    keystead_registration r;
    int64_t expires;
    keystead_id id = {""};
    const keystead_key_request asked = {.admin_fqdn = ADMIN, .target = TARGET, .kc_id = &id}, none = {.admin_fqdn = ADMIN};
    assert_int_equal(keystead_client_registered(octets(good_client), NOW, ADMIN, NULL), KEYSTEAD_BAD_ARGUMENT);
    assert_int_equal(keystead_client_registered(octets(good_client), NOW, NULL, &r), KEYSTEAD_BAD_ARGUMENT);
    assert_int_equal(keystead_client_registered(octets(good_client), -1, ADMIN, &r), KEYSTEAD_BAD_ARGUMENT);
    assert_int_equal(keystead_client_registered((keystead_octets){NULL, 0}, NOW, ADMIN, &r), KEYSTEAD_BAD_ARGUMENT);
    assert_int_equal(keystead_key_registered(octets("{}"), NOW, NULL, &expires), KEYSTEAD_BAD_ARGUMENT);
    assert_int_equal(keystead_key_registered(octets("{}"), NOW, &none, &expires), KEYSTEAD_BAD_ARGUMENT);
    assert_int_equal(keystead_key_registered(octets("{}"), NOW, &asked, NULL), KEYSTEAD_BAD_ARGUMENT);
    /* an own identifier that is empty matches nothing, not even an answer without one: refused */
    assert_int_equal(keystead_key_registered(octets(SKR("", "32", "[\"" TARGET "\"]")), NOW, &asked, &expires),
                     KEYSTEAD_BAD_ANSWER);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_worked_values),
        cmocka_unit_test(unicode_needs_the_callback),
        cmocka_unit_test(a_derivation_in_place),
        cmocka_unit_test(derivations_refuse),
        cmocka_unit_test(the_bodies),
        cmocka_unit_test(bodies_refuse),
        cmocka_unit_test(no_body_leaves_its_buffer),
        cmocka_unit_test(a_client_registration),
        cmocka_unit_test(client_answers_that_are_refused),
        cmocka_unit_test(an_answer_cut_short_is_refused),
        cmocka_unit_test(an_update),
        cmocka_unit_test(a_key_registration),
        cmocka_unit_test(answers_need_their_arguments),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
