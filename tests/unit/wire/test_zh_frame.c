/* Frames between the server and its Diameter process: there and back, cut off anywhere, and what is none. */
#include "base/hex.h"
#include "wire/zh_frame.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define IMPI "bob@lab.example"
#define BLANK16 "00112233445566778899aabbccddeeff"
#define ANSWER "0053" "02" "00000007" "00" BLANK16 BLANK16 "08" "0011223344556677" BLANK16 BLANK16 "0002" "3c3e"

static uint8_t octets[ZH_FRAME_MAX];

static struct bytes of_hex(const char *hex)
{
    struct writer w = WRITER_ARRAY(octets);
    assert_int_equal(hex_parse(text_of(hex), &w), ERR_OK);
    return writer_view(&w);
}

static void a_question_comes_out_as_it_went_in(void **state)
{
    struct zh_frame f, q = {.kind = ZH_FRAME_QUESTION, .token = 0xfedcba98, .impi = text_of(IMPI)};
    size_t used;
    (void)state;
    for (int resync = 0; resync <= 1; resync++) {
        struct writer w = WRITER_ARRAY(octets);
        q.has_resync = resync;
        q.guss_made = resync * INT64_C(1700000000) * USEC_PER_SEC;
        memset(q.resync.rand.b, 0x11, sizeof(q.resync.rand.b));
        memset(q.resync.auts, 0x22, sizeof(q.resync.auts));
        assert_int_equal(zh_frame_write(&q, &w), ERR_OK);
        for (size_t n = 0; n < w.n; n++) {
            assert_int_equal(zh_frame_parse(bytes_of(octets, n), &f, &used), ERR_OK);
            assert_int_equal(used, 0);
        }
        assert_int_equal(zh_frame_parse(writer_view(&w), &f, &used), ERR_OK);
        assert_int_equal(used, w.n);
        assert_true(f.kind == ZH_FRAME_QUESTION && f.token == q.token && text_eq_z(f.impi, IMPI) && f.has_resync == q.has_resync);
        assert_int_equal(f.guss_made, q.guss_made);
        assert_true(!resync || memcmp(&f.resync, &q.resync, sizeof(f.resync)) == 0);
    }
}

static void an_answer_is_read_and_written(void **state)
{
    uint8_t again[ZH_FRAME_MAX];
    struct writer w = WRITER_ARRAY(again);
    struct zh_frame f;
    size_t used;
    (void)state;
    struct bytes b = of_hex(ANSWER);
    assert_int_equal(zh_frame_parse(b, &f, &used), ERR_OK);
    assert_int_equal(used, b.n);
    assert_true(f.kind == ZH_FRAME_ANSWER && f.token == 7 && f.err == ERR_OK);
    assert_int_equal(f.vector.xres.s.n, 8);
    assert_int_equal(f.guss.n, 2);
    assert_int_equal(zh_frame_write(&f, &w), ERR_OK);
    assert_int_equal(w.n, b.n);
    assert_memory_equal(again, b.p, b.n);
    zh_frame_wipe(&f);
    assert_false(secret_is_set(&f.vector.ck.s));
}

static void a_question_of_zn_comes_out_as_it_went_in(void **state)
{
    uint8_t room[ZH_FRAME_MAX];
    struct zh_frame f, q = {.kind = ZH_FRAME_ZN, .token = 9, .host = text_of("naf.example"), .body = bytes_of((const uint8_t *)"{}", 2)};
    size_t used;
    (void)state;
    struct writer w = WRITER_ARRAY(room);
    assert_int_equal(zh_frame_write(&q, &w), ERR_OK);
    assert_int_equal(zh_frame_parse(writer_view(&w), &f, &used), ERR_OK);
    assert_true(used == w.n && f.kind == ZH_FRAME_ZN && f.token == 9 && text_eq_z(f.host, "naf.example") && bytes_eq(f.body, q.body));
    const err_t in[] = {ERR_OK, ERR_DENIED_B_TID, ERR_DENIED_FROM, ERR_BUG}, out[] = {ERR_OK, ERR_DENIED_B_TID, ERR_DENIED_FROM, ERR_PEER_REFUSED};
    for (size_t i = 0; i < ARRAY_LEN(in); i++) {
        q = (struct zh_frame){.kind = ZH_FRAME_ZN_ANSWER, .err = in[i], .body = bytes_of((const uint8_t *)"{}", 2)};
        w = WRITER_ARRAY(room);
        assert_int_equal(zh_frame_write(&q, &w), ERR_OK);
        assert_int_equal(zh_frame_parse(writer_view(&w), &f, &used), ERR_OK);
        assert_true(f.err == out[i] && f.body.n == 2);
    }
    q.body = bytes_of(room, ZH_FRAME_BODY_MAX + 1);
    assert_int_equal(zh_frame_write(&q, &w), ERR_LIMIT_SIZE);
}

static void an_error_has_a_number(void **state)
{
    static const struct {
        err_t in, out;
    } rows[] = {{ERR_DENIED_SUBSCRIBER, ERR_DENIED_SUBSCRIBER}, {ERR_PEER_TIMEOUT, ERR_PEER_TIMEOUT},
                {ERR_PEER_UNREACHABLE, ERR_PEER_UNREACHABLE},   {ERR_PEER_NONSENSE, ERR_PEER_NONSENSE},
                {ERR_DENIED_AUTS, ERR_DENIED_AUTS},             {ERR_BUG, ERR_PEER_REFUSED}};
    struct zh_frame f;
    size_t used;
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct writer w = WRITER_ARRAY(octets);
        assert_int_equal(zh_frame_write(&(struct zh_frame){.kind = ZH_FRAME_ANSWER, .err = rows[i].in}, &w), ERR_OK);
        assert_int_equal(zh_frame_parse(writer_view(&w), &f, &used), ERR_OK);
        assert_int_equal(f.err, rows[i].out);
    }
}

static void what_is_no_frame_is_refused(void **state)
{
    static const struct {
        const char *hex;
        err_t err;
    } wrong[] = {
        {"0000", ERR_PEER_NONSENSE},
        {"ffff", ERR_LIMIT_SIZE},
        {"000505" "00000001", ERR_PEER_NONSENSE},               /* another kind */
        {"000503" "00000001", ERR_PEER_NONSENSE},               /* Zn without its fields */
        {"000803" "00000001" "00" "0000", ERR_PEER_NONSENSE},   /* of nobody */
        {"000a04" "00000001" "06" "0002" "7b7d", ERR_PEER_NONSENSE}, /* an outcome without a row */
        {"000602" "00000001" "07", ERR_PEER_NONSENSE},          /* an outcome without a row */
        {"000702" "00000001" "0100", ERR_PEER_NONSENSE},        /* and one octet more */
        {"000602" "00000001" "00", ERR_PEER_NONSENSE},          /* good, but no vector */
        {"000a01" "00000001" "03" "614062" "02", ERR_PEER_NONSENSE}, /* a resync flag of 2 */
        {"000a01" "00000001" "03" "614062" "01", ERR_PEER_NONSENSE}, /* and none there */
        {"000a01" "00000001" "03" "613a62" "00", ERR_PEER_NONSENSE}, /* not an IMPI */
        {"004f" "02" "00000007" "00" BLANK16 BLANK16 "03" "001122" BLANK16 BLANK16 "0003" "3c3e3e", ERR_PEER_NONSENSE}, /* RES */
        {"0053" "02" "00000007" "00" BLANK16 BLANK16 "08" "0011223344556677" BLANK16 BLANK16 "0003" "3c3e", ERR_PEER_NONSENSE},
    };
    struct zh_frame f;
    size_t used;
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        assert_int_equal(zh_frame_parse(of_hex(wrong[i].hex), &f, &used), wrong[i].err);
        assert_int_equal(used, 0);
        assert_false(secret_is_set(&f.vector.xres.s));
    }
    struct writer w = WRITER_ARRAY(octets);
    struct zh_frame big = {.kind = ZH_FRAME_ANSWER, .guss = bytes_of(octets, ZH_FRAME_GUSS_MAX + 1)};
    assert_int_equal(zh_frame_write(&big, &w), ERR_LIMIT_SIZE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_question_comes_out_as_it_went_in),
        cmocka_unit_test(an_answer_is_read_and_written),
        cmocka_unit_test(a_question_of_zn_comes_out_as_it_went_in),
        cmocka_unit_test(an_error_has_a_number),
        cmocka_unit_test(what_is_no_frame_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
