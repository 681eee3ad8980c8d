/* The conformance suite: every driver passes the same tests. R001-61, R001-88: what was stored is there. */
#include "scratch.h"
#include "store/store_cached.h"
#include "store/store_memory.h"
#include "store/store_sqlite.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define T1 TABLE_MEF_KE
#define T2 TABLE_CSE_RES

/* `w` changes, `r` reads; one handle where the driver has but one. */
struct rig {
    struct scratch scratch;
    struct store *w;
    struct store *r;
    struct arena arena;
    uint8_t *memory;
};

enum { ARENA = 4 << 20 };

static struct bytes z(const char *s)
{
    return bytes_of(s, strlen(s));
}

/* -- rigs --------------------------------------------------------------------------------------------------------- */

static struct rig *rig_new(void **state)
{
    struct rig *g = calloc(1, sizeof(*g));
    assert_non_null(g);
    g->memory = malloc(ARENA);
    assert_non_null(g->memory);
    g->arena = arena_of(g->memory, ARENA);
    scratch_make(&g->scratch);
    *state = g;
    return g;
}

static int setup_memory(void **state)
{
    struct rig *g = rig_new(state);
    assert_int_equal(store_memory_open(&g->w), ERR_OK);
    g->r = g->w;
    return 0;
}

static void open_sqlite(struct rig *g)
{
    char file[PATH_MAX];
    scratch_path(&g->scratch, "s.db", file);
    assert_int_equal(store_sqlite_open(file, STORE_SQLITE_WRITER, NULL, &g->w), ERR_OK);
    assert_int_equal(store_sqlite_open(file, STORE_SQLITE_READER, NULL, &g->r), ERR_OK);
}

static int setup_sqlite(void **state)
{
    open_sqlite(rig_new(state));
    return 0;
}

static int setup_sqlite_one(void **state)
{
    struct rig *g = rig_new(state);
    char file[PATH_MAX];
    assert_int_equal(store_sqlite_open(scratch_path(&g->scratch, "s.db", file), STORE_SQLITE_WRITER, NULL, &g->w),
                     ERR_OK);
    g->r = g->w;
    return 0;
}

static int setup_cached_sqlite(void **state)
{
    struct rig *g = rig_new(state);
    open_sqlite(g);
    struct store *inner = g->r;
    assert_int_equal(store_cached_open(inner, 64 << 10, 1, &g->r), ERR_OK);
    return 0;
}

static int setup_cached_memory(void **state)
{
    struct rig *g = rig_new(state);
    struct store *inner = NULL;
    assert_int_equal(store_memory_open(&inner), ERR_OK);
    assert_int_equal(store_cached_open(inner, 4096, 1, &g->w), ERR_OK);
    g->r = g->w;
    return 0;
}

static int teardown(void **state)
{
    struct rig *g = *state;
    if (g->r != g->w) {
        store_close(g->r);
    }
    store_close(g->w);
    scratch_remove(&g->scratch);
    free(g->memory);
    free(g);
    return 0;
}

/* -- short forms -------------------------------------------------------------------------------------------------- */

static void begin(struct rig *g)
{
    assert_int_equal(store_begin(g->w, true), ERR_OK);
}

static void commit(struct rig *g)
{
    assert_int_equal(store_commit(g->w), ERR_OK);
}

static err_t put(struct rig *g, const char *id, const char *data)
{
    return store_put(g->w, T1, z(id), z(data), STORE_PUT_ANY, 0);
}

/* What a reader finds in a transaction of its own: the data, or "-", or "error". */
static const char *found(struct rig *g, const char *id, uint64_t *version)
{
    static char text[256];
    struct store_value v;
    arena_reset(&g->arena);
    assert_int_equal(store_begin(g->r, false), ERR_OK);
    err_t e = store_get(g->r, T1, z(id), &g->arena, &v);
    store_rollback(g->r);
    *version = v.version;
    if (e != ERR_OK) {
        return e == ERR_NOT_FOUND ? "-" : "error";
    }
    assert_true(v.data.n < sizeof(text));
    memcpy(text, v.data.p, v.data.n);
    text[v.data.n] = '\0';
    return text;
}

static void expect(struct rig *g, const char *id, const char *data, uint64_t version)
{
    uint64_t got = 0;
    assert_string_equal(found(g, id, &got), data);
    assert_int_equal(got, version);
}

/* -- put, get, del ------------------------------------------------------------------------------------------------ */

static void put_modes_and_versions(void **state)
{
    struct rig *g = *state;
    begin(g);
    assert_int_equal(store_put(g->w, T1, z("a"), z("one"), STORE_PUT_IF_ABSENT, 0), ERR_OK);
    assert_int_equal(store_put(g->w, T1, z("a"), z("two"), STORE_PUT_IF_ABSENT, 0), ERR_EXISTS);
    assert_int_equal(store_put(g->w, T2, z("a"), z("other table"), STORE_PUT_IF_ABSENT, 0), ERR_OK);
    commit(g);
    expect(g, "a", "one", 1);

    begin(g);
    assert_int_equal(store_put(g->w, T1, z("a"), z("two"), STORE_PUT_IF_VERSION, 2), ERR_STORE_CONFLICT);
    assert_int_equal(store_put(g->w, T1, z("a"), z("two"), STORE_PUT_IF_VERSION, 0), ERR_STORE_CONFLICT);
    assert_int_equal(store_put(g->w, T1, z("a"), z("two"), STORE_PUT_IF_VERSION, UINT64_MAX), ERR_STORE_CONFLICT);
    assert_int_equal(store_put(g->w, T1, z("a"), z("two"), STORE_PUT_IF_VERSION, 1), ERR_OK);
    assert_int_equal(store_put(g->w, T1, z("a"), z("two again"), STORE_PUT_IF_VERSION, 1), ERR_STORE_CONFLICT);
    assert_int_equal(store_put(g->w, T1, z("absent"), z("x"), STORE_PUT_IF_VERSION, 1), ERR_STORE_CONFLICT);
    assert_int_equal(store_put(g->w, T1, z("absent"), z("x"), STORE_PUT_IF_VERSION, 0), ERR_STORE_CONFLICT);
    commit(g);
    expect(g, "a", "two", 2);
    expect(g, "absent", "-", 0);

    begin(g);
    assert_int_equal(put(g, "a", "three"), ERR_OK);
    assert_int_equal(put(g, "a", ""), ERR_OK);
    commit(g);
    expect(g, "a", "", 4);
}

static void del_and_create_again(void **state)
{
    struct rig *g = *state;
    begin(g);
    assert_int_equal(put(g, "a", "one"), ERR_OK);
    assert_int_equal(put(g, "a", "two"), ERR_OK);
    commit(g);
    expect(g, "a", "two", 2);
    begin(g);
    assert_int_equal(store_del(g->w, T1, z("a")), ERR_OK);
    assert_int_equal(store_del(g->w, T1, z("a")), ERR_NOT_FOUND);
    assert_int_equal(store_del(g->w, T2, z("a")), ERR_NOT_FOUND);
    commit(g);
    expect(g, "a", "-", 0);
    begin(g);
    assert_int_equal(store_put(g->w, T1, z("a"), z("new"), STORE_PUT_IF_ABSENT, 0), ERR_OK);
    commit(g);
    expect(g, "a", "new", 1);
}

static void a_refused_put_does_not_doom_the_batch(void **state)
{
    struct rig *g = *state;
    begin(g);
    assert_int_equal(put(g, "a", "one"), ERR_OK);
    assert_int_equal(store_put(g->w, T1, z("a"), z("two"), STORE_PUT_IF_ABSENT, 0), ERR_EXISTS);
    assert_int_equal(store_del(g->w, T1, z("nothing")), ERR_NOT_FOUND);
    assert_int_equal(put(g, "b", "two"), ERR_OK);
    commit(g);
    expect(g, "a", "one", 1);
    expect(g, "b", "two", 1);
}

static void rollback_undoes_everything(void **state)
{
    struct rig *g = *state;
    begin(g);
    assert_int_equal(put(g, "a", "one"), ERR_OK);
    assert_int_equal(put(g, "b", "one"), ERR_OK);
    commit(g);
    begin(g);
    assert_int_equal(put(g, "a", "two"), ERR_OK);
    assert_int_equal(put(g, "a", "three"), ERR_OK);
    assert_int_equal(store_del(g->w, T1, z("b")), ERR_OK);
    assert_int_equal(put(g, "b", "again"), ERR_OK);
    assert_int_equal(put(g, "c", "new"), ERR_OK);
    assert_int_equal(store_del(g->w, T1, z("c")), ERR_OK);
    assert_int_equal(put(g, "d", "new"), ERR_OK);
    store_rollback(g->w);
    expect(g, "a", "one", 1);
    expect(g, "b", "one", 1);
    expect(g, "c", "-", 0);
    expect(g, "d", "-", 0);
}

static void a_doomed_transaction_commits_nothing(void **state)
{
    struct rig *g = *state;
    begin(g);
    assert_int_equal(put(g, "a", "one"), ERR_OK);
    store_fail(g->w, ERR_STORE_FULL);
    store_fail(g->w, ERR_STORE); /* the first reason stays */
    assert_int_equal(put(g, "b", "one"), ERR_STORE_FULL);
    assert_int_equal(store_del(g->w, T1, z("a")), ERR_STORE_FULL);
    assert_int_equal(store_commit(g->w), ERR_STORE_FULL);
    expect(g, "a", "-", 0);
    begin(g);
    assert_int_equal(put(g, "a", "two"), ERR_OK);
    commit(g);
    expect(g, "a", "two", 1);
}

static void committed_is_seen_by_others_and_staged_is_not(void **state)
{
    struct rig *g = *state;
    uint64_t before = store_changes(g->r);
    struct store_value v;
    begin(g);
    assert_int_equal(put(g, "a", "one"), ERR_OK);
    expect(g, "a", "-", 0);
    assert_int_equal(store_get(g->w, T1, z("a"), &g->arena, &v), ERR_OK); /* its own */
    assert_int_equal(store_begin(g->r, false), ERR_OK);
    assert_int_equal(store_get(g->r, T1, z("b"), &g->arena, &v), ERR_NOT_FOUND); /* takes the snapshot */
    commit(g);
    assert_int_equal(store_get(g->r, T1, z("a"), &g->arena, &v), ERR_NOT_FOUND); /* and keeps it */
    store_rollback(g->r);
    expect(g, "a", "one", 1);
    assert_true(store_changes(g->r) != before);
    before = store_changes(g->r);
    assert_true(store_changes(g->r) == before);
    begin(g);
    assert_int_equal(put(g, "a", "two"), ERR_OK);
    commit(g);
    expect(g, "a", "two", 2); /* no stale record from a cache */
}

static void changes_moves_with_each_commit(void **state)
{
    struct rig *g = *state;
    for (int i = 0; i < 5; i++) {
        uint64_t before = store_changes(g->r);
        uint64_t before_w = store_changes(g->w);
        begin(g);
        assert_int_equal(put(g, "a", "x"), ERR_OK);
        commit(g);
        assert_true(store_changes(g->r) != before);
        assert_true(store_changes(g->w) != before_w);
        before = store_changes(g->r);
        begin(g);
        assert_int_equal(put(g, "a", "y"), ERR_OK);
        store_rollback(g->w);
        assert_true(store_changes(g->r) == before);
    }
}

static void large_values(void **state)
{
    struct rig *g = *state;
    size_t n = 1 << 20;
    uint8_t *big = malloc(n);
    assert_non_null(big);
    for (size_t i = 0; i < n; i++) {
        big[i] = (uint8_t)(i * 31 + (i >> 8));
    }
    begin(g);
    assert_int_equal(store_put(g->w, T1, z("big"), bytes_of(big, n), STORE_PUT_ANY, 0), ERR_OK);
    commit(g);
    struct store_value v;
    for (int turn = 0; turn < 2; turn++) {
        arena_reset(&g->arena);
        assert_int_equal(store_begin(g->r, false), ERR_OK);
        assert_int_equal(store_get(g->r, T1, z("big"), &g->arena, &v), ERR_OK);
        assert_true(bytes_eq(v.data, bytes_of(big, n)));
        struct arena small = arena_of(g->memory, n - 1);
        assert_int_equal(store_get(g->r, T1, z("big"), &small, &v), ERR_LIMIT_CAPACITY);
        store_rollback(g->r);
    }
    free(big);
}

static void a_full_arena_is_an_error_each_time(void **state)
{
    struct rig *g = *state;
    uint8_t few[16];
    struct store_value v;
    begin(g);
    assert_int_equal(put(g, "a", "seventeen octets!"), ERR_OK);
    commit(g);
    for (int turn = 0; turn < 3; turn++) { /* not cached, cached */
        struct arena small = arena_of(few, sizeof(few));
        assert_int_equal(store_begin(g->r, false), ERR_OK);
        assert_int_equal(store_get(g->r, T1, z("a"), &small, &v), ERR_LIMIT_CAPACITY);
        store_rollback(g->r);
        expect(g, "a", "seventeen octets!", 1);
    }
}

/* -- scans -------------------------------------------------------------------------------------------------------- */

struct seen {
    char text[1024];
    size_t stop_after;
    size_t n;
};

static bool note(void *arg, struct bytes id, struct store_value v)
{
    struct seen *s = arg;
    assert_int_equal(v.version, 1);
    size_t at = strlen(s->text);
    for (size_t i = 0; i < id.n; i++) {
        at += (size_t)snprintf(s->text + at, sizeof(s->text) - at, id.p[i] == 0xFF ? "!" : id.p[i] == 0 ? "0" : "%c",
                               id.p[i]);
    }
    (void)snprintf(s->text + at, sizeof(s->text) - at, " ");
    return ++s->n != s->stop_after;
}

static void expect_scan(struct rig *g, struct store_scan q, const char *want)
{
    struct seen s = {.text = ""};
    assert_int_equal(store_begin(g->r, false), ERR_OK);
    assert_int_equal(store_scan(g->r, &q, note, &s), ERR_OK);
    store_rollback(g->r);
    assert_string_equal(s.text, want);
}

#define SCAN(...) ((struct store_scan){.table = T1, __VA_ARGS__})

static void fill_for_scans(struct rig *g)
{
    static const struct {
        const char *p;
        size_t n;
    } ids[] = {{"b/2", 3}, {"a", 1}, {"b/1", 3}, {"b", 1}, {"b/3", 3}, {"c", 1}, {"b0", 2}, {"b\0", 2},
               {"\xFF", 1}, {"\xFF\xFF", 2}, {"\xFF\xFF\x01", 3}, {"b/\xFF", 3}, {"\xFE", 1}};
    begin(g);
    for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
        assert_int_equal(store_put(g->w, T1, bytes_of(ids[i].p, ids[i].n), z("v"), STORE_PUT_IF_ABSENT, 0), ERR_OK);
    }
    assert_int_equal(store_put(g->w, T1 - 1, z("b/0"), z("v"), STORE_PUT_ANY, 0), ERR_OK); /* neighbours stay out */
    assert_int_equal(store_put(g->w, T1 + 1, z("b/4"), z("v"), STORE_PUT_ANY, 0), ERR_OK);
    commit(g);
}

static void scan_ranges(void **state)
{
    struct rig *g = *state;
    fill_for_scans(g);
    expect_scan(g, SCAN(.limit = 0), "a b b0 b/1 b/2 b/3 b/! b0 c \xFE ! !! !!\x01 ");
    expect_scan(g, SCAN(.order = STORE_DESCENDING), "!!\x01 !! ! \xFE c b0 b/! b/3 b/2 b/1 b0 b a ");
    expect_scan(g, SCAN(.prefix = z("b/")), "b/1 b/2 b/3 b/! ");
    expect_scan(g, SCAN(.prefix = z("b/"), .order = STORE_DESCENDING), "b/! b/3 b/2 b/1 ");
    expect_scan(g, SCAN(.prefix = z("b/"), .limit = 2), "b/1 b/2 ");
    expect_scan(g, SCAN(.prefix = z("b/"), .limit = 1, .order = STORE_DESCENDING), "b/! ");
    expect_scan(g, SCAN(.prefix = z("\xFF")), "! !! !!\x01 ");
    expect_scan(g, SCAN(.prefix = z("\xFF\xFF")), "!! !!\x01 ");
    expect_scan(g, SCAN(.prefix = z("\xFF\xFF"), .order = STORE_DESCENDING), "!!\x01 !! ");
    expect_scan(g, SCAN(.prefix = z("\xFE")), "\xFE ");
    expect_scan(g, SCAN(.prefix = z("b/\xFF")), "b/! ");
    expect_scan(g, SCAN(.prefix = z("none")), "");
    expect_scan(g, SCAN(.prefix = z("\xFF\xFF\xFF"), .order = STORE_DESCENDING), "");
}

static void scan_after(void **state)
{
    struct rig *g = *state;
    fill_for_scans(g);
    expect_scan(g, SCAN(.prefix = z("b/"), .after = z("b/1")), "b/2 b/3 b/! ");
    expect_scan(g, SCAN(.prefix = z("b/"), .after = z("b/15")), "b/2 b/3 b/! "); /* need not exist */
    expect_scan(g, SCAN(.prefix = z("b/"), .after = z("b/!")), "b/1 b/2 b/3 b/! ");
    expect_scan(g, SCAN(.prefix = z("b/"), .after = z("a")), "b/1 b/2 b/3 b/! ");
    expect_scan(g, SCAN(.prefix = z("b/"), .after = z("c")), "");
    expect_scan(g, SCAN(.prefix = z("b/"), .after = z("b/3"), .order = STORE_DESCENDING), "b/2 b/1 ");
    expect_scan(g, SCAN(.prefix = z("b/"), .after = z("c"), .order = STORE_DESCENDING), "b/! b/3 b/2 b/1 ");
    expect_scan(g, SCAN(.prefix = z("b/"), .after = z("a"), .order = STORE_DESCENDING), "");
    expect_scan(g, SCAN(.after = z("b"), .limit = 2), "b0 b/1 ");
    expect_scan(g, SCAN(.after = z("b"), .order = STORE_DESCENDING), "a ");
    expect_scan(g, SCAN(.after = z("\xFF"), .limit = 1), "!! ");
    expect_scan(g, SCAN(.prefix = z("\xFF"), .after = z("\xFF\xFF"), .order = STORE_DESCENDING), "! ");
}

static void scan_stops_when_told(void **state)
{
    struct rig *g = *state;
    fill_for_scans(g);
    for (int turn = 0; turn < 2; turn++) { /* the second shows that the first was reset */
        struct seen s = {.text = "", .stop_after = 3};
        assert_int_equal(store_begin(g->r, false), ERR_OK);
        assert_int_equal(store_scan(g->r, &SCAN(.limit = 0), note, &s), ERR_OK);
        store_rollback(g->r);
        assert_string_equal(s.text, "a b b0 ");
    }
}

struct nested {
    struct rig *g;
    struct store *s;
    struct seen inner;
    err_t get, put, del, commit, begin;
};

static bool nest(void *arg, struct bytes id, struct store_value v)
{
    struct nested *n = arg;
    struct store_value got;
    uint8_t copy[8];
    memcpy(copy, id.p, id.n);
    struct bytes same = bytes_of(copy, id.n);
    assert_int_equal(v.version, 1);
    n->get = store_get(n->s, T1, same, &n->g->arena, &got);
    assert_int_equal(store_scan(n->s, &SCAN(.prefix = z("b/"), .limit = 1), note, &n->inner), ERR_OK);
    n->put = store_put(n->s, T1, z("x"), z("x"), STORE_PUT_ANY, 0);
    n->del = store_del(n->s, T1, same);
    n->commit = store_commit(n->s);
    n->begin = store_begin(n->s, false);
    assert_true(bytes_eq(id, same)); /* the view outlives nested reads */
    return true;
}

static void scans_nest_and_refuse_changes(void **state)
{
    struct rig *g = *state;
    fill_for_scans(g);
    struct nested n = {.g = g, .s = g->w};
    begin(g);
    assert_int_equal(store_scan(g->w, &SCAN(.prefix = z("b/")), nest, &n), ERR_OK);
    assert_int_equal(n.get, ERR_OK);
    assert_string_equal(n.inner.text, "b/1 b/1 b/1 b/1 ");
    assert_int_equal(n.put, ERR_BUG);
    assert_int_equal(n.del, ERR_BUG);
    assert_int_equal(n.commit, ERR_BUG);
    assert_int_equal(n.begin, ERR_BUG);
    commit(g); /* they were refused, not carried out: the transaction is as it was */
    expect(g, "x", "-", 0);
}

/* -- arguments and order ------------------------------------------------------------------------------------------ */

static void wrong_arguments(void **state)
{
    struct rig *g = *state;
    struct store_value v;
    struct seen s = {.text = ""};
    static uint8_t longer[STORE_ID_MAX + 1];
    memset(longer, 'x', sizeof(longer));
    begin(g);
    assert_int_equal(store_put(g->w, (enum store_table)999, z("a"), z("v"), STORE_PUT_ANY, 0), ERR_BUG);
    assert_int_equal(store_put(g->w, T1, bytes_empty(), z("v"), STORE_PUT_ANY, 0), ERR_BUG);
    assert_int_equal(store_put(g->w, T1, BYTES_ARRAY(longer), z("v"), STORE_PUT_ANY, 0), ERR_LIMIT_SIZE);
    assert_int_equal(store_put(g->w, T1, z("a"), (struct bytes){longer, STORE_DATA_MAX + 1u}, STORE_PUT_ANY, 0),
                     ERR_LIMIT_SIZE);
    assert_int_equal(store_get(g->w, T1, bytes_empty(), &g->arena, &v), ERR_BUG);
    assert_int_equal(store_get(g->w, T1, BYTES_ARRAY(longer), &g->arena, &v), ERR_LIMIT_SIZE);
    assert_int_equal(store_scan(g->w, &SCAN(.prefix = BYTES_ARRAY(longer)), note, &s), ERR_LIMIT_SIZE);
    assert_int_equal(store_scan(g->w, &SCAN(.after = BYTES_ARRAY(longer)), note, &s), ERR_LIMIT_SIZE);
    struct store_scan wrong = {.table = (enum store_table)0};
    assert_int_equal(store_scan(g->w, &wrong, note, &s), ERR_BUG);
    /* The longest id is a good one, also as the place to go on from. */
    struct bytes longest = bytes_of(longer, STORE_ID_MAX);
    assert_int_equal(store_put(g->w, T1, longest, z("v"), STORE_PUT_ANY, 0), ERR_OK);
    assert_int_equal(store_scan(g->w, &SCAN(.prefix = longest, .after = longest), note, &s), ERR_OK);
    assert_int_equal(s.n, 0);
    commit(g); /* none of it doomed the transaction */
}

static void wrong_order(void **state)
{
    struct rig *g = *state;
    struct store_value v;
    struct seen s = {.text = ""};
    assert_int_equal(put(g, "a", "v"), ERR_BUG);
    assert_int_equal(store_del(g->w, T1, z("a")), ERR_BUG);
    assert_int_equal(store_get(g->r, T1, z("a"), &g->arena, &v), ERR_BUG);
    assert_int_equal(store_scan(g->r, &SCAN(.limit = 0), note, &s), ERR_BUG);
    assert_int_equal(store_commit(g->w), ERR_BUG);
    store_rollback(g->w); /* harmless */
    store_fail(g->w, ERR_STORE);
    begin(g);
    assert_int_equal(store_begin(g->w, true), ERR_BUG);
    assert_int_equal(store_begin(g->w, false), ERR_BUG);
    commit(g);
    assert_int_equal(store_begin(g->w, false), ERR_OK);
    assert_int_equal(put(g, "a", "v"), ERR_BUG); /* a read transaction */
    store_rollback(g->w);
    if (g->r != g->w) {
        assert_int_equal(store_begin(g->r, true), ERR_BUG); /* a reader's connection */
    }
    store_close(NULL);
}

/* -- many keys, against a model ----------------------------------------------------------------------------------- */

static void many_keys(void **state)
{
    struct rig *g = *state;
    char id[32];
    char data[32];
    begin(g);
    for (unsigned i = 0; i < 5000; i++) {
        (void)snprintf(id, sizeof(id), "key-%08x", i * 2654435761u);
        (void)snprintf(data, sizeof(data), "value %u", i);
        assert_int_equal(put(g, id, data), ERR_OK);
    }
    commit(g);
    struct store_value v;
    assert_int_equal(store_begin(g->r, false), ERR_OK);
    for (unsigned turn = 0; turn < 2; turn++) {
        for (unsigned i = 0; i < 5000; i++) {
            arena_reset(&g->arena);
            (void)snprintf(id, sizeof(id), "key-%08x", i * 2654435761u);
            (void)snprintf(data, sizeof(data), "value %u", i);
            assert_int_equal(store_get(g->r, T1, z(id), &g->arena, &v), ERR_OK);
            assert_true(bytes_eq(v.data, z(data)));
        }
    }
    store_rollback(g->r);
}

enum { KEYS = 60, OPS = 6000 };

struct model_row {
    bool there;
    uint64_t version;
    uint8_t data[40];
    size_t n;
};

struct model {
    struct rig *g;
    uint64_t seed;
    struct model_row now[KEYS];
    struct model_row committed[KEYS];
    bool open;
};

/* Ids of 1 to 3 octets out of 0x00, 'a', 0xFE, 0xFF: neighbours and prefixes of each other. The order of k is theirs. */
static struct bytes model_id(size_t k, uint8_t buf[3])
{
    static const uint8_t octets[4] = {0x00, 'a', 0xFE, 0xFF};
    size_t n = k < 4 ? 1 : k < 20 ? 2 : 3;
    size_t v = k - (n == 1 ? 0u : n == 2 ? 4u : 20u);
    for (size_t i = n; i-- > 0;) {
        buf[i] = octets[v & 3];
        v >>= 2;
    }
    return bytes_of(buf, n);
}

static void model_put(struct model *m, size_t k)
{
    uint8_t id[3];
    struct model_row *row = &m->now[k];
    uint8_t data[40];
    size_t n = scratch_random(&m->seed) % sizeof(data);
    memset(data, (int)(scratch_random(&m->seed) & 0xFF), sizeof(data));
    enum store_put mode = (enum store_put)(scratch_random(&m->seed) % 3);
    uint64_t version = scratch_random(&m->seed) % 4;
    err_t want = mode == STORE_PUT_IF_ABSENT && row->there                                       ? ERR_EXISTS
                 : mode == STORE_PUT_IF_VERSION && (!row->there || row->version != version) ? ERR_STORE_CONFLICT
                                                                                                 : ERR_OK;
    assert_int_equal(store_put(m->g->w, T1, model_id(k, id), bytes_of(data, n), mode, version), want);
    if (want == ERR_OK) {
        *row = (struct model_row){.there = true, .version = row->there ? row->version + 1 : 1, .n = n};
        memcpy(row->data, data, n);
    }
}

static void model_del(struct model *m, size_t k)
{
    uint8_t id[3];
    assert_int_equal(store_del(m->g->w, T1, model_id(k, id)), m->now[k].there ? ERR_OK : ERR_NOT_FOUND);
    m->now[k].there = false;
}

static void model_get(struct model *m, struct store *s, const struct model_row *rows, size_t k)
{
    uint8_t id[3];
    struct store_value v;
    arena_reset(&m->g->arena);
    assert_int_equal(store_get(s, T1, model_id(k, id), &m->g->arena, &v), rows[k].there ? ERR_OK : ERR_NOT_FOUND);
    if (rows[k].there) {
        assert_int_equal(v.version, rows[k].version);
        assert_true(bytes_eq(v.data, bytes_of(rows[k].data, rows[k].n)));
    }
}

struct model_scan {
    const struct model_row *rows;
    struct store_scan q;
    struct bytes last;
    uint8_t last_buf[3];
    size_t n;
};

static bool in_scan(const struct store_scan *q, struct bytes id)
{
    if (id.n < q->prefix.n || memcmp(id.p, q->prefix.p, q->prefix.n) != 0) {
        return false;
    }
    int c = bytes_cmp(id, q->after);
    return q->after.n == 0 || (q->order == STORE_ASCENDING ? c > 0 : c < 0);
}

static bool model_hit(void *arg, struct bytes id, struct store_value v)
{
    struct model_scan *s = arg;
    uint8_t buf[3];
    size_t k = 0;
    while (k < KEYS && !bytes_eq(model_id(k, buf), id)) {
        k++;
    }
    assert_true(k < KEYS && s->rows[k].there && s->rows[k].version == v.version && in_scan(&s->q, id));
    assert_true(bytes_eq(v.data, bytes_of(s->rows[k].data, s->rows[k].n)));
    if (s->n > 0) {
        assert_true(s->q.order == STORE_ASCENDING ? bytes_cmp(id, s->last) > 0 : bytes_cmp(id, s->last) < 0);
    }
    memcpy(s->last_buf, id.p, id.n);
    s->last = bytes_of(s->last_buf, id.n);
    s->n++;
    return true;
}

static void model_scan(struct model *m, struct store *st, const struct model_row *rows)
{
    uint8_t prefix[3];
    uint8_t after[3];
    uint8_t buf[3];
    uint64_t r = scratch_random(&m->seed);
    struct model_scan s = {.rows = rows};
    s.q = (struct store_scan){.table = T1, .order = (enum store_order)(r & 1), .limit = r >> 1 & 7};
    s.q.prefix = bytes_of(model_id(r >> 8 & 31, prefix).p, r >> 16 & 1);
    s.q.after = (r >> 17 & 1) != 0 ? model_id((r >> 20) % KEYS, after) : bytes_empty();
    size_t want = 0;
    for (size_t k = 0; k < KEYS; k++) {
        want += rows[k].there && in_scan(&s.q, model_id(k, buf)) ? 1u : 0u;
    }
    assert_int_equal(store_scan(st, &s.q, model_hit, &s), ERR_OK);
    assert_int_equal(s.n, s.q.limit != 0 && s.q.limit < want ? s.q.limit : want);
}

static void model_end(struct model *m, bool keep)
{
    if (keep) {
        commit(m->g);
        memcpy(m->committed, m->now, sizeof(m->now));
    } else {
        store_rollback(m->g->w);
        memcpy(m->now, m->committed, sizeof(m->now));
    }
    m->open = false;
    assert_int_equal(store_begin(m->g->r, false), ERR_OK);
    for (size_t k = 0; k < KEYS; k++) {
        model_get(m, m->g->r, m->committed, k);
    }
    for (int i = 0; i < 4; i++) {
        model_scan(m, m->g->r, m->committed);
    }
    store_rollback(m->g->r);
}

static void random_operations_follow_the_model(void **state)
{
    struct model *m = calloc(1, sizeof(*m));
    assert_non_null(m);
    m->g = *state;
    m->seed = 20240229;
    for (unsigned i = 0; i < OPS; i++) {
        if (!m->open) {
            begin(m->g);
            m->open = true;
        }
        size_t k = scratch_random(&m->seed) % KEYS;
        uint64_t what = scratch_random(&m->seed) % 100;
        if (what < 45) {
            model_put(m, k);
        } else if (what < 60) {
            model_del(m, k);
        } else if (what < 85) {
            model_get(m, m->g->w, m->now, k);
        } else if (what < 95) {
            model_scan(m, m->g->w, m->now);
        } else {
            model_end(m, what < 98);
        }
    }
    store_rollback(m->g->w);
    free(m);
}

#define TESTS(setup)                                                                                                   \
    {                                                                                                                  \
        cmocka_unit_test_setup_teardown(put_modes_and_versions, setup, teardown),                                      \
        cmocka_unit_test_setup_teardown(del_and_create_again, setup, teardown),                                        \
        cmocka_unit_test_setup_teardown(a_refused_put_does_not_doom_the_batch, setup, teardown),                       \
        cmocka_unit_test_setup_teardown(rollback_undoes_everything, setup, teardown),                                  \
        cmocka_unit_test_setup_teardown(a_doomed_transaction_commits_nothing, setup, teardown),                        \
        cmocka_unit_test_setup_teardown(changes_moves_with_each_commit, setup, teardown),                              \
        cmocka_unit_test_setup_teardown(large_values, setup, teardown),                                                \
        cmocka_unit_test_setup_teardown(a_full_arena_is_an_error_each_time, setup, teardown),                          \
        cmocka_unit_test_setup_teardown(scan_ranges, setup, teardown),                                                 \
        cmocka_unit_test_setup_teardown(scan_after, setup, teardown),                                                  \
        cmocka_unit_test_setup_teardown(scan_stops_when_told, setup, teardown),                                        \
        cmocka_unit_test_setup_teardown(scans_nest_and_refuse_changes, setup, teardown),                               \
        cmocka_unit_test_setup_teardown(wrong_arguments, setup, teardown),                                             \
        cmocka_unit_test_setup_teardown(wrong_order, setup, teardown),                                                 \
        cmocka_unit_test_setup_teardown(many_keys, setup, teardown),                                                   \
        cmocka_unit_test_setup_teardown(random_operations_follow_the_model, setup, teardown),                          \
    }

int main(void)
{
    const struct CMUnitTest two_handles[] = {
        cmocka_unit_test_setup_teardown(committed_is_seen_by_others_and_staged_is_not, setup_sqlite, teardown),
        cmocka_unit_test_setup_teardown(committed_is_seen_by_others_and_staged_is_not, setup_cached_sqlite, teardown),
    };
    const struct CMUnitTest memory[] = TESTS(setup_memory);
    const struct CMUnitTest sqlite[] = TESTS(setup_sqlite);
    const struct CMUnitTest sqlite_one[] = TESTS(setup_sqlite_one);
    const struct CMUnitTest cached_sqlite[] = TESTS(setup_cached_sqlite);
    const struct CMUnitTest cached_memory[] = TESTS(setup_cached_memory);
    int bad = cmocka_run_group_tests(two_handles, NULL, NULL);
    bad += cmocka_run_group_tests(memory, NULL, NULL);
    bad += cmocka_run_group_tests(sqlite, NULL, NULL);
    bad += cmocka_run_group_tests(sqlite_one, NULL, NULL);
    bad += cmocka_run_group_tests(cached_sqlite, NULL, NULL);
    bad += cmocka_run_group_tests(cached_memory, NULL, NULL);
    return bad;
}
