/* Unit tests of base/: cursor, writer, hex, base64, secret, arena, error table. */
#include "base/arena.h"
#include "base/base64.h"
#include "base/ct.h"
#include "base/hex.h"
#include "base/reader.h"
#include "base/secret.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void reader_is_sticky_at_each_cut(void **state)
{
    (void)state;
    const uint8_t msg[] = {1, 0, 3, 'a', 'b', 'c', 0, 0, 0, 9};
    for (size_t cut = 0; cut <= sizeof(msg); cut++) {
        struct reader r = reader_of(bytes_of(msg, cut));
        uint8_t v = reader_u8(&r);
        char name[8];
        reader_text16(&r, name, sizeof(name));
        uint32_t last = reader_u32(&r);
        err_t e = reader_finish(&r);
        if (cut < sizeof(msg)) {
            assert_int_equal(e, ERR_MALFORMED_TRUNCATED);
            assert_int_equal(last, 0);
        } else {
            assert_int_equal(e, ERR_OK);
            assert_int_equal(v, 1);
            assert_string_equal(name, "abc");
            assert_int_equal(last, 9);
        }
    }
    struct reader r = reader_of(BYTES_ARRAY(msg));
    (void)reader_u8(&r);
    assert_int_equal(reader_finish(&r), ERR_MALFORMED_TRAILING);
}

static void reader_refuses_nul_and_long_text(void **state)
{
    (void)state;
    char name[4];
    struct reader r = reader_of(bytes_of("\0\3a\0b", 5));
    reader_text16(&r, name, sizeof(name));
    assert_true(reader_failed(&r));
    r = reader_of(bytes_of("\0\4abcd", 6));
    reader_text16(&r, name, sizeof(name));
    assert_true(reader_failed(&r));
    assert_string_equal(name, "");
}

static void writer_overflow_is_sticky(void **state)
{
    (void)state;
    uint8_t buf[4];
    struct writer w = WRITER_ARRAY(buf);
    size_t mark = writer_mark16(&w);
    writer_z(&w, "ab");
    writer_close16(&w, mark);
    assert_int_equal(writer_finish(&w), ERR_OK);
    assert_memory_equal(buf, "\0\2ab", 4);
    writer_u8(&w, 1);
    assert_int_equal(writer_finish(&w), ERR_LIMIT_SIZE);
    assert_int_equal(writer_view(&w).n, 4);
}

static void writer_decimal_writes_every_width(void **state)
{
    (void)state;
    char buf[64];
    struct writer w = WRITER_ARRAY(buf);
    writer_decimal(&w, 0);
    writer_u8(&w, ' ');
    writer_decimal(&w, UINT64_MAX);
    assert_int_equal(writer_finish_z(&w), ERR_OK);
    assert_string_equal(buf, "0 18446744073709551615");
}

static void hex_round_trip_and_refusals(void **state)
{
    (void)state;
    uint8_t all[256], back[256];
    char text[513];
    for (size_t i = 0; i < 256; i++) {
        all[i] = (uint8_t)i;
    }
    struct writer w = WRITER_ARRAY(text);
    hex_write_upper(&w, BYTES_ARRAY(all));
    assert_int_equal(writer_finish_z(&w), ERR_OK);
    assert_memory_equal(text + 2 * 0xAB, "AB", 2);
    struct writer o = WRITER_ARRAY(back);
    assert_int_equal(hex_parse(text_of(text), &o), ERR_OK);
    assert_memory_equal(all, back, 256);
    for (unsigned c = 0; c < 256; c++) {
        char two[2] = {(char)c, '0'};
        bool good = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
        o = WRITER_ARRAY(back);
        assert_int_equal(hex_parse(text_span(two, 2), &o), good ? ERR_OK : ERR_MALFORMED_HEX);
    }
    o = WRITER_ARRAY(back);
    assert_int_equal(hex_parse(text_of("abc"), &o), ERR_MALFORMED_HEX);
}

static void base64_comes_in_lines(void **state)
{
    (void)state;
    uint8_t in[100];
    uint8_t back[100];
    char lines[200];
    char room[200];
    for (size_t n = 0; n <= sizeof(in); n++) {
        memset(in, (int)n, sizeof(in));
        struct writer w = WRITER_ARRAY(lines);
        base64_write_lines(&w, bytes_of(in, n));
        assert_int_equal(w.n, BASE64_LEN(n) + (n + 47) / 48);
        assert_true(n == 0 || lines[w.n - 1] == '\n');
        struct writer scratch = WRITER_ARRAY(room);
        struct writer o = WRITER_ARRAY(back);
        assert_int_equal(base64_parse_lines(writer_view_text(&w), &scratch, &o), ERR_OK);
        assert_true(bytes_eq(writer_view(&o), bytes_of(in, n)));
    }
    static const char *const same[] = {"AAEC", "A\r\nA EC\n", "\tAAEC ", "AA\nEC"};
    static const char *const bad[] = {"AAE\n", "AA\vEC", "AAEC\n=", "A=\nEC"};
    for (size_t i = 0; i < ARRAY_LEN(same); i++) {
        struct writer scratch = WRITER_ARRAY(room);
        struct writer o = WRITER_ARRAY(back);
        assert_int_equal(base64_parse_lines(text_of(same[i]), &scratch, &o), ERR_OK);
        assert_true(bytes_eq(writer_view(&o), bytes_of("\0\1\2", 3)));
        scratch = WRITER_ARRAY(room);
        o = WRITER_ARRAY(back);
        assert_int_equal(base64_parse_lines(text_of(bad[i]), &scratch, &o), ERR_MALFORMED_BASE64);
    }
    struct writer small = writer_of(room, 3);
    struct writer o = WRITER_ARRAY(back);
    assert_int_equal(base64_parse_lines(text_of("AAEC"), &small, &o), ERR_LIMIT_SIZE);
}

static void base64_vectors_of_rfc_4648(void **state)
{
    (void)state;
    static const char *const pairs[][2] = {{"", ""},           {"f", "Zg=="},       {"fo", "Zm8="},        {"foo", "Zm9v"},
                                           {"foob", "Zm9vYg=="}, {"fooba", "Zm9vYmE="}, {"foobar", "Zm9vYmFy"}};
    for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
        char out[32];
        struct writer w = WRITER_ARRAY(out);
        base64_write(&w, text_bytes(text_of(pairs[i][0])));
        assert_int_equal(writer_finish_z(&w), ERR_OK);
        assert_string_equal(out, pairs[i][1]);
        w = WRITER_ARRAY(out);
        assert_int_equal(base64_parse(text_of(pairs[i][1]), &w), ERR_OK);
        assert_true(text_eq_z(writer_view_text(&w), pairs[i][0]));
    }
    uint8_t all[256], back[256];
    char text[400];
    for (size_t i = 0; i < 256; i++) {
        all[i] = (uint8_t)(i * 7);
    }
    struct writer w = WRITER_ARRAY(text);
    base64_write(&w, BYTES_ARRAY(all));
    assert_int_equal(writer_finish(&w), ERR_OK);
    struct writer o = WRITER_ARRAY(back);
    assert_int_equal(base64_parse(writer_view_text(&w), &o), ERR_OK);
    assert_memory_equal(all, back, 256);
    static const char *const bad[] = {"Zg", "Zg=", "Zh==", "Zm9=", "Z===", "====", "Zm9v====", "Zm 9", "Zm-_"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        o = WRITER_ARRAY(back);
        assert_int_equal(base64_parse(text_of(bad[i]), &o), ERR_MALFORMED_BASE64);
    }
}

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static int naive_value(char c)
{
    const char *at = c == '\0' ? NULL : strchr(alphabet, c);
    return at == NULL ? -1 : (int)(at - alphabet);
}

/* Six bits a symbol, one bit after the other. */
static void assert_stands_for(const uint8_t *octets, const char *t, size_t n)
{
    for (size_t i = 0; i < n * 6; i++) {
        const unsigned v = (unsigned)naive_value(t[i / 6]);
        assert_int_equal(octets[i / 8] >> (7 - i % 8) & 1, v >> (5 - i % 6) & 1U);
    }
}

/* The codec takes eight symbols at a time: each octet at each place, in room that is exact. */
static void base64_knows_each_symbol_at_each_place(void **state)
{
    (void)state;
    char t[24];
    uint8_t room[18 + 1], back[18];
    enum { LENGTHS = 6, PLACES = 24 };
    for (size_t i = 0; i < 256 * LENGTHS * PLACES; i++) {
        const size_t n = 4 * (1 + i % LENGTHS), at = i / LENGTHS % n, octets = n / 4 * 3;
        memset(t, 'B', sizeof(t));
        memset(room, 0xEE, sizeof(room));
        t[at] = (char)(i / (LENGTHS * PLACES));
        const bool good = naive_value(t[at]) >= 0;
        struct writer w = writer_of(room, octets), small = writer_of(back, octets - 1);
        assert_int_equal(base64_parse(text_span(t, n), &w), good ? ERR_OK : ERR_MALFORMED_BASE64);
        assert_int_equal(base64_parse(text_span(t, n), &small), good ? ERR_LIMIT_SIZE : ERR_MALFORMED_BASE64);
        assert_int_equal(room[octets], 0xEE);
        if (good) {
            char again[24 + 1] = {[24] = '~'};
            assert_stands_for(room, t, n);
            w = writer_of(again + 24 - n, n);
            base64_write(&w, bytes_of(room, octets));
            assert_memory_equal(again + 24 - n, t, n);
            assert_int_equal(again[24], '~');
        }
    }
}

static void secret_compares_and_wipes(void **state)
{
    (void)state;
    struct secret a = {0}, b = {0};
    uint8_t big[SECRET_MAX + 1] = {0};
    assert_int_equal(secret_set(&a, bytes_of("0123456789abcdef", 16)), ERR_OK);
    assert_int_equal(secret_set(&b, bytes_of("0123456789abcdeF", 16)), ERR_OK);
    assert_false(secret_eq(&a, &b));
    assert_int_equal(secret_set(&b, secret_view(&a)), ERR_OK);
    assert_true(secret_eq(&a, &b));
    assert_int_equal(secret_set(&a, BYTES_ARRAY(big)), ERR_MALFORMED_KEY);
    assert_false(secret_is_set(&a));
    secret_wipe(&b);
    uint8_t zero[sizeof(b)] = {0};
    assert_memory_equal(&b, zero, sizeof(b));
}

static void text_numbers_and_splitting(void **state)
{
    (void)state;
    uint64_t v = 0;
    assert_int_equal(text_u64(text_of("0"), 9, &v), ERR_OK);
    assert_int_equal(text_u64(text_of("18446744073709551615"), UINT64_MAX, &v), ERR_OK);
    static const char *const bad[] = {"", "01", "-1", "+1", " 1", "1 ", "18446744073709551616", "99999999999999999999", "0x1"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        assert_int_equal(text_u64(text_of(bad[i]), UINT64_MAX, &v), ERR_MALFORMED);
    }
    assert_int_equal(text_u64(text_of("10"), 9, &v), ERR_MALFORMED);
    struct text rest = text_of("a,,b"), part;
    assert_true(text_next(&rest, ',', &part) && text_eq_z(part, "a"));
    assert_true(text_next(&rest, ',', &part) && part.n == 0);
    assert_true(text_next(&rest, ',', &part) && text_eq_z(part, "b"));
    assert_false(text_next(&rest, ',', &part));
    assert_true(text_eq_z(text_trim(text_of(" \t a b\t"), " \t"), "a b"));
    assert_true(text_eq_z(text_trim(text_of("a\r"), " \t"), "a\r"));
    assert_true(text_trim(text_of(" \t "), " \t").n == 0 && text_trim(text_empty(), " ").n == 0);
    assert_true(text_trim(text_span("\0a\0", 3), " ").n == 3); /* the end of the set is none of it */
}

static void arena_gives_aligned_zeroed_memory_until_full(void **state)
{
    (void)state;
    uint8_t mem[256];
    memset(mem, 0xAA, sizeof(mem));
    struct arena a = arena_of(mem, sizeof(mem));
    assert_non_null(arena_alloc(&a, 3));
    uint64_t *p = arena_alloc(&a, 16);
    assert_non_null(p);
    assert_int_equal((uintptr_t)p % 16, 0);
    assert_int_equal(*p, 0);
    assert_null(arena_alloc(&a, 4096));
    arena_reset(&a);
    assert_non_null(arena_alloc(&a, 200));
}

static void error_table_is_complete_and_unique(void **state)
{
    (void)state;
    for (unsigned i = 0; i < ERR_COUNT; i++) {
        const struct err_info *row = err_info((err_t)i);
        assert_non_null(row->code);
        assert_non_null(row->text);
        assert_true(row->rsc >= 2000);
        if (i > 0) {
            assert_int_equal(err_of_code(row->code), i); /* also proves that no code stands twice */
        }
    }
    assert_ptr_equal(err_info((err_t)9999), err_info(ERR_BUG));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reader_is_sticky_at_each_cut),
        cmocka_unit_test(reader_refuses_nul_and_long_text),
        cmocka_unit_test(writer_overflow_is_sticky),
        cmocka_unit_test(writer_decimal_writes_every_width),
        cmocka_unit_test(hex_round_trip_and_refusals),
        cmocka_unit_test(base64_vectors_of_rfc_4648),
        cmocka_unit_test(base64_comes_in_lines),
        cmocka_unit_test(base64_knows_each_symbol_at_each_place),
        cmocka_unit_test(secret_compares_and_wipes),
        cmocka_unit_test(text_numbers_and_splitting),
        cmocka_unit_test(arena_gives_aligned_zeroed_memory_until_full),
        cmocka_unit_test(error_table_is_complete_and_unique),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
