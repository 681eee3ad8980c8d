/* Records of MEF and MAF: round trip, every truncation, every single changed octet, and seals that cannot be moved. */
#include "role/key_wipe.h"
#include "role/reg/rec_allow.h"
#include "role/reg/rec_key.h"
#include "role/maf/rec_km.h"
#include "role/mef/rec_credential.h"
#include "role/mef/rec_ke.h"
#include "shell/crypto_openssl.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct sealer sealer;
static struct secret key;

static int setup(void **state)
{
    (void)state;
    uint8_t b[32];
    memset(b, 0x77, sizeof(b));
    sealer.crypto = crypto_openssl();
    assert_int_equal(secret_set(&sealer.root, BYTES_ARRAY(b)), ERR_OK);
    memset(b, 0xAB, sizeof(b));
    return secret_set(&key, BYTES_ARRAY(b)) == ERR_OK ? 0 : -1;
}

typedef err_t parse_fn(struct bytes b);      /* parses into a record of its own */
typedef err_t rewrite_fn(struct bytes b, struct writer *w); /* parses and writes what it found */

#define CODEC(kind, type)                                                                                              \
    static err_t parse_##kind(struct bytes b)                                                                          \
    {                                                                                                                  \
        struct type r;                                                                                                 \
        return type##_parse(b, &r);                                                                                    \
    }
#define SEALED(kind, type)                                                                                             \
    CODEC(kind, type)                                                                                                  \
    static err_t rewrite_##kind(struct bytes b, struct writer *w)                                                      \
    {                                                                                                                  \
        struct type r;                                                                                                 \
        TRY(type##_parse(b, &r));                                                                                      \
        struct rec_seal seal = {.sealed = r.sealed};                                                                   \
        return type##_write(&r, &seal, w);                                                                             \
    }
#define PLAIN(kind, type)                                                                                              \
    CODEC(kind, type)                                                                                                  \
    static err_t rewrite_##kind(struct bytes b, struct writer *w)                                                      \
    {                                                                                                                  \
        struct type r;                                                                                                 \
        TRY(type##_parse(b, &r));                                                                                      \
        return type##_write(&r, w);                                                                                    \
    }
SEALED(credential, rec_credential)
SEALED(ke, rec_ke)
SEALED(km, rec_km)
SEALED(key, rec_key)
PLAIN(client, rec_client)
PLAIN(allow, rec_allow)

/* Each prefix and each longer record is refused; what is accepted writes itself again octet by octet. */
static void exercise(struct bytes b, parse_fn *parse, rewrite_fn *rewrite)
{
    uint8_t buf[REC_MAX];
    struct writer w = WRITER_ARRAY(buf);
    assert_int_equal(rewrite(b, &w), ERR_OK);
    assert_true(bytes_eq(writer_view(&w), b));
    for (size_t n = 0; n < b.n; n++) {
        uint8_t *cut = malloc(n + 1); /* its own allocation, so that a read beyond it is seen */
        memcpy(cut, b.p, n);
        assert_int_equal(parse(bytes_of(cut, n)), ERR_MALFORMED_RECORD);
        free(cut);
    }
    uint8_t longer[REC_MAX + 1];
    memcpy(longer, b.p, b.n);
    longer[b.n] = 0;
    assert_int_equal(parse(bytes_of(longer, b.n + 1)), ERR_MALFORMED_RECORD);
    for (size_t i = 0; i < b.n; i++) {
        memcpy(longer, b.p, b.n);
        longer[i] ^= 0xFF;
        struct writer again = WRITER_ARRAY(buf);
        if (parse(bytes_of(longer, b.n)) == ERR_OK) { /* a changed value, not a changed form */
            assert_int_equal(rewrite(bytes_of(longer, b.n), &again), ERR_OK);
            assert_true(bytes_eq(writer_view(&again), bytes_of(longer, b.n)));
        }
    }
    longer[0] = 0xEE;
    assert_int_equal(parse(bytes_of(longer, b.n)), ERR_MALFORMED_RECORD); /* another version */
}

static struct rec_seal seal_as(enum store_table t, const char *id)
{
    return (struct rec_seal){.sealer = &sealer, .table = t, .id = text_of(id), .key = &key};
}

static bool holds_key(struct bytes b)
{
    for (size_t i = 0; i + 4 <= b.n; i++) {
        if (memcmp(b.p + i, "\xAB\xAB\xAB\xAB", 4) == 0) {
            return true;
        }
    }
    return false;
}

static void test_credential(void **state)
{
    (void)state;
    struct rec_credential c = {.kind = REC_CREDENTIAL_KPM,
                               .id = {"Dev1@mef.example.com"},
                               .enrolee_id = {"//sp.example.com/S1"},
                               .target = {"maf.example.com"},
                               .profile = CREDENTIAL_SEED,
                               .standing = STANDING_REVOKED,
                               .added = 5,
                               .not_after = 900};
    uint8_t buf[REC_MAX];
    struct writer w = WRITER_ARRAY(buf);
    struct rec_seal seal = seal_as(TABLE_MEF_CREDENTIAL, "dev1@mef.example.com");
    assert_int_equal(rec_credential_write(&c, &seal, &w), ERR_OK);
    assert_false(holds_key(writer_view(&w)));
    exercise(writer_view(&w), parse_credential, rewrite_credential);
    struct rec_credential got;
    struct secret kpm;
    assert_int_equal(rec_credential_parse(writer_view(&w), &got), ERR_OK);
    assert_string_equal(got.target.z, c.target.z);
    assert_true(got.standing == STANDING_REVOKED && got.profile == CREDENTIAL_SEED && got.added == 5 && got.not_after == 900);
    assert_int_equal(rec_credential_kpm(&got, &sealer, text_of("dev1@mef.example.com"), &kpm), ERR_OK);
    assert_true(secret_eq(&kpm, &key));
    /* a sealed key cannot be moved to another record */
    assert_int_equal(rec_credential_kpm(&got, &sealer, text_of("dev2@mef.example.com"), &kpm), ERR_CRYPTO_UNSEAL);
}

/* One that was reassigned, with what its device is told; a configuration without a reassignment there is none. */
static void test_credential_reassigned(void **state)
{
    (void)state;
    struct rec_credential c = {.kind = REC_CREDENTIAL_KPM, .id = {"Dev1@mef.example.com"}, .target = {"maf.example.com"},
                               .profile = CREDENTIAL_R3, .added = 5, .not_after = 900, .since = 7, .cfg = text_of("{\"maf\":{}}")};
    uint8_t buf[REC_MAX];
    struct rec_credential got;
    struct rec_seal seal = seal_as(TABLE_MEF_CREDENTIAL, "dev1@mef.example.com");
    const uint8_t kinds[] = {REC_CREDENTIAL_KPM, CERT_KEY_TYPE_MIN};
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        struct writer w = WRITER_ARRAY(buf);
        c.kind = kinds[i];
        assert_int_equal(rec_credential_write(&c, i == 0 ? &seal : NULL, &w), ERR_OK);
        assert_int_equal(buf[0], 5 + i);
        if (i == 0) {
            exercise(writer_view(&w), parse_credential, rewrite_credential);
        }
        assert_int_equal(rec_credential_parse(writer_view(&w), &got), ERR_OK);
        assert_true(got.kind == kinds[i] && got.since == 7 && text_eq(got.cfg, c.cfg));
        buf[0] = (uint8_t)(6 - i); /* a certificate's as a key's */
        assert_int_not_equal(rec_credential_parse(writer_view(&w), &got), ERR_OK);
    }
}

static void test_ke(void **state)
{
    (void)state;
    struct rec_ke k = {.ke_id = {"AA@mef.example.com"},
                       .credential = {"dev1@mef.example.com"},
                       .target = {"maf.example.com"},
                       .profile = CREDENTIAL_R3,
                       .issued = 1,
                       .not_after = 2};
    uint8_t buf[REC_MAX];
    struct writer w = WRITER_ARRAY(buf);
    struct rec_seal seal = seal_as(TABLE_MEF_KE, "aa@mef.example.com");
    assert_int_equal(rec_ke_write(&k, &seal, &w), ERR_OK);
    assert_false(holds_key(writer_view(&w)));
    exercise(writer_view(&w), parse_ke, rewrite_ke);
    struct rec_ke got;
    SCOPED(key_wipe_ke) struct key_ke ke = {0};
    assert_int_equal(rec_ke_parse(writer_view(&w), &got), ERR_OK);
    assert_int_equal(rec_ke_key(&got, &sealer, text_of("aa@mef.example.com"), &ke), ERR_OK);
    assert_true(secret_eq(&ke.s, &key));
    assert_int_equal(rec_ke_key(&got, &sealer, text_of("ab@mef.example.com"), &ke), ERR_CRYPTO_UNSEAL);
}

static void test_ke_index(void **state)
{
    (void)state;
    char id[REC_KE_OF_ID_MAX];
    char next[REC_KE_OF_ID_MAX];
    uint64_t number = 0;
    struct keyid kpm = {"dev1@mef.example.com"};
    assert_int_equal(rec_ke_of_id(&kpm, 255, id), ERR_OK);
    assert_int_equal(rec_ke_of_id(&kpm, 256, next), ERR_OK);
    assert_true(strcmp(id, next) < 0); /* order of numbers is order of ids */
    assert_int_equal(rec_ke_of_number(text_bytes(text_of(next)), &number), ERR_OK);
    assert_int_equal(number, 256);
    assert_int_equal(rec_ke_of_number(text_bytes(text_of("x/00")), &number), ERR_MALFORMED_RECORD);
    assert_int_equal(rec_ke_of_number(text_bytes(text_of("")), &number), ERR_MALFORMED_RECORD);
    uint8_t buf[REC_MAX];
    struct writer w = WRITER_ARRAY(buf);
    struct keyid ke_id = {"aa@mef.example.com"};
    struct keyid got;
    assert_int_equal(rec_ke_of_write(&ke_id, &w), ERR_OK);
    for (size_t n = 0; n < w.n; n++) {
        assert_int_equal(rec_ke_of_parse(bytes_of(buf, n), &got), ERR_MALFORMED_RECORD);
    }
    assert_int_equal(rec_ke_of_parse(writer_view(&w), &got), ERR_OK);
    assert_string_equal(got.z, ke_id.z);
}

static void test_km(void **state)
{
    (void)state;
    struct rec_km k = {.km_id = {"k1@maf.example.com"},
                       .ke_id = {"AA@mef.example.com"},
                       .enrolee_id = {"//sp.example.com/S1"},
                       .profile = CREDENTIAL_R3,
                       .stored = 3,
                       .not_after = 4};
    uint8_t buf[REC_MAX];
    struct writer w = WRITER_ARRAY(buf);
    struct rec_seal seal = seal_as(TABLE_MAF_KM, "k1@maf.example.com");
    assert_int_equal(rec_km_write(&k, &seal, &w), ERR_OK);
    assert_false(holds_key(writer_view(&w)));
    exercise(writer_view(&w), parse_km, rewrite_km);
    struct rec_km got;
    assert_int_equal(rec_km_parse(writer_view(&w), &got), ERR_OK);
    assert_true(text_eq_z(rec_km_name(&got), "k1@maf.example.com"));
    got.km_id.z[0] = '\0';
    assert_true(text_eq_z(rec_km_name(&got), "AA@mef.example.com"));
    /* one of Km and Enrolee-ID counts as nothing (R001-46) */
    assert_true(rec_km_is_held(&got));
    got.enrolee_id.z[0] = '\0';
    assert_false(rec_km_is_held(&got));
    got.no_enrolee = true;
    assert_true(rec_km_is_held(&got));
    got.sealed = bytes_empty();
    assert_false(rec_km_is_held(&got));
}

static void test_client_key_allow(void **state)
{
    (void)state;
    struct rec_client c = {.ri = "macr01", .client = "//sp.example.com/S1", .adfq = "sp.example.com", .created = 1, .not_after = 2};
    c.lbl.at[c.lbl.n++] = text_of("blue");
    c.lbl.at[c.lbl.n++] = text_of("");
    uint8_t buf[REC_MAX];
    struct writer w = WRITER_ARRAY(buf);
    assert_int_equal(rec_client_write(&c, &w), ERR_OK);
    exercise(writer_view(&w), parse_client, rewrite_client);

    struct rec_key k = {.relative = "00AA", .parent = "macr01", .creator = "//sp.example.com/S1", .adfq = "sp.example.com", .suid = 32};
    k.tgis.at[k.tgis.n++] = text_of("//sp.example.com/in");
    struct writer kw = WRITER_ARRAY(buf);
    struct rec_seal seal = seal_as(TABLE_MAF_KEY, "00aa");
    assert_int_equal(rec_key_write(&k, &seal, &kw), ERR_OK);
    assert_false(holds_key(writer_view(&kw)));
    exercise(writer_view(&kw), parse_key, rewrite_key);

    struct rec_allow a = {.client = "//sp.example.com/S*", .any = false};
    a.targets.at[a.targets.n++] = text_of("//sp.example.com/in");
    struct writer aw = WRITER_ARRAY(buf);
    assert_int_equal(rec_allow_write(&a, &aw), ERR_OK);
    exercise(writer_view(&aw), parse_allow, rewrite_allow);
}

static void test_allow_rules(void **state)
{
    (void)state;
    char id[REC_ALLOW_ID_MAX];
    assert_int_equal(rec_allow_id(text_of("//SP.example.com/S1"), id), ERR_OK);
    assert_string_equal(id, "//sp.example.com/S1");
    assert_int_equal(rec_allow_id(text_of("K1@MAF.example.com"), id), ERR_OK);
    assert_string_equal(id, "k1@maf.example.com");
    assert_int_equal(rec_allow_id(text_of("//sp.example.com/S*"), id), ERR_OK);
    assert_string_equal(id, "*//sp.example.com/S*");
    assert_int_equal(rec_allow_id(text_of("*"), id), ERR_MALFORMED_ID);
    assert_int_equal(rec_allow_id(text_of(""), id), ERR_MALFORMED_ID);
    assert_int_equal(rec_allow_id(text_of("S1"), id), ERR_MALFORMED_ID);
    struct rec_allow a = {.any = false};
    assert_false(rec_allow_permits(&a, text_of("//sp.example.com/in")));
    a.targets.at[a.targets.n++] = text_of("//sp.example.com/*");
    assert_true(rec_allow_permits(&a, text_of("//sp.example.com/in")));
    assert_false(rec_allow_permits(&a, text_of("//sp.example.com/in/Cx"))); /* within one segment */
    assert_false(rec_allow_permits(&a, text_of("//other.example.com/in")));
    a.any = true;
    assert_true(rec_allow_permits(&a, text_of("//other.example.com/in")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_credential), cmocka_unit_test(test_credential_reassigned), cmocka_unit_test(test_ke),
        cmocka_unit_test(test_ke_index),   cmocka_unit_test(test_km),
        cmocka_unit_test(test_client_key_allow), cmocka_unit_test(test_allow_rules),
    };
    return cmocka_run_group_tests_name("records", tests, setup, NULL);
}
