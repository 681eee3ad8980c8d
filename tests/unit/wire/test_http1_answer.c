/* Responses of other servers: whole, in pieces of every size, ended by their length, in chunks or by the end; and what is none. */
#include "wire/http1_answer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct {
    char headers[512], body[256];
    size_t headers_n, body_n, begun, refuse_after;
} got;

static void on_begin(void *arg)
{
    (void)arg;
    got.begun++;
    got.headers_n = 0;
}

static err_t on_header(void *arg, struct text name, struct text value)
{
    (void)arg;
    int n = snprintf(got.headers + got.headers_n, sizeof(got.headers) - got.headers_n, "%.*s=%.*s;", (int)name.n, name.p,
                     (int)(value.n < 20 ? value.n : 20), value.p);
    got.headers_n += (size_t)n;
    return ERR_OK;
}

static err_t on_body(void *arg, struct bytes part)
{
    (void)arg;
    if (got.refuse_after != 0 && got.body_n + part.n > got.refuse_after) {
        return ERR_LIMIT_SIZE;
    }
    memcpy(got.body + got.body_n, part.p, part.n);
    got.body_n += part.n;
    return ERR_OK;
}

static const struct http1_answer_to listener = {on_begin, on_header, on_body};

/* Exactly as long as the piece, on the heap: a read past its end is seen by the sanitizer. */
static err_t feed(struct http1_answer *a, const char *z, size_t n)
{
    uint8_t *copy = malloc(n + 1);
    assert_non_null(copy);
    memcpy(copy + 1, z, n);
    err_t e = http1_answer_feed(a, bytes_of(copy + 1, n));
    free(copy);
    return e;
}

static err_t read_it(struct http1_answer *a, const char *z, size_t piece, bool end)
{
    memset(&got, 0, sizeof(got));
    http1_answer_begin(a, &listener, NULL);
    for (size_t at = 0, n = strlen(z); at < n; at += piece) {
        err_t e = feed(a, z + at, piece < n - at ? piece : n - at);
        if (e != ERR_OK) {
            return e;
        }
    }
    return end && !a->done ? http1_answer_end(a) : ERR_OK;
}

static const struct {
    const char *octets, *headers, *body;
    unsigned status;
    bool by_end, keep;
} good[] = {
    {"HTTP/1.1 200 OK\r\nX-M2M-RSC: 2000\r\nEmpty:\r\nContent-Length: 2\r\n\r\n{}", "X-M2M-RSC=2000;Empty=;Content-Length=2;", "{}", 200, false, true},
    {"HTTP/1.1 201 Created\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", "Connection=close;Content-Length=0;", "", 201, false, false},
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{\"\r\n3;x=y\r\na\":\r\n2\r\n1}\r\n0\r\nX-M2M-RSC: 4004\r\n\r\n",
     "Transfer-Encoding=chunked;", "{\"a\":1}", 200, false, true},
    {"HTTP/1.1 200 OK\r\nA: b\r\n\r\nuntil the end", "A=b;", "until the end", 200, true, false},
    {"HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\nx", "Content-Length=1;", "x", 200, false, false},
    {"HTTP/1.1 100 Continue\r\nA: b\r\n\r\nHTTP/1.1 204 No Content\r\nB: c\r\n\r\n", "B=c;", "", 204, false, true},
    {"HTTP/1.1 403\r\nContent-Length: 0\r\n\r\n", "Content-Length=0;", "", 403, false, true},
};

static void answers_in_pieces_of_every_size(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        for (size_t piece = 1; piece <= strlen(good[i].octets); piece++) {
            struct http1_answer a;
            assert_int_equal(read_it(&a, good[i].octets, piece, good[i].by_end), ERR_OK);
            assert_true(a.done && a.begun);
            assert_int_equal(a.status, good[i].status);
            assert_string_equal(got.headers, good[i].headers);
            assert_int_equal(got.body_n, strlen(good[i].body));
            assert_memory_equal(got.body, good[i].body, got.body_n);
            assert_int_equal(a.keep_alive, good[i].keep);
        }
    }
}

static void one_cut_short_is_none(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        size_t n = strlen(good[i].octets);
        for (size_t cut = 0; !good[i].by_end && cut < n; cut++) {
            struct http1_answer a;
            char *z = strndup(good[i].octets, cut);
            assert_non_null(z);
            assert_int_equal(read_it(&a, z, cut + 1, false), ERR_OK);
            assert_false(a.done);
            assert_int_equal(http1_answer_end(&a), ERR_MALFORMED_HTTP);
            free(z);
        }
    }
}

static void what_is_no_answer(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "SSH-2.0-OpenSSH_9.2\r\n", "HTTP/3.7 200 OK\r\n\r\n", "HTTP/1.1 20 OK\r\n\r\n", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx",
        "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n",
        "HTTP/1.1 200 OK\r\nA b: c\r\n\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        for (size_t piece = 1; piece <= strlen(bad[i]); piece += 7) {
            struct http1_answer a;
            assert_int_equal(read_it(&a, bad[i], piece, true), ERR_MALFORMED_HTTP);
            assert_false(a.done);
        }
    }
}

static void what_the_listener_refuses_is_read_no_further(void **state)
{
    (void)state;
    struct http1_answer a;
    memset(&got, 0, sizeof(got));
    got.refuse_after = 3;
    http1_answer_begin(&a, &listener, NULL);
    const char *z = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfour";
    assert_int_equal(feed(&a, z, strlen(z)), ERR_LIMIT_SIZE);
    assert_false(a.done);
}

static void more_than_was_asked_for(void **state)
{
    (void)state;
    struct http1_answer a;
    assert_int_equal(read_it(&a, "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nxHTTP/1.1 200 OK\r\n\r\n", 500, false), ERR_OK);
    assert_true(a.done && !a.keep_alive); /* the answer counts, the connection is not used again */
    assert_int_equal(feed(&a, "y", 1), ERR_MALFORMED_HTTP);
}

static void a_long_value_is_cut_and_nameless(void **state)
{
    (void)state;
    struct http1_answer a;
    char z[HTTP1_ANSWER_VALUE + 200];
    int n = snprintf(z, sizeof(z), "HTTP/1.1 200 OK\r\nX-M2M-RSC: 2");
    memset(z + n, '0', HTTP1_ANSWER_VALUE);
    (void)snprintf(z + n + HTTP1_ANSWER_VALUE, 100, "\r\nContent-Length: 0\r\n\r\n");
    assert_int_equal(read_it(&a, z, sizeof(z), false), ERR_OK);
    assert_string_equal(got.headers, "=20000000000000000000;Content-Length=0;");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_in_pieces_of_every_size), cmocka_unit_test(one_cut_short_is_none),
        cmocka_unit_test(what_is_no_answer),               cmocka_unit_test(what_the_listener_refuses_is_read_no_further),
        cmocka_unit_test(more_than_was_asked_for),         cmocka_unit_test(a_long_value_is_cut_and_nameless),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
