/* What goes to a UICC and what comes back, octet by octet; every answer cut at each octet. */
#include "aka/aka_apdu.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const uint8_t head_3g[] = {0x00, 0x88, 0x00, 0x81, 0x22, 0x10}, head_gba[] = {0x00, 0x88, 0x00, 0x84, 0x23, 0xDD, 0x10};

static void commands(void **state)
{
    (void)state;
    uint8_t room[AKA_APDU_MAX];
    struct aka_rand rand;
    struct aka_autn autn;
    struct naf_id id;
    static char long_name[GBA_FQDN_MAX + 1];
    memset(rand.b, 0x52, sizeof(rand.b));
    memset(autn.b, 0x41, sizeof(autn.b));
    struct writer w = WRITER_ARRAY(room);
    assert_int_equal(aka_apdu_authenticate(&w, &rand, &autn), ERR_OK);
    assert_int_equal(w.n, 5 + 0x22 + 1);
    assert_memory_equal(room, head_3g, sizeof(head_3g));
    assert_memory_equal(room + 6, rand.b, 16);
    assert_int_equal(room[22], 0x10);
    assert_memory_equal(room + 23, autn.b, 16);
    w = WRITER_ARRAY(room);
    assert_int_equal(aka_apdu_bootstrap(&w, &rand, &autn), ERR_OK);
    assert_int_equal(w.n, 5 + 0x23 + 1);
    assert_memory_equal(room, head_gba, sizeof(head_gba));
    w = WRITER_ARRAY(room);
    assert_int_equal(naf_id_of(text_of("in.example.com"), naf_id_ua_tls(0x00ae), &id), ERR_OK);
    assert_int_equal(aka_apdu_derive(&w, &id, text_of("made-up@example.com")), ERR_OK);
    assert_int_equal(room[3], 0x84);
    assert_int_equal(room[5], 0xDE);
    assert_int_equal(room[6], 14 + 5);
    assert_int_equal(room[4], 3 + 14 + 5 + 19);
    memset(long_name, 'a', 240); /* of four labels */
    long_name[60] = long_name[120] = long_name[180] = '.';
    assert_int_equal(naf_id_of(text_of(long_name), naf_id_ua_tls(0x00ae), &id), ERR_OK);
    w = WRITER_ARRAY(room);
    assert_int_equal(aka_apdu_derive(&w, &id, text_of("made-up@example.com")), ERR_LIMIT_SIZE);
}

static struct bytes answer(uint8_t *room, uint8_t tag, const uint8_t *lengths, size_t n)
{
    struct writer w = writer_of(room, 256);
    writer_u8(&w, tag);
    for (size_t i = 0; i < n; i++) {
        writer_u8(&w, lengths[i]);
        for (uint8_t k = 0; k < lengths[i]; k++) {
            writer_u8(&w, (uint8_t)(0x10 * (i + 1)));
        }
    }
    return writer_view(&w);
}

static void answers(void **state)
{
    (void)state;
    static const struct {
        uint8_t tag, lengths[5];
        size_t n;
        bool gba;
        err_t e;
    } rows[] = {
        {0xDB, {8, 16, 16, 8}, 4, false, ERR_OK},  {0xDB, {8, 16, 16}, 3, false, ERR_OK},  {0xDB, {8}, 1, true, ERR_OK},
        {0xDC, {14}, 1, false, ERR_SQN_RANGE},     {0xDC, {14}, 1, true, ERR_SQN_RANGE},   {0xDC, {13}, 1, false, ERR_SIM_CARD},
        {0xDB, {8, 15, 16}, 3, false, ERR_SIM_CARD}, {0xDB, {8, 16, 17}, 3, false, ERR_SIM_CARD}, {0xDB, {3, 16, 16}, 3, false, ERR_SIM_CARD},
        {0xDB, {17}, 1, true, ERR_SIM_CARD},       {0xDB, {8, 16, 16}, 3, true, ERR_SIM_CARD}, {0xDE, {8}, 1, true, ERR_SIM_CARD},
        {0xDB, {8, 16, 16, 8, 1}, 5, false, ERR_SIM_CARD},
    };
    uint8_t room[256];
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct aka_answer a;
        struct bytes b = answer(room, rows[i].tag, rows[i].lengths, rows[i].n);
        assert_int_equal(aka_apdu_answer(b, rows[i].gba, &a), rows[i].e);
        assert_int_equal(secret_is_set(&a.res.s), rows[i].e == ERR_OK);
        assert_int_equal(secret_is_set(&a.ck.s), rows[i].e == ERR_OK && !rows[i].gba);
        for (size_t n = 0; n < b.n; n++) {
            err_t e = aka_apdu_answer(bytes_of(b.p, n), rows[i].gba, &a);
            bool whole = rows[i].gba ? n == 1 + 9 : n == 1 + 9 + 17 + 17 || n == 1 + 9 + 17 + 17 + 9; /* Kc may be left out */
            assert_true(e == ERR_SIM_CARD || (e == ERR_OK && whole));
        }
    }
    struct key_ks_ext_naf k = {0};
    static const uint8_t whole[] = {32}, part[] = {31}, behind[] = {32, 0};
    assert_int_equal(aka_apdu_derived(answer(room, 0xDB, whole, 1), &k), ERR_OK);
    assert_true(secret_is_set(&k.s));
    assert_int_equal(aka_apdu_derived(answer(room, 0xDB, part, 1), &k), ERR_SIM_CARD);
    assert_int_equal(aka_apdu_derived(answer(room, 0xDC, whole, 1), &k), ERR_SIM_CARD);
    assert_int_equal(aka_apdu_derived(bytes_empty(), &k), ERR_SIM_CARD);
    assert_int_equal(aka_apdu_derived(answer(room, 0xDB, behind, 2), &k), ERR_SIM_CARD);
    assert_false(secret_is_set(&k.s));
}

static void who_the_card_is(void **state)
{
    (void)state;
    static const uint8_t imsi[] = {8, 0x09, 0x10, 0x10, 0x21, 0x43, 0x65, 0x87, 0x09}, ad3[] = {0, 0, 0, 3}, ad2[] = {0, 0, 0, 2};
    static const uint8_t even[] = {4, 0x01, 0x10, 0x10, 0xF1}, letters[] = {2, 0x09, 0xA0};
    struct impi impi;
    assert_int_equal(aka_apdu_impi(BYTES_ARRAY(imsi), BYTES_ARRAY(ad2), &impi), ERR_OK);
    assert_string_equal(impi.z, "001011234567890@ims.mnc001.mcc001.3gppnetwork.org");
    assert_int_equal(aka_apdu_impi(BYTES_ARRAY(imsi), BYTES_ARRAY(ad3), &impi), ERR_OK);
    assert_string_equal(impi.z, "001011234567890@ims.mnc011.mcc001.3gppnetwork.org");
    assert_int_equal(aka_apdu_impi(BYTES_ARRAY(even), BYTES_ARRAY(ad2), &impi), ERR_OK);
    assert_true(text_starts(text_of(impi.z), "001011@ims.mnc001"));
    assert_int_equal(aka_apdu_impi(BYTES_ARRAY(letters), BYTES_ARRAY(ad2), &impi), ERR_SIM_CARD);
    assert_int_equal(aka_apdu_impi(bytes_of(imsi, 5), BYTES_ARRAY(ad2), &impi), ERR_SIM_CARD);
    assert_int_equal(aka_apdu_impi(BYTES_ARRAY(imsi), bytes_of(ad2, 3), &impi), ERR_SIM_CARD);
    assert_int_equal(aka_apdu_impi(BYTES_ARRAY(imsi), bytes_of(imsi, 4), &impi), ERR_SIM_CARD); /* an MNC of no length */
    uint8_t ust[9] = {0};
    assert_false(aka_apdu_has_gba(BYTES_ARRAY(ust)));
    ust[8] = 0x08;
    assert_true(aka_apdu_has_gba(BYTES_ARRAY(ust)));
    assert_false(aka_apdu_has_gba(bytes_of(ust, 8)));
}

static void status_words(void **state)
{
    (void)state;
    assert_int_equal(aka_apdu_status(0x9000), ERR_OK);
    assert_int_equal(aka_apdu_status(0x6135), ERR_OK);
    assert_int_equal(aka_apdu_status(0x9862), ERR_DENIED_AUTN);
    assert_int_equal(aka_apdu_status(0x9864), ERR_DENIED_GBA_VARIANT);
    assert_int_equal(aka_apdu_status(0x6982), ERR_SIM_PIN);
    assert_int_equal(aka_apdu_status(0x6983), ERR_SIM_PIN_BLOCKED);
    assert_int_equal(aka_apdu_status(0x6985), ERR_STATE);
    assert_int_equal(aka_apdu_status(0x6F00), ERR_SIM_CARD);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(commands),
        cmocka_unit_test(answers),
        cmocka_unit_test(who_the_card_is),
        cmocka_unit_test(status_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
