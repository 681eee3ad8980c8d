/* HTTP/1.1: what is taken, what is refused (tests/vectors/http.txt), truncation at each octet, replies. */
#include "wire/http1.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define BODY_MAX 4096

static struct bytes octets(const char *z)
{
    return bytes_of(z, strlen(z));
}

static const char post[] = "POST /~/in/Cdev?rcn=1 HTTP/1.1\r\nHost: cse.example:8443\r\nX-M2M-Origin: Cdev\r\n"
                           "x-m2m-ri:  r 1 \t\r\nAccept:\r\nContent-Length: 7\r\n\r\n{\"a\":1}";

static void request_is_views_into_the_input(void **state)
{
    (void)state;
    struct http1_request r;
    size_t used;
    assert_int_equal(http1_parse(octets(post), BODY_MAX, &r, &used), ERR_OK);
    assert_int_equal(used, sizeof(post) - 1);
    assert_int_equal(r.method, HTTP1_POST);
    assert_true(text_eq_z(r.target, "/~/in/Cdev?rcn=1"));
    assert_ptr_equal(r.target.p, post + 5);
    assert_int_equal(r.headers_n, 5);
    assert_true(text_eq_z(http1_header_get(&r, "X-M2M-RI"), "r 1"));
    assert_true(text_eq_z(http1_header_get(&r, "accept"), ""));
    assert_true(text_eq_z(http1_header_get(&r, "absent"), ""));
    assert_ptr_equal(r.body.p, post + sizeof(post) - 1 - 7);
    assert_int_equal(r.body.n, 7);
    assert_true(r.keep_alive);
}

/* Exactly as long as it is cut, on the heap: a read past the end is seen by the sanitizer. */
static void more_is_asked_for_at_each_cut(void **state)
{
    (void)state;
    for (size_t cut = 0; cut < sizeof(post) - 1; cut++) {
        uint8_t *copy = malloc(cut + 1);
        assert_non_null(copy);
        uint8_t *exact = copy + 1;
        memcpy(exact, post, cut);
        struct http1_request r;
        size_t used = 1;
        assert_int_equal(http1_parse(bytes_of(exact, cut), BODY_MAX, &r, &used), ERR_OK);
        assert_int_equal(used, 0);
        free(copy);
    }
}

static void pipelined_requests_are_taken_one_by_one(void **state)
{
    (void)state;
    char two[1024];
    int n = snprintf(two, sizeof(two), "%sGET /-/x HTTP/1.1\r\nHost: h\r\nConnection: keep-alive, close\r\n\r\nGE", post);
    struct http1_request r;
    size_t used;
    struct bytes in = bytes_of(two, (size_t)n);
    assert_int_equal(http1_parse(in, BODY_MAX, &r, &used), ERR_OK);
    assert_int_equal(used, sizeof(post) - 1);
    in = bytes_of(in.p + used, in.n - used);
    assert_int_equal(http1_parse(in, BODY_MAX, &r, &used), ERR_OK);
    assert_int_equal(r.method, HTTP1_GET);
    assert_true(text_eq_z(r.target, "/-/x"));
    assert_false(r.keep_alive);
    assert_int_equal(r.body.n, 0);
    in = bytes_of(in.p + used, in.n - used);
    assert_int_equal(http1_parse(in, BODY_MAX, &r, &used), ERR_OK);
    assert_int_equal(used, 0);
}

static void other_methods_are_parsed_and_end_the_connection(void **state)
{
    (void)state;
    static const struct {
        const char *z;
        enum http1_method method;
    } rows[] = {
        {"PUT /x HTTP/1.1\r\nHost: h\r\n\r\n", HTTP1_PUT},     {"DELETE /x HTTP/1.1\r\nHost: h\r\n\r\n", HTTP1_DELETE},
        {"HEAD /x HTTP/1.1\r\nHost: h\r\n\r\n", HTTP1_OTHER},  {"PATCH /x HTTP/1.1\r\nHost: h\r\n\r\n", HTTP1_OTHER},
        {"OPTIONS /x HTTP/1.1\r\nHost: h\r\n\r\n", HTTP1_OTHER},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct http1_request r;
        size_t used;
        assert_int_equal(http1_parse(octets(rows[i].z), BODY_MAX, &r, &used), ERR_OK);
        assert_int_equal(used, strlen(rows[i].z));
        assert_int_equal(r.method, rows[i].method);
        assert_int_equal(r.keep_alive, rows[i].method != HTTP1_OTHER);
    }
}

/* Vector lines: expected code, TAB, request with C escapes (\r \n \t \0 \xHH). */
static size_t unescape(char *z)
{
    char *to = z;
    for (const char *p = z; *p != '\0'; p++) {
        if (*p != '\\') {
            *to++ = *p;
            continue;
        }
        p++;
        unsigned v = 0;
        switch (*p) {
        case 'r':
            *to++ = '\r';
            break;
        case 'n':
            *to++ = '\n';
            break;
        case 't':
            *to++ = '\t';
            break;
        case '0':
            *to++ = '\0';
            break;
        case 'x':
            assert_int_equal(sscanf(p + 1, "%2x", &v), 1);
            *to++ = (char)v;
            p += 2;
            break;
        default:
            fail_msg("unknown escape %c", *p);
        }
    }
    return (size_t)(to - z);
}

static void smuggling_list_is_refused(void **state)
{
    (void)state;
    char path[1024];
    snprintf(path, sizeof(path), "%s/tests/vectors/http.txt", getenv("KEYSTEAD_SOURCE"));
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    char line[2048];
    int seen = 0;
    while (fgets(line, sizeof(line), f) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        char *tab = strchr(line, '\t');
        if (line[0] == '#' || tab == NULL) {
            continue;
        }
        *tab = '\0';
        size_t n = unescape(tab + 1);
        struct http1_request r;
        size_t used;
        err_t e = http1_parse(bytes_of(tab + 1, n), BODY_MAX, &r, &used);
        if (strcmp(err_code(e), line) != 0 || (e == ERR_OK && used != n)) {
            fail_msg("expected %s, got %s (%zu of %zu octets): %s", line, err_code(e), used, n, tab + 1);
        }
        seen++;
    }
    fclose(f);
    assert_true(seen > 40);
}

static void garbage_is_refused_before_its_end(void **state)
{
    (void)state;
    static const char *const rows[] = {"\x16\x03\x01", "\r\n", " GET", "GET / HTTP/1.1\n", "GET /\x01", "get", "GET /x\r\r"};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct http1_request r;
        size_t used;
        assert_int_equal(http1_parse(octets(rows[i]), BODY_MAX, &r, &used), ERR_MALFORMED_HTTP);
    }
}

static void sizes_are_bounded(void **state)
{
    (void)state;
    static char big[40000];
    struct http1_request r;
    size_t used;
    const char *start = "GET /x HTTP/1.1\r\nHost: h\r\nA: ";
    memset(big, 'a', sizeof(big));
    memcpy(big, start, strlen(start));
    assert_int_equal(http1_parse(bytes_of(big, 16 * 1024 - 1), BODY_MAX, &r, &used), ERR_OK);
    assert_int_equal(used, 0);
    assert_int_equal(http1_parse(bytes_of(big, 16 * 1024), BODY_MAX, &r, &used), ERR_LIMIT_SIZE);
    memcpy(big + 16 * 1024 - 4, "\r\n\r\n", 4);
    assert_int_equal(http1_parse(bytes_of(big, sizeof(big)), BODY_MAX, &r, &used), ERR_OK);
    assert_int_equal(used, 16 * 1024);

    const char *body = "PUT /x HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\n12345";
    assert_int_equal(http1_parse(octets(body), 5, &r, &used), ERR_OK);
    assert_int_equal(http1_parse(octets(body), 4, &r, &used), ERR_LIMIT_SIZE);

    for (size_t headers = HTTP1_HEADERS_MAX - 1; headers <= HTTP1_HEADERS_MAX; headers++) {
        struct writer w = WRITER_ARRAY(big);
        writer_z(&w, "GET /x HTTP/1.1\r\nHost: h\r\n");
        for (size_t i = 0; i < headers; i++) {
            writer_z(&w, "A: b\r\n");
        }
        writer_z(&w, "\r\n");
        err_t expected = headers < HTTP1_HEADERS_MAX ? ERR_OK : ERR_LIMIT_SIZE;
        assert_int_equal(http1_parse(writer_view(&w), 0, &r, &used), expected);
    }
}

static void reply_has_one_form(void **state)
{
    (void)state;
    char out[256];
    struct writer w = WRITER_ARRAY(out);
    struct http1_header h = {text_of("X-M2M-RSC"), text_of("2000")};
    struct http1_reply r = {200, false, "application/json", octets("{}"), &h, 1};
    assert_int_equal(http1_write(&r, &w), ERR_OK);
    assert_int_equal(writer_finish_z(&w), ERR_OK);
    assert_string_equal(out, "HTTP/1.1 200 OK\r\nX-M2M-RSC: 2000\r\nContent-Type: application/json\r\n"
                             "Content-Length: 2\r\n\r\n{}");
    size_t whole = w.n;
    for (size_t cap = 0; cap < whole; cap++) {
        w = writer_of(out, cap);
        assert_int_equal(http1_write(&r, &w), ERR_LIMIT_SIZE);
    }
    w = WRITER_ARRAY(out);
    struct http1_reply closing = {599, true, NULL, bytes_empty(), NULL, 0};
    assert_int_equal(http1_write(&closing, &w), ERR_OK);
    assert_int_equal(writer_finish_z(&w), ERR_OK);
    assert_string_equal(out, "HTTP/1.1 599 \r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
}

static void reply_headers_cannot_be_split(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        const char *value;
        size_t n;
    } rows[] = {{"A", "x\r\nB: y", 7}, {"A", "x\ny", 3}, {"A", "x\ry", 3}, {"A", "x\0y", 3}, {"A\r\n", "x", 1}, {"", "x", 1}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char out[256];
        struct writer w = WRITER_ARRAY(out);
        struct http1_header h = {text_of(rows[i].name), text_span(rows[i].value, rows[i].n)};
        struct http1_reply r = {200, false, NULL, bytes_empty(), &h, 1};
        assert_int_equal(http1_write(&r, &w), ERR_MALFORMED_HTTP);
    }
}

/* Octets are looked at several at a time: of any length, at any place, every value. */
static void controls_are_found_at_each_place(void **state)
{
    (void)state;
    uint8_t value[40];
    for (size_t n = 1; n <= sizeof(value); n++) {
        for (size_t at = 0; at < n; at++) {
            for (unsigned octet = 0; octet < 256; octet++) {
                char out[256];
                struct writer w = WRITER_ARRAY(out);
                memset(value, at % 2 == 0 ? 0x80 : 'x', n);
                value[at] = (uint8_t)octet;
                struct http1_header h = {text_of("A"), text_span((const char *)value, n)};
                struct http1_reply r = {200, false, NULL, bytes_empty(), &h, 1};
                bool refused = (octet < 0x20 && octet != '\t') || octet == 0x7f;
                assert_int_equal(http1_write(&r, &w), refused ? ERR_MALFORMED_HTTP : ERR_OK);
                if (at > 0) { /* and behind a TAB */
                    value[0] = '\t';
                    w = WRITER_ARRAY(out);
                    assert_int_equal(http1_write(&r, &w), refused ? ERR_MALFORMED_HTTP : ERR_OK);
                }
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(request_is_views_into_the_input),
        cmocka_unit_test(more_is_asked_for_at_each_cut),
        cmocka_unit_test(pipelined_requests_are_taken_one_by_one),
        cmocka_unit_test(other_methods_are_parsed_and_end_the_connection),
        cmocka_unit_test(smuggling_list_is_refused),
        cmocka_unit_test(garbage_is_refused_before_its_end),
        cmocka_unit_test(sizes_are_bounded),
        cmocka_unit_test(reply_has_one_form),
        cmocka_unit_test(reply_headers_cannot_be_split),
        cmocka_unit_test(controls_are_found_at_each_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
