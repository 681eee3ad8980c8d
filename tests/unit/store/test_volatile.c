/* Tables that are never on disk: what they keep, what they forget, and that nothing else goes through them. */
#include "scratch.h"
#include "store/store_memory.h"
#include "store/store_sqlite.h"
#include "store/store_volatile.h"

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { ARENA = 4096, RECORDS = 8 };

static struct store *store;

static struct bytes z(const char *s)
{
    return bytes_of(s, strlen(s));
}

static int setup(void **state)
{
    (void)state;
    struct store *inner = NULL;
    return store_memory_open(&inner) == ERR_OK && store_volatile_open(inner, RECORDS, 1, &store) == ERR_OK ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    store_close(store);
    return 0;
}

static void begin(void)
{
    assert_int_equal(store_begin(store, true), ERR_OK);
}

static err_t put(enum store_table t, const char *id, const char *data)
{
    return store_put(store, t, z(id), z(data), STORE_PUT_ANY, 0);
}

static err_t get(enum store_table t, const char *id, struct store_value *out)
{
    static uint8_t room[ARENA];
    struct arena arena = arena_of(room, sizeof(room));
    return store_get(store, t, z(id), &arena, out);
}

static void holds(const char *id, const char *data, uint64_t version)
{
    struct store_value v;
    assert_int_equal(get(TABLE_BSF_OPEN, id, &v), ERR_OK);
    assert_true(bytes_eq(v.data, z(data)));
    assert_int_equal(v.version, version);
}

static bool count(void *arg, struct bytes id, struct store_value value)
{
    size_t *n = arg;
    assert_true(id.n > 0 && value.version > 0);
    (*n)++;
    return true;
}

static void test_keeps_until_it_forgets(void **state)
{
    (void)state;
    struct store_value v;
    begin();
    assert_int_equal(get(TABLE_BSF_OPEN, "a", &v), ERR_NOT_FOUND);
    assert_int_equal(put(TABLE_BSF_OPEN, "a", "one"), ERR_OK);
    assert_int_equal(put(TABLE_BSF_OPEN, "a", "other"), ERR_OK);
    assert_int_equal(put(TABLE_META, "a", "kept"), ERR_OK);
    assert_int_equal(store_commit(store), ERR_OK);
    begin();
    holds("a", "other", 2);
    assert_int_equal(get(TABLE_BSF_TMPI, "a", &v), ERR_NOT_FOUND); /* a table of its own */
    store_volatile_forget(store);
    assert_int_equal(get(TABLE_BSF_OPEN, "a", &v), ERR_NOT_FOUND);
    assert_int_equal(get(TABLE_META, "a", &v), ERR_OK);
    assert_int_equal(put(TABLE_BSF_OPEN, "a", "new"), ERR_OK);
    assert_int_equal(store_del(store, TABLE_BSF_OPEN, z("a")), ERR_OK);
    assert_int_equal(store_del(store, TABLE_BSF_OPEN, z("a")), ERR_NOT_FOUND);
    store_rollback(store);
}

static void test_a_rollback_leaves_it(void **state)
{
    (void)state;
    struct store_value v;
    begin();
    assert_int_equal(put(TABLE_BSF_OPEN, "a", "one"), ERR_OK);
    assert_int_equal(put(TABLE_META, "a", "gone"), ERR_OK);
    store_rollback(store);
    begin();
    holds("a", "one", 1);
    assert_int_equal(get(TABLE_META, "a", &v), ERR_NOT_FOUND);
    store_rollback(store);
}

static void test_room(void **state)
{
    (void)state;
    struct store_value v;
    char id[16];
    begin();
    for (int i = 0; i <= RECORDS; i++) {
        snprintf(id, sizeof(id), "%d", i);
        assert_int_equal(put(TABLE_BSF_OPEN, id, "x"), ERR_OK);
        assert_int_equal(put(TABLE_BSF_OPEN, "0", "again"), ERR_OK); /* touched last, but for the newest */
    }
    holds("0", "again", RECORDS + 2);
    assert_int_equal(get(TABLE_BSF_OPEN, "1", &v), ERR_NOT_FOUND); /* not touched for longest */
    assert_int_equal(get(TABLE_BSF_OPEN, "2", &v), ERR_OK);
    store_rollback(store);
}

static void test_scans_and_modes(void **state)
{
    (void)state;
    size_t n = 0;
    begin();
    assert_int_equal(put(TABLE_BSF_OPEN, "ab", "x"), ERR_OK);
    const struct store_scan exact = {.table = TABLE_BSF_OPEN, .prefix = z("ab")};
    assert_int_equal(store_scan(store, &exact, count, &n), ERR_OK);
    assert_int_equal(n, 1);
    const struct store_scan shorter = {.table = TABLE_BSF_OPEN, .prefix = z("a")};
    assert_int_equal(store_scan(store, &shorter, count, &n), ERR_OK);
    assert_int_equal(n, 1);
    assert_int_equal(store_put(store, TABLE_BSF_OPEN, z("cd"), z("x"), STORE_PUT_IF_ABSENT, 0), ERR_BUG);
    store_rollback(store);
}

/* Who knew which names share their room could have one forgotten by choosing others: it is another room with each secret. */
enum { NAMES = 200, ROOM = 64 };

static void survivors(uint64_t secret, bool left[NAMES])
{
    char id[16];
    struct store *inner = NULL;
    struct store_value v;
    store_close(store);
    assert_int_equal(store_memory_open(&inner), ERR_OK);
    assert_int_equal(store_volatile_open(inner, ROOM, secret, &store), ERR_OK);
    begin();
    for (int i = 0; i < NAMES; i++) {
        (void)snprintf(id, sizeof(id), "n%d", i);
        assert_int_equal(put(TABLE_BSF_OPEN, id, "x"), ERR_OK);
    }
    for (int i = 0; i < NAMES; i++) {
        (void)snprintf(id, sizeof(id), "n%d", i);
        left[i] = get(TABLE_BSF_OPEN, id, &v) == ERR_OK;
    }
    store_rollback(store);
}

static void test_nobody_knows_the_room(void **state)
{
    static bool one[NAMES], again[NAMES], other[NAMES];
    (void)state;
    survivors(1, one);
    survivors(1, again);
    survivors(UINT64_C(0x9e3779b97f4a7c15), other);
    assert_memory_equal(one, again, sizeof(one));
    assert_memory_not_equal(one, other, sizeof(one));
}

/* Not one octet of it reaches the file. */
static void test_not_on_disk(void **state)
{
    (void)state;
    struct scratch scratch;
    struct store *inner = NULL;
    struct store_value v;
    char file[PATH_MAX];
    store_close(store);
    scratch_make(&scratch);
    assert_int_equal(store_sqlite_open(scratch_path(&scratch, "s.db", file), STORE_SQLITE_WRITER, NULL, &inner), ERR_OK);
    assert_int_equal(store_volatile_open(inner, RECORDS, 1, &store), ERR_OK);
    begin();
    assert_int_equal(put(TABLE_BSF_OPEN, "a", "one"), ERR_OK);
    assert_int_equal(put(TABLE_META, "a", "kept"), ERR_OK);
    assert_int_equal(store_commit(store), ERR_OK);
    store_close(store);
    assert_int_equal(store_sqlite_open(file, STORE_SQLITE_WRITER, NULL, &store), ERR_OK);
    begin();
    assert_int_equal(get(TABLE_META, "a", &v), ERR_OK);
    assert_int_equal(get(TABLE_BSF_OPEN, "a", &v), ERR_NOT_FOUND);
    store_rollback(store);
    scratch_remove(&scratch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_keeps_until_it_forgets, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_rollback_leaves_it, setup, teardown),
        cmocka_unit_test_setup_teardown(test_room, setup, teardown),
        cmocka_unit_test_setup_teardown(test_scans_and_modes, setup, teardown),
        cmocka_unit_test_setup_teardown(test_nobody_knows_the_room, setup, teardown),
        cmocka_unit_test_setup_teardown(test_not_on_disk, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
