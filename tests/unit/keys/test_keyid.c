/* Key identifiers: form, refusals, folding [TS-0003 10.3.4, 10.3.5, 10.6; R001-87]. */
#include "keys/keyid.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static char *repeat(char *at, char c, size_t n)
{
    memset(at, c, n);
    at[n] = '\0';
    return at;
}

static void fqdn_takes_host_names_only(void **state)
{
    (void)state;
    static const char *const good[] = {"localhost", "a", "mef.example.com", "MEF.Example", "1.example", "a-b.c--d", "x1"};
    static const char *const bad[] = {"",        ".",        "a.",        ".a",       "a..b",      "-a",      "a-",
                                      "a.-b",    "a-.b",     "a_b",       "a b",      "a@b",       "a/b",     "a:1",
                                      "*.a",     "[::1]",    "m\xC3\xA9", "a\nb",     "//a"};
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        assert_true(keyid_is_fqdn(text_of(good[i])));
    }
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        assert_false(keyid_is_fqdn(text_of(bad[i])));
    }
    assert_false(keyid_is_fqdn(text_span("a\0b", 3)));
}

static void fqdn_limits(void **state)
{
    (void)state;
    char z[300];
    assert_true(keyid_is_fqdn(text_of(repeat(z, 'a', 63))));
    assert_false(keyid_is_fqdn(text_of(repeat(z, 'a', 64))));
    for (size_t n = 252; n <= 254; n++) {
        repeat(z, 'a', n);
        z[60] = z[120] = z[180] = z[240] = '.';
        assert_int_equal(keyid_is_fqdn(text_of(z)), n <= 253);
    }
}

static void parse_gives_both_parts(void **state)
{
    (void)state;
    struct keyid_parts p;
    assert_int_equal(keyid_parse(text_of("firstname.last-name_1@mef.example.com"), &p), ERR_OK);
    assert_true(text_eq_z(p.relative, "firstname.last-name_1"));
    assert_true(text_eq_z(p.fqdn, "mef.example.com"));
}

static void parse_refuses(void **state)
{
    (void)state;
    static const char *const bad[] = {"",         "@",     "a@",     "@b",    "ab",     "a@b@c", "a@@b",  "a b@c",
                                      "a@b c",    "a/b@c", "a@b_c",  "a:b@c", "a@b.",   "a%@c",  "\xC3\xA9@c"};
    struct keyid_parts p = {text_of("kept"), text_of("kept")};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        assert_int_equal(keyid_parse(text_of(bad[i]), &p), ERR_MALFORMED_KEY_ID);
    }
    assert_int_equal(keyid_parse(text_span("a\0@b", 4), &p), ERR_MALFORMED_KEY_ID);
    assert_true(text_eq_z(p.fqdn, "kept"));
}

static void parse_of_each_cut(void **state)
{
    (void)state;
    static const char whole[] = "AB@m.x";
    struct keyid_parts p;
    for (size_t n = 0; n <= strlen(whole); n++) {
        bool right = n == 4 || n == 6; /* AB@m, AB@m.x */
        assert_int_equal(keyid_parse(text_span(whole, n), &p), right ? ERR_OK : ERR_MALFORMED_KEY_ID);
    }
}

static void identifiers_end_at_255_octets(void **state)
{
    (void)state;
    char z[300];
    struct keyid id;
    struct keyid_parts p;
    for (size_t n = 254; n <= 256; n++) {
        repeat(z, 'k', n);
        memcpy(z + n - 2, "@m", 2);
        assert_int_equal(keyid_parse(text_of(z), &p), n <= 255 ? ERR_OK : ERR_MALFORMED_KEY_ID);
        assert_int_equal(keyid_of_name(text_span(z, n - 2), text_of("m"), &id), n <= 255 ? ERR_OK : ERR_LIMIT_SIZE);
        assert_int_equal(keyid_fold(text_of(z), &id), n <= 255 ? ERR_OK : ERR_LIMIT_SIZE);
    }
    const struct keys_relative r = {{0}};
    for (size_t n = 221; n <= 223; n++) { /* 32 digits and '@' before it */
        repeat(z, 'a', n);
        z[60] = z[120] = z[180] = '.';
        assert_int_equal(keyid_of_relative(&r, text_of(z), &id), n <= 222 ? ERR_OK : ERR_LIMIT_SIZE);
        assert_int_equal(strlen(id.z), n <= 222 ? n + 33 : 0);
    }
}

static void building_refuses_bad_parts(void **state)
{
    (void)state;
    const struct keys_relative r = {{0xAB, 0xCD}};
    struct keyid id;
    assert_int_equal(keyid_of_relative(&r, text_of("mef.example"), &id), ERR_OK);
    assert_string_equal(id.z, "ABCD0000000000000000000000000000@mef.example");
    assert_int_equal(keyid_of_relative(&r, text_of("mef_example"), &id), ERR_MALFORMED_ID);
    assert_string_equal(id.z, "");
    assert_int_equal(keyid_of_relative(&r, text_empty(), &id), ERR_MALFORMED_ID);
    assert_int_equal(keyid_of_name(text_of("1he83he"), text_of("localhost"), &id), ERR_OK);
    assert_string_equal(id.z, "1he83he@localhost");
    assert_int_equal(keyid_of_name(text_of("a@b"), text_of("c"), &id), ERR_MALFORMED_KEY_ID);
    assert_int_equal(keyid_of_name(text_empty(), text_of("c"), &id), ERR_MALFORMED_KEY_ID);
    assert_int_equal(keyid_of_name(text_of("a"), text_of("c."), &id), ERR_MALFORMED_KEY_ID);
}

static void folding_ignores_case(void **state)
{
    (void)state;
    struct keyid a, b;
    assert_int_equal(keyid_fold(text_of("ABCDef01@MEF.Example"), &a), ERR_OK);
    assert_int_equal(keyid_fold(text_of("abcdEF01@mef.example"), &b), ERR_OK);
    assert_string_equal(a.z, b.z);
    assert_string_equal(a.z, "abcdef01@mef.example");
    assert_int_equal(keyid_fold(text_of("I1U8vpY3qJ0hjWT649R/NQ==@BSF.Example"), &a), ERR_OK); /* R001-141: base64 has its case */
    assert_string_equal(a.z, "I1U8vpY3qJ0hjWT649R/NQ==@bsf.example");
    assert_int_equal(keyid_fold(text_empty(), &a), ERR_MALFORMED_KEY_ID);
    assert_int_equal(keyid_fold(text_span("a\0b@c", 5), &a), ERR_MALFORMED_NUL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fqdn_takes_host_names_only),    cmocka_unit_test(fqdn_limits),
        cmocka_unit_test(parse_gives_both_parts),        cmocka_unit_test(parse_refuses),
        cmocka_unit_test(parse_of_each_cut),             cmocka_unit_test(identifiers_end_at_255_octets),
        cmocka_unit_test(building_refuses_bad_parts),    cmocka_unit_test(folding_ignores_case),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
