/* Octets in growing memory: kept when it grows, wiped when they go. */
#include "shell/growing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void grows_and_keeps(void **state)
{
    (void)state;
    struct growing g = {0};
    assert_true(growing_reserve(&g, 4));
    memcpy(g.p, "abcd", 4);
    g.n = 4;
    assert_true(growing_reserve(&g, 2)); /* never smaller */
    assert_int_equal(g.cap, 4);
    assert_true(growing_reserve(&g, 4096));
    assert_int_equal(g.n, 4);
    assert_memory_equal(g.p, "abcd", 4);
    growing_wipe(&g);
    assert_true(g.p == NULL && g.n == 0 && g.cap == 0);
    growing_wipe(&g);
}

static void what_is_dropped_is_wiped(void **state)
{
    (void)state;
    struct growing g = {0};
    assert_true(growing_reserve(&g, 6));
    memcpy(g.p, "secret", 6);
    g.n = 6;
    growing_drop(&g, 0);
    assert_int_equal(g.n, 6);
    growing_drop(&g, 4);
    assert_int_equal(g.n, 2);
    assert_memory_equal(g.p, "et\0\0\0\0", 6);
    growing_drop(&g, 2);
    assert_memory_equal(g.p, "\0\0\0\0\0\0", 6);
    growing_wipe(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(grows_and_keeps), cmocka_unit_test(what_is_dropped_is_wiped)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
