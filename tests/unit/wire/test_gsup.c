/* GSUP and its framing: the octets that osmo-hlr sends and takes, every cut and every changed octet of them. */
#include "base/hex.h"
#include "wire/gsup.h"
#include "wire/ipa.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define IMSI "001010123456789"
/* As a real osmo-hlr exchanged them; the keys are those of test vectors. */
static const char request[] = "0012ee0508010800010121436587f95201010a0101";
static const char result[] =
    "0073ee050a010800010121436587f903622010653a4b6f3c3e3ab956430763e765f90d21042600373c2208b846340232c2cf5e"
    "23105c7bed60abcf21498f375e5dc49164c12410fdd9e2d7ed17229996d365e8b08ba84f2510c93b8fd52d0f00008fc777bffda7243b"
    "27080c7b3e982a7b09a40a0101";
static const char unknown[] = "000fee050901080001999999" "9999f9020102";

struct octets {
    uint8_t b[IPA_FRAME_MAX];
    size_t n;
};

static struct octets octets(const char *hex)
{
    struct octets o;
    struct writer w = WRITER_ARRAY(o.b);
    assert_int_equal(hex_parse(text_of(hex), &w), ERR_OK);
    o.n = w.n;
    return o;
}

static struct bytes payload(const struct octets *o)
{
    struct ipa_frame f;
    size_t used = 0;
    assert_int_equal(ipa_parse(bytes_of(o->b, o->n), &f, &used), ERR_OK);
    assert_int_equal(used, o->n);
    assert_int_equal(f.stream, IPA_GSUP);
    return f.payload;
}

static void the_request_is_what_osmo_hlr_takes(void **state)
{
    uint8_t message[GSUP_MAX], frame[IPA_FRAME_MAX];
    struct writer m = WRITER_ARRAY(message), w = WRITER_ARRAY(frame);
    const struct gsup_request q = {.imsi = text_of(IMSI), .vectors = 1};
    struct octets wanted = octets(request);
    (void)state;
    assert_int_equal(gsup_write_request(&q, &m), ERR_OK);
    assert_int_equal(ipa_write(&(struct ipa_frame){.stream = IPA_GSUP, .payload = writer_view(&m)}, &w), ERR_OK);
    assert_int_equal(w.n, wanted.n);
    assert_memory_equal(frame, wanted.b, w.n);
}

static void a_resynchronisation_holds_auts_and_rand(void **state)
{
    uint8_t message[GSUP_MAX];
    struct writer m = WRITER_ARRAY(message);
    struct gsup_resync resync;
    (void)state;
    memset(&resync, 0xa5, sizeof(resync));
    assert_int_equal(gsup_write_request(&(struct gsup_request){.imsi = text_of(IMSI), .vectors = 1, .resync = &resync}, &m),
                     ERR_OK);
    assert_int_equal(m.n, 17 + 2 + GSUP_AUTS_LEN + 2 + AKA_RAND_LEN);
    assert_int_equal(message[17], 0x26);
    assert_int_equal(message[17 + 2 + GSUP_AUTS_LEN], 0x20);
}

static void what_cannot_be_asked_is_refused(void **state)
{
    static const char *const wrong[] = {"", "12345", "0010101234567890", "00101012345678a", "00101 123456789"};
    uint8_t message[GSUP_MAX];
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        struct writer m = WRITER_ARRAY(message);
        assert_int_equal(gsup_write_request(&(struct gsup_request){.imsi = text_of(wrong[i]), .vectors = 1}, &m),
                         ERR_MALFORMED_ID);
    }
    for (unsigned n = 0; n <= GSUP_TUPLES_MAX + 1; n += GSUP_TUPLES_MAX + 1) {
        struct writer m = WRITER_ARRAY(message);
        assert_int_equal(gsup_write_request(&(struct gsup_request){.imsi = text_of(IMSI), .vectors = (uint8_t)n}, &m),
                         ERR_LIMIT_SIZE);
    }
}

static void the_result_gives_its_vector(void **state)
{
    struct octets o = octets(result);
    struct octets ck = octets("fdd9e2d7ed17229996d365e8b08ba84f"), res = octets("0c7b3e982a7b09a4");
    struct gsup_answer a;
    (void)state;
    assert_int_equal(gsup_parse_answer(payload(&o), &a), ERR_OK);
    assert_int_equal(a.type, GSUP_INFO_RESULT);
    assert_string_equal(a.imsi, IMSI);
    assert_int_equal(a.tuples_n, 1);
    assert_true(bytes_eq(secret_view(&a.tuples[0].ck.s), bytes_of(ck.b, ck.n)));
    assert_true(bytes_eq(secret_view(&a.tuples[0].xres.s), bytes_of(res.b, res.n)));
    assert_int_equal(a.tuples[0].autn[0], 0xc9);
    assert_int_equal(a.tuples[0].rand.b[0], 0x65);
    gsup_wipe(&a);
    assert_false(secret_is_set(&a.tuples[0].ck.s));
}

static void the_error_gives_its_cause(void **state)
{
    struct octets o = octets(unknown);
    struct gsup_answer a;
    (void)state;
    assert_int_equal(gsup_parse_answer(payload(&o), &a), ERR_OK);
    assert_int_equal(a.type, GSUP_INFO_ERROR);
    assert_int_equal(a.cause, 2);
    assert_int_equal(gsup_cause_err(a.cause), ERR_DENIED_SUBSCRIBER);
    assert_int_equal(gsup_cause_err(17), ERR_PEER_REFUSED);
}

static void whatever_is_cut_or_wrong_is_refused_and_leaves_nothing(void **state)
{
    static const char *const wrong[] = {
        "08010800010121436587f9",                     /* a request */
        "0a",                                         /* nothing */
        "0a010800010121436587f9",                     /* a result without a vector */
        "09010800010121436587f9",                     /* an error without a cause */
        "09020102",                                   /* nobody's */
        "09010800010121436587f9020100",               /* cause 0 */
        "09010800010121436587f902020002",             /* cause of two octets */
        "09010800010121436587f9020102020102",         /* two causes */
        "09010800010121436587f9010800010121436587f9020102", /* two subscribers */
        "0901080001012143658fff020102",               /* filler before the end */
        "09010800010121436587a9020102",               /* no digit */
        "0901090001012143658700f1020102",             /* 17 digits */
        "0a010800010121436587f903042002" "0001",      /* a short RAND */
    };
    struct octets o = octets(result);
    struct bytes whole = payload(&o);
    static const struct gsup_answer nothing;
    struct gsup_answer a;
    (void)state;
    for (size_t n = 0; n < whole.n; n++) {
        if (n != whole.n - 3) { /* without the message class, which is one element */
            assert_int_equal(gsup_parse_answer(bytes_of(whole.p, n), &a), ERR_MALFORMED_GSUP);
            assert_memory_equal(&a, &nothing, sizeof(a));
        }
    }
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        o = octets(wrong[i]);
        if (gsup_parse_answer(bytes_of(o.b, o.n), &a) != ERR_MALFORMED_GSUP) {
            fail_msg("taken: %s", wrong[i]);
        }
        assert_memory_equal(&a, &nothing, sizeof(a));
    }
}

/* A vector of GSM alone, and a seventh vector. */
static void only_vectors_of_umts_count_and_no_more_than_there_is_room_for(void **state)
{
    struct octets o = octets(result);
    struct bytes whole = payload(&o);
    struct bytes tuple = bytes_of(whole.p + 11, 2 + 0x62);
    uint8_t many[GSUP_MAX];
    struct gsup_answer a;
    (void)state;
    for (size_t n = 1; n <= GSUP_TUPLES_MAX + 1; n++) {
        struct writer w = WRITER_ARRAY(many);
        writer_bytes(&w, bytes_of(whole.p, 11));
        for (size_t i = 0; i < n; i++) {
            writer_bytes(&w, tuple);
        }
        assert_int_equal(gsup_parse_answer(writer_view(&w), &a), n <= GSUP_TUPLES_MAX ? ERR_OK : ERR_MALFORMED_GSUP);
        assert_int_equal(a.tuples_n, n <= GSUP_TUPLES_MAX ? n : 0);
        gsup_wipe(&a);
    }
    struct writer w = WRITER_ARRAY(many);
    writer_bytes(&w, bytes_of(whole.p, 11));
    writer_u16(&w, 0x0320); /* 32 octets: RAND, SRES, Kc */
    writer_bytes(&w, bytes_of(tuple.p + 2, 0x20));
    assert_int_equal(gsup_parse_answer(writer_view(&w), &a), ERR_MALFORMED_GSUP);
}

static void frames_wait_until_they_are_whole(void **state)
{
    static const struct {
        const char *hex;
        err_t err;
    } wrong[] = {{"0000ee", ERR_MALFORMED_GSUP}, {"0001ee05", ERR_OK}, {"0002ee0401", ERR_MALFORMED_GSUP},
                 {"0001ff00", ERR_MALFORMED_GSUP}, {"0401ee", ERR_LIMIT_SIZE}, {"ffffee", ERR_LIMIT_SIZE}};
    struct octets o = octets(result);
    struct ipa_frame f;
    size_t used;
    (void)state;
    for (size_t n = 0; n < o.n; n++) {
        assert_int_equal(ipa_parse(bytes_of(o.b, n), &f, &used), ERR_OK);
        assert_int_equal(used, 0);
    }
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        o = octets(wrong[i].hex);
        assert_int_equal(ipa_parse(bytes_of(o.b, o.n), &f, &used), wrong[i].err);
    }
}

static void the_connection_says_who_it_is(void **state)
{
    uint8_t frame[IPA_FRAME_MAX];
    struct writer w = WRITER_ARRAY(frame);
    struct octets wanted = octets("0018fe05" "000708302f302f3000" "00050062736600" "00050162736600"), get = octets("04010801");
    enum ipa_ccm m;
    (void)state;
    assert_int_equal(ipa_write_ccm(IPA_CCM_ID_RESP, text_of("bsf"), &w), ERR_OK);
    assert_int_equal(w.n, wanted.n);
    assert_memory_equal(frame, wanted.b, w.n);
    assert_int_equal(ipa_parse_ccm(bytes_of(get.b, get.n), &m), ERR_OK);
    assert_int_equal(m, IPA_CCM_ID_GET);
    assert_int_equal(ipa_parse_ccm(bytes_empty(), &m), ERR_MALFORMED_GSUP);
    assert_int_equal(ipa_parse_ccm(bytes_of("\x77", 1), &m), ERR_MALFORMED_GSUP);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_request_is_what_osmo_hlr_takes),
        cmocka_unit_test(a_resynchronisation_holds_auts_and_rand),
        cmocka_unit_test(what_cannot_be_asked_is_refused),
        cmocka_unit_test(the_result_gives_its_vector),
        cmocka_unit_test(the_error_gives_its_cause),
        cmocka_unit_test(whatever_is_cut_or_wrong_is_refused_and_leaves_nothing),
        cmocka_unit_test(only_vectors_of_umts_count_and_no_more_than_there_is_room_for),
        cmocka_unit_test(frames_wait_until_they_are_whole),
        cmocka_unit_test(the_connection_says_who_it_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
