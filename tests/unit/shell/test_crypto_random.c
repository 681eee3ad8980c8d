/* Octets that wait: none goes twice, neither in one process nor in two, nor in two threads. */
#include "shell/crypto_random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <threads.h>
#include <unistd.h>

#include <cmocka.h>

enum { DRAWS = 256, THREADS = 4, LEN = CRYPTO_RANDOM_SHORT };

struct draws {
    uint8_t b[DRAWS][LEN];
};

static int draw_all(void *arg)
{
    struct draws *d = arg;
    for (size_t i = 0; i < DRAWS; i++) {
        if (crypto_random_octets(d->b[i], LEN) != ERR_OK) {
            return 1;
        }
    }
    return 0;
}

static int compare(const void *a, const void *b)
{
    return memcmp(a, b, LEN);
}

static void assert_all_differ(struct draws *d, size_t n)
{
    uint8_t(*all)[LEN] = d[0].b;
    qsort(all, n * DRAWS, LEN, compare);
    for (size_t i = 1; i < n * DRAWS; i++) {
        assert_memory_not_equal(all[i - 1], all[i], LEN);
    }
}

static void no_draw_comes_twice(void **state)
{
    (void)state;
    static struct draws d;
    assert_int_equal(draw_all(&d), 0);
    assert_all_differ(&d, 1);
}

/* Whatever was left in the page, a draw of any length is filled, and nothing is written behind it. */
static void every_length_is_filled(void **state)
{
    (void)state;
    for (size_t n = 0; n <= 2 * LEN; n++) {
        uint8_t seen[2 * LEN] = {0}, out[2 * LEN + 1] = {0};
        for (int i = 0; i < 16; i++) { /* an octet that is zero 16 times was not written */
            assert_int_equal(crypto_random_octets(out, n), ERR_OK);
            for (size_t k = 0; k < n; k++) {
                seen[k] |= out[k];
            }
            assert_int_equal(out[n], 0);
        }
        for (size_t k = 0; k < n; k++) {
            assert_int_not_equal(seen[k], 0);
        }
    }
}

static void draw_in_child(struct draws *out)
{
    int ends[2], status = 0;
    assert_int_equal(pipe(ends), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        static struct draws own;
        bool good = draw_all(&own) == 0 && write(ends[1], &own, sizeof(own)) == (ssize_t)sizeof(own);
        _exit(good ? 0 : 1);
    }
    close(ends[1]);
    size_t n = 0;
    ssize_t got = 1;
    while (n < sizeof(*out) && got > 0) {
        got = read(ends[0], (uint8_t *)out + n, sizeof(*out) - n);
        n += got > 0 ? (size_t)got : 0;
    }
    close(ends[0]);
    assert_int_equal(n, sizeof(*out));
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

/* Two children and their parent, forked while octets waited. */
static void a_child_draws_its_own(void **state)
{
    (void)state;
    static struct draws d[3];
    uint8_t first[LEN];
    assert_int_equal(crypto_random_octets(first, sizeof(first)), ERR_OK);
    draw_in_child(&d[0]);
    draw_in_child(&d[1]);
    assert_int_equal(draw_all(&d[2]), 0);
    assert_all_differ(d, 3);
}

static void threads_share_none(void **state)
{
    (void)state;
    static struct draws d[THREADS];
    thrd_t threads[THREADS];
    for (size_t i = 0; i < THREADS; i++) {
        assert_int_equal(thrd_create(&threads[i], draw_all, &d[i]), thrd_success);
    }
    for (size_t i = 0; i < THREADS; i++) {
        int failed = 1;
        assert_int_equal(thrd_join(threads[i], &failed), thrd_success);
        assert_int_equal(failed, 0);
    }
    assert_all_differ(d, THREADS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_draw_comes_twice),
        cmocka_unit_test(every_length_is_filled),
        cmocka_unit_test(a_child_draws_its_own),
        cmocka_unit_test(threads_share_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
