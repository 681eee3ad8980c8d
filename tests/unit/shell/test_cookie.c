/* The door of a DTLS listener: what it answers, what it admits, and that it keeps nothing. */
#include "shell/cookie.h"

#include "base/bytes.h"
#include "shell/crypto_openssl.h"

#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define FLOOD 1000000U
#define NOW (1000 * USEC_PER_SEC)
#define COOKIE_AT 28 /* in a HelloVerifyRequest */

struct hello {
    uint8_t b[256];
    size_t n;
};

static void u24(struct writer *w, uint32_t v)
{
    writer_u8(w, (uint8_t)(v >> 16));
    writer_u16(w, (uint16_t)v);
}

/* A ClientHello with one suite; `seed` fills the random, `cookie` may be empty. */
static struct hello hello_with(uint8_t seed, struct bytes cookie)
{
    struct hello h;
    struct writer w = writer_of(h.b, sizeof(h.b));
    uint32_t body = (uint32_t)(2 + 32 + 1 + 1 + cookie.n + 4 + 2);
    writer_u8(&w, 22);
    writer_u16(&w, 0xfeff);
    writer_u16(&w, 0);
    writer_u16(&w, 0);
    writer_u32(&w, 7);
    writer_u16(&w, (uint16_t)(12 + body));
    writer_u8(&w, 1);
    u24(&w, body);
    writer_u16(&w, 0);
    u24(&w, 0);
    u24(&w, body);
    writer_u16(&w, 0xfefd);
    for (unsigned i = 0; i < 32; i++) {
        writer_u8(&w, seed);
    }
    writer_u8(&w, 0);
    writer_u8(&w, (uint8_t)cookie.n);
    writer_bytes(&w, cookie);
    writer_u16(&w, 2);
    writer_u16(&w, 0xc0a8);
    writer_u8(&w, 1);
    writer_u8(&w, 0);
    h.n = w.n;
    return h;
}

static const char *const here = "192.0.2.1:5000";

static enum cookie_verdict judge(const struct cookie_door *d, const char *peer, const struct hello *h, usec_t now,
                                 uint8_t cookie[32])
{
    uint8_t answer[COOKIE_ANSWER_MAX];
    struct writer w = writer_of(answer, sizeof(answer));
    struct cookie_hello hello = {.random = bytes_empty()};
    enum cookie_verdict v = cookie_judge(d, text_bytes(text_of(peer)), bytes_of(h->b, h->n), now, &hello, &w);
    if (v == COOKIE_VERIFY) {
        assert_int_equal(w.n, COOKIE_AT + 32);
        assert_true(w.n <= h->n); /* nobody is flooded by way of us */
        assert_memory_equal(answer + 5, h->b + 5, 6); /* the sequence number of the client's record */
        if (cookie != NULL) {
            memcpy(cookie, answer + COOKIE_AT, 32);
        }
    } else {
        assert_int_equal(w.n, 0);
    }
    assert_int_equal(hello.random.n, v == COOKIE_ADMIT ? 32 : 0);
    return v;
}

static struct cookie_door door(void)
{
    struct cookie_door d;
    assert_int_equal(cookie_init(&d, crypto_openssl()), ERR_OK);
    return d;
}

static void shown(void **state)
{
    (void)state;
    struct cookie_door d = door();
    uint8_t cookie[32];
    struct hello first = hello_with(1, bytes_empty());
    assert_int_equal(judge(&d, here, &first, NOW, cookie), COOKIE_VERIFY);
    struct hello second = hello_with(1, BYTES_ARRAY(cookie));
    assert_int_equal(judge(&d, here, &second, NOW, NULL), COOKIE_ADMIT);
    assert_int_equal(judge(&d, here, &second, NOW + 60 * USEC_PER_SEC, NULL), COOKIE_ADMIT);
}

static void not_shown(void **state)
{
    (void)state;
    struct cookie_door d = door();
    struct cookie_door other = door();
    uint8_t cookie[32];
    struct hello first = hello_with(1, bytes_empty());
    assert_int_equal(judge(&d, here, &first, NOW, cookie), COOKIE_VERIFY);
    struct hello second = hello_with(1, BYTES_ARRAY(cookie));
    struct hello another = hello_with(2, BYTES_ARRAY(cookie));
    assert_int_equal(judge(&d, "192.0.2.1:5001", &second, NOW, NULL), COOKIE_VERIFY);
    assert_int_equal(judge(&d, here, &another, NOW, NULL), COOKIE_VERIFY);
    assert_int_equal(judge(&d, here, &second, NOW + 180 * USEC_PER_SEC, NULL), COOKIE_VERIFY); /* too old */
    assert_int_equal(judge(&other, here, &second, NOW, NULL), COOKIE_VERIFY); /* of another process */
    for (size_t i = 0; i < sizeof(cookie); i++) {
        cookie[i] ^= 1;
        struct hello forged = hello_with(1, BYTES_ARRAY(cookie));
        assert_int_equal(judge(&d, here, &forged, NOW, NULL), COOKIE_VERIFY);
        cookie[i] ^= 1;
    }
}

/* Cut short anywhere, fragmented, encrypted, of another type: not the door's. */
static void malformed(void **state)
{
    (void)state;
    struct cookie_door d = door();
    const struct hello good = hello_with(1, bytes_empty());
    for (size_t n = 0; n < good.n; n++) {
        struct hello h = good;
        h.n = n;
        assert_int_equal(judge(&d, here, &h, NOW, NULL), COOKIE_OTHER);
    }
    static const size_t spoiled[] = {0, 1, 4, 11, 13, 16, 21, 24, 59};
    for (size_t i = 0; i < ARRAY_LEN(spoiled); i++) {
        struct hello h = good;
        h.b[spoiled[i]] ^= 0x40;
        assert_int_equal(judge(&d, here, &h, NOW, NULL), COOKIE_OTHER);
    }
}

/* Strangers by the thousand, each with another address and another hello: nothing stays. */
static void flood(void **state)
{
    (void)state;
    struct cookie_door d = door();
    struct hello h = hello_with(1, bytes_empty());
    char peer[32];
    assert_int_equal(judge(&d, here, &h, NOW, NULL), COOKIE_VERIFY);
    size_t before = mallinfo2().uordblks;
    for (unsigned i = 0; i < FLOOD; i++) {
        (void)snprintf(peer, sizeof(peer), "198.51.%u.%u:%u", i >> 8 & 255, i & 255, i);
        memcpy(h.b + 27, &i, sizeof(i));
        assert_int_equal(judge(&d, peer, &h, NOW, NULL), COOKIE_VERIFY);
    }
    assert_int_equal(mallinfo2().uordblks, before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shown),
        cmocka_unit_test(not_shown),
        cmocka_unit_test(malformed),
        cmocka_unit_test(flood),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
