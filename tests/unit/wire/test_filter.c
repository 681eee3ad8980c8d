/* Filter criteria: every row, both ways; every refusal; lists, escapes, bounds. */
#include "wire/filter.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static err_t parse(const char *query, struct writer *scratch, struct filter *f)
{
    struct text rest = text_of(query);
    struct text part;
    memset(f, 0, sizeof(*f));
    while (text_next(&rest, '&', &part)) {
        size_t eq = text_find(part, '=');
        TRY(filter_parse(text_take(part, eq), text_skip(part, eq + 1), scratch, f));
    }
    return ERR_OK;
}

static void every_row_reads_and_writes(void **state)
{
    (void)state;
    static const char all[] = "&crb=20230101T000000&cra=20230102T000000&ms=20230103T000000&us=20230104T000000"
                              "&exb=20230105T000000&exa=20230106T000000&sts=1&stb=0&sza=10&szb=20&ty=3&ty=4&lbl=a"
                              "&lbl=b%20c&cty=text/plain:0&fo=3&lim=5&ofst=7&lvl=2&arp=x/la&drt=2";
    char scratch[256], out[512];
    struct writer s = WRITER_ARRAY(scratch);
    struct writer w = WRITER_ARRAY(out);
    struct filter f;
    assert_int_equal(parse(all + 1, &s, &f), ERR_OK);
    for (int c = 0; c < FILTER_N; c++) {
        assert_true(filter_has(&f, (enum filter_criterion)c));
    }
    assert_int_equal(f.ty_n, 2);
    assert_int_equal(f.lbl.n, 2);
    assert_true(text_eq_z(f.lbl.at[1], "b c") && text_eq_z(f.arp, "x/la"));
    assert_int_equal(f.number[FILTER_FO], FILTER_XOR);
    assert_int_equal(f.number[FILTER_OFST], 7);
    assert_int_equal(filter_write(&f, true, &w), ERR_OK);
    assert_int_equal(writer_finish_z(&w), ERR_OK);
    assert_string_equal(out, all);
    for (size_t cap = 0; cap < sizeof(all) - 1; cap++) {
        w = writer_of(out, cap);
        assert_int_equal(filter_write(&f, true, &w), ERR_LIMIT_SIZE);
    }
}

static void lists_and_escapes(void **state)
{
    (void)state;
    char scratch[64];
    struct writer s = WRITER_ARRAY(scratch);
    struct filter f;
    assert_int_equal(parse("ty=3+4&ty=1&lbl=a%2Bb+c", &s, &f), ERR_OK);
    assert_int_equal(f.ty_n, 3);
    assert_int_equal(f.lbl.n, 2);
    assert_true(text_eq_z(f.lbl.at[0], "a+b") && text_eq_z(f.lbl.at[1], "c"));
    assert_int_equal(parse("lbl=a%2Bb", NULL, &f), ERR_OK); /* CoAP: octets are what they are */
    assert_true(text_eq_z(f.lbl.at[0], "a%2Bb"));
    s = writer_of(scratch, 2);
    assert_int_equal(parse("lbl=a%2Bb", &s, &f), ERR_LIMIT_SIZE);
    assert_true(filter_is_name(text_of("lbl")) && !filter_is_name(text_of("rcn")) && !filter_is_name(text_empty()));
}

static void refusals(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "rcn=1", "x=1", "crb=", "crb=2023", "crb=20231301T000000", "cra=x", "ms=1", "us=1", "exb=0", "exa=-1",
        "crb=20230101T000000&crb=20230101T000000", "sts=0", "sts=", "sts=-1", "sts=1.5", "stb=a", "sza=01", "szb=0",
        "sza=9007199254740992", "ty=0", "ty=65536", "ty=", "ty=3+", "ty=+3", "ty=3++4", "ty=a", "lbl=", "lbl=a+",
        "lbl=%", "lbl=%4", "lbl=%4g", "lbl=%00", "lbl=%0a", "lbl=%7F", "lbl=\x01", "cty=", "fo=0", "fo=4", "lim=0",
        "lim=1&lim=1", "lim=4294967296", "ofst=0", "ofst=18446744073709551616", "lvl=0", "arp=", "drt=0", "drt=3",
        "ty=1+1+1+1+1+1+1+1+1+1+1+1+1+1+1+1+1", "lbl=1+1+1+1+1+1+1+1+1+1+1+1+1+1+1+1+1",
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        char scratch[64];
        struct writer s = WRITER_ARRAY(scratch);
        struct filter f;
        err_t e = parse(bad[i], &s, &f);
        if (e != ERR_MALFORMED_QUERY) {
            fail_msg("%s: %s", bad[i], err_code(e));
        }
    }
    char longest[4 + 257 + 1];
    struct filter f;
    snprintf(longest, sizeof(longest), "lbl=%0256d", 0);
    assert_int_equal(parse(longest, NULL, &f), ERR_OK);
    snprintf(longest, sizeof(longest), "lbl=%0257d", 0);
    assert_int_equal(parse(longest, NULL, &f), ERR_MALFORMED_QUERY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_reads_and_writes),
        cmocka_unit_test(lists_and_escapes),
        cmocka_unit_test(refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
