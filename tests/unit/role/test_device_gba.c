/* The device's side of the GBA-based framework: which key, under which identity, and what the state keeps. */
#include "role/device/device_book.h"
#include "role/device/device_gba.h"
#include "role/device/device_renew.h"
#include "shell/crypto_openssl.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define NOW (INT64_C(1700000000) * USEC_PER_SEC)
#define HOUR (INT64_C(3600) * USEC_PER_SEC)
#define IMPI "001010123456789@ims.mnc001.mcc001.3gppnetwork.org"
#define B_TID "I1U8vpY3qJ0hiuZNrke/NQ==@bsf.mnc001.mcc001.pub.3gppnetwork.org"

static void hex(const char *z, struct secret *out)
{
    uint8_t b[32];
    for (size_t i = 0; i < sizeof(b); i++) {
        unsigned v = 0;
        assert_int_equal(sscanf(z + 2 * i, "%2x", &v), 1);
        b[i] = (uint8_t)v;
    }
    assert_int_equal(secret_set(out, bytes_of(b, sizeof(b))), ERR_OK);
}

static struct device_state bootstrapped(uint8_t naf_key)
{
    struct device_state s = {.profile = CREDENTIAL_R3, .sim = {.file = "made-up-sim", .naf_key = naf_key}};
    struct ub_ue u = {.step = UB_UE_DONE, .not_after = NOW + 10 * HOUR};
    assert_int_equal(TEXT_COPY(text_of(IMPI), s.sim.impi.z), ERR_OK);
    assert_int_equal(TEXT_COPY(text_of("bsf.mnc001.mcc001.pub.3gppnetwork.org"), s.mef.fqdn), ERR_OK);
    assert_int_equal(TEXT_COPY(text_of("127.0.0.1:1"), s.mef.address), ERR_OK);
    assert_int_equal(TEXT_COPY(text_of(B_TID), u.b_tid.z), ERR_OK);
    if (naf_key == DEVICE_STATE_NAF_ME) {
        hex("b40ba9a3c58b2a05bbf0d987b21bf8cbf769bcd751044604127672711c6d3441", &u.ks.s);
    }
    assert_int_equal(device_gba_bootstrapped(&s, &u, NOW), ERR_OK);
    return s;
}

/* The vectors of NAF_Id with the suites 00ae and 008c. */
static void the_key_depends_on_the_suite(void **state)
{
    (void)state;
    static const struct {
        uint16_t suite;
        const char *key;
    } rows[] = {{0x00ae, "4468e6283c45f3e4471fdc0b7a1ab2081fad8926e4ee5238ef4ba12a8b575aba"},
                {0x008c, "e8538e40b89c7eb0988a6f763c507a4ea414506aa479f3f58bba58822254bf30"},
                {0xc037, "c76efc3832cb081c4afab350b79f82974f1216e29a5a0446c7b4e89d8a81cda0"}};
    const struct device_state s = bootstrapped(DEVICE_STATE_NAF_ME);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) { /* R001-112, R001-138, R001-142 */
        struct secret want = {0};
        struct device_gba_key k;
        const struct device_gba_ask q = {.state = &s, .crypto = crypto_openssl(), .fqdn = text_of("mef.example.com"), .suite = rows[i].suite};
        hex(rows[i].key, &want);
        assert_int_equal(device_gba_key(&q, &k), ERR_OK);
        assert_true(secret_eq(&want, &k.key));
        assert_string_equal(k.identity, B_TID);
        device_gba_key_wipe(&k);
    }
}

static void the_identity_is_what_the_hint_asks_for(void **state)
{
    (void)state;
    static const struct {
        const char *hint, *identity;
    } rows[] = {{"", B_TID}, {"something", B_TID}, {"3GPP-bootstrapping", "3GPP-bootstrapping;" B_TID},
                {"x;3GPP-bootstrapping-uicc", "3GPP-bootstrapping;" B_TID}, {"3GPP-bootstrapping-digest", B_TID}};
    const struct device_state s = bootstrapped(DEVICE_STATE_NAF_ME);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct device_gba_key k;
        const struct device_gba_ask q = {.state = &s, .crypto = crypto_openssl(), .fqdn = text_of("in.example.com"),
                                         .hint = text_of(rows[i].hint), .suite = 0x00ae};
        assert_int_equal(device_gba_key(&q, &k), ERR_OK);
        assert_string_equal(k.identity, rows[i].identity);
    }
    const struct device_gba_ask no_name = {.state = &s, .crypto = crypto_openssl(), .fqdn = text_of("-"), .suite = 0x00ae};
    struct device_gba_key k;
    assert_int_not_equal(device_gba_key(&no_name, &k), ERR_OK);
}

static void what_each_card_is_used_with(void **state)
{
    (void)state;
    static const struct {
        enum aka_sim_gba card;
        const char *wanted;
        err_t e;
        uint8_t key;
    } rows[] = {
        {AKA_SIM_ME, NULL, ERR_OK, DEVICE_STATE_NAF_ME},       {AKA_SIM_ME, "me", ERR_OK, DEVICE_STATE_NAF_ME},
        {AKA_SIM_ME, "ext", ERR_DENIED_GBA_VARIANT, 0},        {AKA_SIM_ME, "int", ERR_DENIED_GBA_VARIANT, 0},
        {AKA_SIM_U, NULL, ERR_OK, DEVICE_STATE_NAF_EXT},       {AKA_SIM_U, "int", ERR_OK, DEVICE_STATE_NAF_INT},
        {AKA_SIM_U, "me", ERR_DENIED_GBA_VARIANT, 0},          {AKA_SIM_SECURE, NULL, ERR_OK, DEVICE_STATE_NAF_INT},
        {AKA_SIM_SECURE, "ext", ERR_DENIED_GBA_VARIANT, 0},    /* refuses R001-143 */
        {AKA_SIM_SECURE, "me", ERR_DENIED_GBA_VARIANT, 0},     /* refuses R001-143 */
        {AKA_SIM_SECURE, "int", ERR_OK, DEVICE_STATE_NAF_INT}, {AKA_SIM_U, "best", ERR_USAGE, 0},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        uint8_t key = 0;
        assert_int_equal(device_gba_choose(rows[i].card, rows[i].wanted, &key), rows[i].e);
        assert_true(rows[i].e != ERR_OK || key == rows[i].key);
    }
    const struct device_state s = bootstrapped(DEVICE_STATE_NAF_INT); /* the key is in a card, and there is none */
    const struct device_gba_ask q = {.state = &s, .crypto = crypto_openssl(), .fqdn = text_of("in.example.com"), .suite = 0x00ae};
    struct device_gba_key k;
    assert_int_equal(device_gba_key(&q, &k), ERR_DENIED_GBA_VARIANT);
}

static void ks_lives_and_ends(void **state)
{
    (void)state;
    for (uint8_t key = DEVICE_STATE_NAF_ME; key < DEVICE_STATE_NAF_KEYS; key++) {
        struct device_state s = bootstrapped(key);
        assert_true(device_state_is_direct(&s) && device_state_is_enrolled(&s));
        assert_true(device_gba_is_live(&s, NOW)); /* R001-128 */
        assert_false(device_gba_is_live(&s, NOW + 10 * HOUR)); /* refuses R001-128 */
        struct device_due d = device_renew_next(&s, NOW);
        assert_int_equal(d.what, DEVICE_RENEW_ENROLMENT);
        assert_int_equal(d.at, NOW + 9 * HOUR);
        device_state_forget_enrolment(&s);
        assert_false(device_gba_is_live(&s, NOW) || device_state_is_enrolled(&s));
        assert_int_equal(device_renew_next(&s, NOW).at, 0); /* at once */
    }
    struct device_state s = bootstrapped(DEVICE_STATE_NAF_ME);
    const struct ub_ue not_over = {.step = UB_UE_ANSWER};
    assert_int_equal(device_gba_bootstrapped(&s, &not_over, NOW), ERR_BUG);
}

static void the_state_is_written_and_read(void **state)
{
    (void)state;
    uint8_t room[DEVICE_STATE_RECORD_MAX];
    struct writer w = WRITER_ARRAY(room);
    struct sealer sealer = {.crypto = crypto_openssl()};
    struct device_state s = bootstrapped(DEVICE_STATE_NAF_ME), back;
    char tmpi[128];
    struct writer t = WRITER_ARRAY(tmpi);
    hex("0000000000000000000000000000000000000000000000000000000000000001", &sealer.root);
    assert_int_equal(device_state_write(&s, &sealer, &w), ERR_OK);
    assert_int_equal(device_state_parse(writer_view(&w), &sealer, &back), ERR_OK);
    assert_string_equal(back.sim.file, "made-up-sim");
    assert_string_equal(back.sim.impi.z, IMPI);
    assert_true(secret_eq(&back.ke.s, &s.ke.s) && back.sim.naf_key == DEVICE_STATE_NAF_ME);
    assert_int_equal(device_gba_tmpi(&back, NULL, crypto_openssl(), &t), ERR_OK);
    assert_true(text_eq_z(writer_view_text(&t), "NdfNQvvGWK4SGbs7c17alrZHQXyhEcrW@tmpi.bsf.3gppnetwork.org"));
    struct device_state in_card = bootstrapped(DEVICE_STATE_NAF_EXT);
    struct writer none = WRITER_ARRAY(tmpi);
    assert_int_equal(device_gba_tmpi(&in_card, NULL, crypto_openssl(), &none), ERR_OK);
    assert_int_equal(none.n, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_key_depends_on_the_suite), cmocka_unit_test(the_identity_is_what_the_hint_asks_for),
        cmocka_unit_test(what_each_card_is_used_with),  cmocka_unit_test(ks_lives_and_ends),
        cmocka_unit_test(the_state_is_written_and_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
