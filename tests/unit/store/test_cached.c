/* A writer behind the cache: what it reads follows its own changes, and what was undone is forgotten. */
#include "scratch.h"
#include "store/store_cached.h"
#include "store/store_memory.h"
#include "store/store_sqlite.h"

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { ARENA = 4096, CAPACITY = 4096 };

static struct scratch scratch;
static struct store *writer;

static struct bytes z(const char *s)
{
    return bytes_of(s, strlen(s));
}

static int setup_memory(void **state)
{
    (void)state;
    struct store *inner = NULL;
    scratch_make(&scratch);
    return store_memory_open(&inner) == ERR_OK && store_cached_open(inner, CAPACITY, 1, &writer) == ERR_OK ? 0 : -1;
}

static int setup_sqlite(void **state)
{
    (void)state;
    struct store *inner = NULL;
    char file[PATH_MAX];
    scratch_make(&scratch);
    err_t e = store_sqlite_open(scratch_path(&scratch, "s.db", file), STORE_SQLITE_WRITER, NULL, &inner);
    return e == ERR_OK && store_cached_open(inner, CAPACITY, 1, &writer) == ERR_OK ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    store_close(writer);
    scratch_remove(&scratch);
    return 0;
}

static void begin(void)
{
    assert_int_equal(store_begin(writer, true), ERR_OK);
}

static void commit(void)
{
    assert_int_equal(store_commit(writer), ERR_OK);
}

static void put(const char *data)
{
    assert_int_equal(store_put(writer, TABLE_META, z("a"), z(data), STORE_PUT_ANY, 0), ERR_OK);
}

static void del(void)
{
    assert_int_equal(store_del(writer, TABLE_META, z("a")), ERR_OK);
}

/* Twice: the second time it is kept. */
static void holds(const char *data, uint64_t version)
{
    for (int i = 0; i < 2; i++) {
        uint8_t room[ARENA];
        struct arena arena = arena_of(room, sizeof(room));
        struct store_value v;
        assert_int_equal(store_get(writer, TABLE_META, z("a"), &arena, &v), ERR_OK);
        assert_true(bytes_eq(v.data, z(data)));
        assert_int_equal(v.version, version);
    }
}

static void holds_nothing(void)
{
    uint8_t room[ARENA];
    struct arena arena = arena_of(room, sizeof(room));
    struct store_value v;
    assert_int_equal(store_get(writer, TABLE_META, z("a"), &arena, &v), ERR_NOT_FOUND);
}

static void changes_are_read_at_once(void **state)
{
    (void)state;
    begin();
    put("one");
    holds("one", 1);
    put("two");
    holds("two", 2);
    commit();
    begin();
    holds("two", 2);
    del();
    holds_nothing();
    put("fresh");
    holds("fresh", 1);
    commit();
    begin();
    holds("fresh", 1);
    store_rollback(writer);
}

static void what_was_undone_is_forgotten(void **state)
{
    (void)state;
    begin();
    put("kept");
    commit();
    for (uint64_t version = 1; version < 12; version++) { /* more often than an id has places */
        begin();
        holds("kept", version);
        put("undone");
        holds("undone", version + 1);
        store_rollback(writer);
        begin();
        holds("kept", version); /* beside the stale one */
        put("undone");
        holds("undone", version + 1);
        del();
        holds_nothing();
        store_rollback(writer);
        begin();
        holds("kept", version);
        put("kept");
        commit();
    }
}

static void what_could_not_be_committed_is_forgotten(void **state)
{
    (void)state;
    begin();
    put("kept");
    commit();
    struct store *failing[] = {writer, store_cached_inner(writer)};
    for (size_t i = 0; i < ARRAY_LEN(failing); i++) {
        begin();
        holds("kept", 1);
        put("undone");
        holds("undone", 2);
        store_fail(failing[i], ERR_STORE_FULL);
        assert_int_equal(store_commit(writer), ERR_STORE_FULL);
        begin();
        holds("kept", 1);
        store_rollback(writer);
    }
}

static void the_driver_below_can_be_reached(void **state)
{
    (void)state;
    struct store *inner = store_cached_inner(writer);
    assert_ptr_not_equal(inner, writer);
    assert_ptr_equal(store_cached_inner(inner), inner);
}

#define TESTS(setup)                                                                                                   \
    {                                                                                                                  \
        cmocka_unit_test_setup_teardown(changes_are_read_at_once, setup, teardown),                                    \
        cmocka_unit_test_setup_teardown(what_was_undone_is_forgotten, setup, teardown),                                \
        cmocka_unit_test_setup_teardown(what_could_not_be_committed_is_forgotten, setup, teardown),                    \
        cmocka_unit_test_setup_teardown(the_driver_below_can_be_reached, setup, teardown),                             \
    }

int main(void)
{
    const struct CMUnitTest memory[] = TESTS(setup_memory);
    const struct CMUnitTest sqlite[] = TESTS(setup_sqlite);
    return cmocka_run_group_tests(memory, NULL, NULL) + cmocka_run_group_tests(sqlite, NULL, NULL);
}
