/* What the tests of the CoAP engines share: a clock's start, made-up randomness, a request. */
#ifndef KEYSTEAD_TESTS_COAP_FIXTURE_H
#define KEYSTEAD_TESTS_COAP_FIXTURE_H

#include "proto/coap_engine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define START (1000 * USEC_PER_SEC)

/* Made-up randomness: a counter, so that waits are known. */
static inline err_t half(uint8_t *out, size_t n)
{
    memset(out, 0x80, n);
    return ERR_OK;
}

static inline err_t no_random(uint8_t *out, size_t n)
{
    (void)out;
    (void)n;
    return ERR_CRYPTO;
}

/* Enough of a hash to tell keys apart; the engine only compares them. */
static inline err_t sum(struct bytes in, uint8_t out[CRYPTO_HASH_LEN])
{
    uint64_t h = 14695981039346656037ULL;
    for (size_t i = 0; i < in.n; i++) {
        h = (h ^ in.p[i]) * 1099511628211ULL;
    }
    memset(out, 0, CRYPTO_HASH_LEN);
    memcpy(out, &h, sizeof(h));
    return ERR_OK;
}

static const struct crypto crypto = {.random = half, .sha256 = sum};

static inline struct coap_message request(uint8_t code)
{
    struct coap_message m = coap_blank(COAP_CON, code);
    assert_int_equal(coap_add(&m, COAP_OPT_URI_PATH, bytes_of("in", 2)), ERR_OK);
    assert_int_equal(coap_add(&m, COAP_OPT_M2M_FR, bytes_of("Cdev", 4)), ERR_OK);
    return m;
}

#endif
