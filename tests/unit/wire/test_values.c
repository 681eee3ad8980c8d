/* Timestamps, durations, IP addresses and JSON: round trips, tables of refusals, truncation at each octet. */
#include "wire/ipaddr.h"
#include "wire/json.h"
#include "wire/timestamp.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

/* -- timestamps ------------------------------------------------------------------------------------ */

static void timestamps_of_known_moments(void **state)
{
    (void)state;
    static const struct {
        const char *z;
        int64_t seconds;
        int weekday;
    } rows[] = {
        {"19700101T000000", 0, 4},           {"19700101T235959", 86399, 4},       {"19991231T235959", 946684799, 5},
        {"20000229T120000", 951825600, 2},   {"20240229T000000", 1709164800, 4},  {"20380119T031408", 2147483648, 2},
        {"21000228T235959", 4107542399, 0},  {"21000301T000000", 4107542400, 1},  {"24000229T000000", 13574563200, 2},
        {"99991231T235959", 253402300799, 5},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        usec_t t;
        assert_int_equal(timestamp_parse(text_of(rows[i].z), &t), ERR_OK);
        assert_true(t == rows[i].seconds * USEC_PER_SEC);
        char out[TIMESTAMP_LEN + 1];
        struct writer w = WRITER_ARRAY(out);
        timestamp_write(&w, t + 999999);
        assert_int_equal(writer_finish_z(&w), ERR_OK);
        assert_string_equal(out, rows[i].z);
        char fine[TIMESTAMP_MS_LEN + 1];
        struct writer ms = WRITER_ARRAY(fine);
        usec_t back;
        timestamp_write_ms(&ms, t + 40999);
        assert_int_equal(writer_finish_z(&ms), ERR_OK);
        assert_memory_equal(fine, rows[i].z, TIMESTAMP_LEN);
        assert_string_equal(fine + TIMESTAMP_LEN, ",040");
        assert_true(timestamp_parse(text_of(fine), &back) == ERR_OK && back == t + 40000);
        struct timestamp_parts p;
        timestamp_split(t, &p);
        assert_int_equal(p.weekday, rows[i].weekday);
    }
}

/* Against the C library's calendar, one moment in each of many odd steps over 8000 years. */
static void timestamps_agree_with_the_c_library(void **state)
{
    (void)state;
    for (int64_t s = 0; s < INT64_C(253402300800); s += INT64_C(86400) * 13 + 7331) {
        struct timestamp_parts p;
        struct tm tm;
        time_t t = (time_t)s;
        timestamp_split(s * USEC_PER_SEC, &p);
        assert_non_null(gmtime_r(&t, &tm));
        assert_true(p.year == tm.tm_year + 1900 && p.month == tm.tm_mon + 1 && p.day == tm.tm_mday);
        assert_true(p.hour == tm.tm_hour && p.minute == tm.tm_min && p.second == tm.tm_sec);
        assert_int_equal(p.weekday, tm.tm_wday);
        char out[TIMESTAMP_LEN];
        struct writer w = WRITER_ARRAY(out);
        usec_t back;
        timestamp_write(&w, s * USEC_PER_SEC);
        assert_int_equal(timestamp_parse(writer_view_text(&w), &back), ERR_OK);
        assert_true(back == s * USEC_PER_SEC);
    }
}

static void timestamp_fractions(void **state)
{
    (void)state;
    static const struct {
        const char *z;
        usec_t usec;
    } rows[] = {{"19700101T000001,5", 1500000}, {"19700101T000001,000001", 1000001}, {"19700101T000001,123456", 1123456}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        usec_t t;
        assert_int_equal(timestamp_parse(text_of(rows[i].z), &t), ERR_OK);
        assert_true(t == rows[i].usec);
    }
}

static void bad_timestamps_are_refused(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "",                  "20230229T000000",   "21000229T000000",   "19000101T000000",        "19691231T235959",
        "20240001T000000",   "20241301T000000",   "20240100T000000",   "20240132T000000",        "20240431T000000",
        "20240101T240000",   "20240101T006000",   "20240101T000060",   "20240101 000000",        "20240101t000000",
        "2024-01-01T000000", "20240101T00:00:00", "20240101T000000Z",  "20240101T000000,",       "20240101T000000,1234567",
        "20240101T000000.5", "20240101T000000,a", "2024010T0000000",   "+0240101T000000",        "20240101T000000,-1",
        " 20240101T000000",  "120240101T000000",
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        usec_t t;
        if (timestamp_parse(text_of(rows[i]), &t) != ERR_MALFORMED_TIME) {
            fail_msg("taken: %s", rows[i]);
        }
    }
    static const char whole[] = "20240101T000000,123456";
    for (size_t cut = 0; cut < sizeof(whole) - 1; cut++) {
        usec_t t;
        bool valid = cut == 15 || cut > 16;
        assert_int_equal(timestamp_parse(text_span(whole, cut), &t), valid ? ERR_OK : ERR_MALFORMED_TIME);
    }
}

static void timestamps_outside_the_form_show_its_ends(void **state)
{
    (void)state;
    static const struct {
        usec_t t;
        const char *z;
    } rows[] = {{USEC_NEVER, "99991231T235959"}, {-1, "19700101T000000"}, {INT64_MIN, "19700101T000000"}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char out[TIMESTAMP_LEN + 1];
        struct writer w = WRITER_ARRAY(out);
        timestamp_write(&w, rows[i].t);
        assert_int_equal(writer_finish_z(&w), ERR_OK);
        assert_string_equal(out, rows[i].z);
    }
}

static void durations(void **state)
{
    (void)state;
    static const struct {
        const char *z;
        int64_t seconds;
    } rows[] = {{"90d", 7776000}, {"12h", 43200}, {"30m", 1800}, {"45s", 45}, {"0s", 0}, {"253402300799s", 253402300799}};
    usec_t t;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        assert_int_equal(timestamp_duration(text_of(rows[i].z), &t), ERR_OK);
        assert_true(t == rows[i].seconds * USEC_PER_SEC);
    }
    static const char *const bad[] = {"", "d", "90", "90D", "-1d", "1.5h", "01d", " 1d", "1d ", "1w", "253402300800s",
                                      "99999999999999999999d", "1dd"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        assert_int_equal(timestamp_duration(text_of(bad[i]), &t), ERR_MALFORMED_TIME);
    }
}

/* -- addresses ------------------------------------------------------------------------------------- */

static void addresses_match_prefixes(void **state)
{
    (void)state;
    static const struct {
        const char *addr, *net;
        bool in;
    } rows[] = {
        {"10.1.2.3", "10.1.2.3", true},          {"10.1.2.3", "10.1.2.4", false},       {"10.1.2.3", "10.0.0.0/8", true},
        {"10.1.2.3", "10.1.2.0/31", false},      {"10.1.2.1", "10.1.2.0/31", true},     {"11.0.0.0", "10.0.0.0/7", true},
        {"12.0.0.0", "10.0.0.0/7", false},       {"1.2.3.4", "0.0.0.0/0", true},        {"1.2.3.4", "9.9.9.9/0", true},
        {"1.2.3.4", "::/0", false},              {"2001:db8::1", "::/0", true},         {"2001:db8::1", "0.0.0.0/0", false},
        {"2001:db8::1", "2001:db8::/32", true},  {"2001:db9::1", "2001:db8::/32", false},
        {"2001:db8::1", "2001:DB8:0:0::1", true},{"2001:db8::1", "2001:db8::/127", true},
        {"2001:db8::2", "2001:db8::/127", false},
        {"::ffff:10.1.2.3", "10.0.0.0/8", true}, {"10.1.2.3", "::ffff:10.0.0.0/104", true},
        {"11.1.2.3", "::ffff:10.0.0.0/104", false}, {"10.1.2.3", "::ffff:0:0/96", true},
        {"10.1.2.3", "10.255.0.0/8", true},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct ipaddr a;
        struct ipaddr_net n;
        assert_int_equal(ipaddr_parse(text_of(rows[i].addr), &a), ERR_OK);
        assert_int_equal(ipaddr_net_parse(text_of(rows[i].net), &n), ERR_OK);
        if (ipaddr_in(&a, &n) != rows[i].in) {
            fail_msg("%s in %s", rows[i].addr, rows[i].net);
        }
    }
}

static void bad_addresses_are_refused(void **state)
{
    (void)state;
    static const char *const addresses[] = {"",      "1.2.3",     "1.2.3.4.5", "1.2.3.256", "01.2.3.4",  "1.2.3.4 ", "1.2.3.4/8",
                                            "::g",   ":::",       "1::2::3",   "fe80::1%1", "localhost", "0x1.2.3.4",
                                            "[::1]", "1:2:3:4:5:6:7:8:9", "0000:0000:0000:0000:0000:0000:255.255.255.2555555"};
    struct ipaddr a;
    for (size_t i = 0; i < ARRAY_LEN(addresses); i++) {
        assert_int_equal(ipaddr_parse(text_of(addresses[i]), &a), ERR_ATTRIBUTE_TYPE);
    }
    assert_int_equal(ipaddr_parse(text_span("1.2.3.4\0", 8), &a), ERR_ATTRIBUTE_TYPE);
    static const char *const nets[] = {"10.0.0.0/33", "10.0.0.0/",  "10.0.0.0/-1", "10.0.0.0/08", "10.0.0.0/8/8", "::/129",
                                       "/8",          "10.0.0/8",   "::ffff:0:0/95", "10.0.0.0/8 ", "10.0.0.0/255.0.0.0"};
    struct ipaddr_net n;
    for (size_t i = 0; i < ARRAY_LEN(nets); i++) {
        assert_int_equal(ipaddr_net_parse(text_of(nets[i]), &n), ERR_ATTRIBUTE_TYPE);
    }
}

/* The C library reads the same text the same way, wherever it reads it at all. */
static void addresses_agree_with_the_c_library(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "0.0.0.0", "255.255.255.255", "1.2.3.4", "1.2.3.4.", ".1.2.3", "1..2.3", "1.2.3.+4", "00.1.2.3", "::", "::1", "1::",
        "1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:", ":2:3:4:5:6:7:8", "1:2:3:4:5:6:7::", "::2:3:4:5:6:7:8", "1::3:4:5:6:7:8", ":",
        "1:2:3:4:5:6:7", "1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:7:1.2.3.4", "::1.2.3.4", "1.2.3.4::", "::1.2.3.4:1", "1:::2",
        "12345::", "::12345", "FFFF::abcd", "::ffff:1.2.3.04", "::1.2.3", "a:b", "1::2:", ":1::2", "::%", "::1/64", "g::",
        "64:ff9b::192.0.2.33", "2001:db8:0:0:1:0:0:1", "::00001", "fe80::1", "1:2:3:4::5:6:7:8", "::ffff:0:0",
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        uint8_t octets[16];
        bool v6 = strchr(rows[i], ':') != NULL;
        bool wanted = inet_pton(v6 ? AF_INET6 : AF_INET, rows[i], octets) == 1;
        struct ipaddr a = {{0}, 0};
        if ((ipaddr_parse(text_of(rows[i]), &a) == ERR_OK) != wanted) {
            fail_msg("%s: the C library %s it", rows[i], wanted ? "takes" : "refuses");
        }
        struct ipaddr b = ipaddr_of_octets(bytes_of(octets, v6 ? 16 : 4));
        assert_true(!wanted || (a.len == b.len && memcmp(a.b, b.b, a.len) == 0));
    }
}

static void unknown_address_matches_nothing(void **state)
{
    (void)state;
    struct ipaddr_net all;
    assert_int_equal(ipaddr_net_parse(text_of("0.0.0.0/0"), &all), ERR_OK);
    for (size_t n = 0; n <= 20; n++) {
        uint8_t octets[20] = {0};
        struct ipaddr a = ipaddr_of_octets(bytes_of(octets, n));
        assert_int_equal(a.len, n == 4 || n == 16 ? n : 0);
        assert_int_equal(ipaddr_in(&a, &all), n == 4);
    }
    struct ipaddr_net none = {{{0}, 0}, 0};
    struct ipaddr unknown = ipaddr_of_octets(bytes_empty());
    assert_false(ipaddr_in(&unknown, &none));
}

/* -- JSON ------------------------------------------------------------------------------------------- */

static void json_round_trip_keeps_the_order(void **state)
{
    (void)state;
    static const char text[] = "{\"z\":1,\"a\":[true,null,-2,1.5],\"m\":{\"s\":\"\\\"\\\\\\u0001\xc3\xa9\"}}";
    SCOPED(json_scope) json_t *v = NULL;
    assert_int_equal(json_parse(bytes_of(text, sizeof(text) - 1), &v), ERR_OK);
    char out[128];
    struct writer w = WRITER_ARRAY(out);
    assert_int_equal(json_write(v, &w), ERR_OK);
    assert_int_equal(writer_finish_z(&w), ERR_OK);
    assert_string_equal(out, text);
    for (size_t cap = 0; cap < sizeof(text) - 1; cap++) {
        w = writer_of(out, cap);
        assert_int_equal(json_write(v, &w), ERR_LIMIT_SIZE);
    }
    for (size_t cut = 0; cut < sizeof(text) - 1; cut++) {
        json_t *part = NULL;
        assert_int_equal(json_parse(bytes_of(text, cut), &part), ERR_MALFORMED_JSON);
        assert_null(part);
    }
}

static void bad_json_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *z;
        size_t n;
        err_t e;
    } rows[] = {
#define ROW(z, e) {z, sizeof(z) - 1, e}
        ROW("", ERR_MALFORMED_JSON),
        ROW("null", ERR_MALFORMED_JSON),
        ROW("[]", ERR_MALFORMED_JSON),
        ROW("\"a\"", ERR_MALFORMED_JSON),
        ROW("{}x", ERR_MALFORMED_JSON),
        ROW("{}\0", ERR_MALFORMED_JSON),
        ROW("{'a':1}", ERR_MALFORMED_JSON),
        ROW("{\"a\":1,}", ERR_MALFORMED_JSON),
        ROW("{\"a\":01}", ERR_MALFORMED_JSON),
        ROW("{\"a\":NaN}", ERR_MALFORMED_JSON),
        ROW("{\"a\":1e999}", ERR_MALFORMED_JSON),
        ROW("{\"a\":99999999999999999999}", ERR_MALFORMED_JSON),
        ROW("{\"a\":\"\\u0000\"}", ERR_MALFORMED_JSON),
        ROW("{\"a\":\"\0\"}", ERR_MALFORMED_JSON),
        ROW("{\"a\\u0000\":1}", ERR_MALFORMED_JSON),
        ROW("{\"a\":\"\\ud800\"}", ERR_MALFORMED_JSON),
        ROW("{\"a\":\"\xff\"}", ERR_MALFORMED_JSON),
        ROW("\xef\xbb\xbf{}", ERR_MALFORMED_JSON),
        ROW("{\"a\":1,\"a\":2}", ERR_MALFORMED_DUPLICATE),
        ROW("{\"b\":{\"a\":1,\"\\u0061\":2}}", ERR_MALFORMED_DUPLICATE),
#undef ROW
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        json_t *v = NULL;
        if (json_parse(bytes_of(rows[i].z, rows[i].n), &v) != rows[i].e) {
            fail_msg("row %zu: %s", i, rows[i].z);
        }
        assert_null(v);
    }
}

static void json_depth_is_bounded(void **state)
{
    (void)state;
    for (size_t depth = JSON_DEPTH_MAX; depth <= JSON_DEPTH_MAX + 1; depth++) {
        char text[256];
        struct writer w = WRITER_ARRAY(text);
        writer_z(&w, "{\"a[[[{{{\\\"[\":");
        for (size_t i = 1; i < depth; i++) {
            writer_u8(&w, '[');
        }
        for (size_t i = 1; i < depth; i++) {
            writer_u8(&w, ']');
        }
        writer_u8(&w, '}');
        json_t *v = NULL;
        assert_int_equal(json_parse(writer_view(&w), &v), depth > JSON_DEPTH_MAX ? ERR_LIMIT_DEPTH : ERR_OK);
        json_decref(v);
    }
}

static void json_text_members(void **state)
{
    (void)state;
    SCOPED(json_scope) json_t *v = json_object();
    assert_true(json_set_text(v, "a", text_of("b")));
    assert_true(json_set_text(v, "e", text_empty()));
    assert_false(json_set_text(v, "x", text_of("\xff")));
    assert_true(text_eq_z(json_get_text(v, "a"), "b"));
    assert_int_equal(json_get_text(v, "e").n, 0);
    assert_int_equal(json_get_text(v, "x").n, 0);
    json_object_set_new(v, "n", json_integer(1));
    assert_int_equal(json_get_text(v, "n").n, 0);
    assert_int_equal(json_get_text(NULL, "n").n, 0);
}

static void json_strings_are_escaped(void **state)
{
    (void)state;
    static const struct {
        const char *in;
        size_t n;
        const char *out;
    } rows[] = {
#define ROW(in, out) {in, sizeof(in) - 1, out}
        ROW("", "\"\""),
        ROW("a\"b\\c", "\"a\\\"b\\\\c\""),
        ROW("\0\x1f\n\x7f", "\"\\u0000\\u001f\\u000a\\u007f\""),
        ROW("\xc3\xa9\xe2\x82\xac\xf0\x9f\x94\x91", "\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x94\x91\""),
        ROW("\xff", "\"\xef\xbf\xbd\""),
        ROW("\xc3", "\"\xef\xbf\xbd\""),
        ROW("\xc0\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\""),
        ROW("\xed\xa0\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""),
        ROW("\xe2\x82x", "\"\xef\xbf\xbd\xef\xbf\xbdx\""),
        ROW("\xf4\x90\x80\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""),
#undef ROW
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char out[64];
        struct writer w = WRITER_ARRAY(out);
        json_write_string(&w, text_span(rows[i].in, rows[i].n));
        assert_int_equal(writer_finish_z(&w), ERR_OK);
        assert_string_equal(out, rows[i].out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(timestamps_of_known_moments),
        cmocka_unit_test(timestamps_agree_with_the_c_library),
        cmocka_unit_test(timestamp_fractions),
        cmocka_unit_test(bad_timestamps_are_refused),
        cmocka_unit_test(timestamps_outside_the_form_show_its_ends),
        cmocka_unit_test(durations),
        cmocka_unit_test(addresses_match_prefixes),
        cmocka_unit_test(bad_addresses_are_refused),
        cmocka_unit_test(addresses_agree_with_the_c_library),
        cmocka_unit_test(unknown_address_matches_nothing),
        cmocka_unit_test(json_round_trip_keeps_the_order),
        cmocka_unit_test(bad_json_is_refused),
        cmocka_unit_test(json_depth_is_bounded),
        cmocka_unit_test(json_text_members),
        cmocka_unit_test(json_strings_are_escaped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
