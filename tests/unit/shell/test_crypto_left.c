/* What a hash leaves in the memory of the library, whose context for it stays: nothing of the text, and not the hash, which may be as good
 * as a password. */
#include "shell/crypto_openssl.h"
#include "shell/openssl.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/crypto.h>

/* Every block that the library has, so that all of them can be looked through. */
struct block {
    struct block *next, *before;
    size_t n;
    _Alignas(16) uint8_t b[];
};
static struct block all = {.next = &all, .before = &all};

static void *take(size_t n, const char *file, int line)
{
    (void)file;
    (void)line;
    struct block *k = calloc(1, sizeof(*k) + n);
    if (k == NULL) {
        return NULL;
    }
    *k = (struct block){all.next, &all, n};
    k->next->before = k->before->next = k;
    return k->b;
}

static struct block *block_of(void *p)
{
    return (struct block *)(void *)((uint8_t *)p - offsetof(struct block, b));
}

static void give(void *p, const char *file, int line)
{
    (void)file;
    (void)line;
    if (p != NULL) {
        struct block *k = block_of(p);
        k->before->next = k->next;
        k->next->before = k->before;
        free(k);
    }
}

static void *take_again(void *p, size_t n, const char *file, int line)
{
    void *q = n == 0 ? NULL : take(n, file, line);
    if (p != NULL && q != NULL) {
        memcpy(q, p, block_of(p)->n < n ? block_of(p)->n : n);
    }
    if (n == 0 || q != NULL) {
        give(p, file, line);
    }
    return q;
}

static bool is_left(const void *what, size_t n)
{
    for (const struct block *k = all.next; k != &all; k = k->next) {
        if (memmem(k->b, k->n, what, n) != NULL) {
            return true;
        }
    }
    return false;
}

static void nothing_of_a_hash_is_left(void **state)
{
    (void)state;
    static const char text[] = "a text that is longer than the one block of 64 octets that such a hash takes at once: made up";
    const struct bytes parts[] = {bytes_of(text, 70), bytes_of(text + 70, sizeof(text) - 71)};
    const struct crypto *c = crypto_openssl();
    for (unsigned i = 0; i < CRYPTO_HASHES; i++) {
        uint8_t out[CRYPTO_HASH_LEN];
        for (size_t count = 0; count <= ARRAY_LEN(parts); count++) {
            assert_int_equal(c->hash((enum crypto_hash)i, parts, count, out), ERR_OK);
            for (size_t at = 0; at + 8 < sizeof(text); at++) {
                assert_false(is_left(text + at, 8));
            }
            uint32_t words[CRYPTO_HASH_LEN / 4]; /* SHA keeps its state in words of the machine */
            const size_t n = crypto_hash_len((enum crypto_hash)i);
            for (size_t w = 0; w < n / 4; w++) {
                words[w] = (uint32_t)out[4 * w] << 24 | (uint32_t)out[4 * w + 1] << 16 | (uint32_t)out[4 * w + 2] << 8 | out[4 * w + 3];
            }
            assert_false(is_left(out, n) || is_left(words, n));
        }
    }
}

/* It is seen if it is there: a library of our own making would leave it so. */
static void what_is_left_is_found(void **state)
{
    (void)state;
    char *p = OPENSSL_zalloc(40);
    assert_non_null(p);
    memcpy(p + 9, "left behind", 11);
    assert_true(is_left("left behind", 11));
    OPENSSL_free(p);
    assert_false(is_left("left behind", 11));
}

int main(void)
{
    if (CRYPTO_set_mem_functions(take, take_again, give) != 1) { /* only before the library has anything */
        return EXIT_FAILURE;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_left_is_found),
        cmocka_unit_test(nothing_of_a_hash_is_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
