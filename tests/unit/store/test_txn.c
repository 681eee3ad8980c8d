/* The view of a handler: overlay, conditions decided on staging, all or nothing on applying. */
#include "store/store_memory.h"
#include "store/txn.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define T TABLE_CSE_RES

struct rig {
    struct store *s;
    uint8_t memory[16 << 10];
    struct arena arena;
    struct txn t;
};

static struct bytes z(const char *s)
{
    return bytes_of(s, strlen(s));
}

static struct rig rig;

static int setup(void **state)
{
    struct rig *g = &rig;
    assert_int_equal(store_memory_open(&g->s), ERR_OK);
    g->arena = arena_of(g->memory, sizeof(g->memory));
    assert_int_equal(store_begin(g->s, true), ERR_OK);
    assert_int_equal(store_put(g->s, T, z("old"), z("committed"), STORE_PUT_ANY, 0), ERR_OK);
    assert_int_equal(store_put(g->s, T, z("older"), z("x"), STORE_PUT_ANY, 0), ERR_OK);
    assert_int_equal(store_commit(g->s), ERR_OK);
    assert_int_equal(store_begin(g->s, true), ERR_OK);
    txn_init(&g->t, g->s, &g->arena, true);
    *state = g;
    return 0;
}

static int teardown(void **state)
{
    store_close(((struct rig *)*state)->s);
    return 0;
}

static void expect(struct txn *t, const char *id, const char *data, uint64_t version)
{
    struct store_value v;
    assert_int_equal(txn_get(t, T, text_of(id), &v), ERR_OK);
    assert_true(bytes_eq(v.data, z(data)));
    assert_int_equal(v.version, version);
}

static void expect_none(struct txn *t, const char *id)
{
    struct store_value v;
    assert_int_equal(txn_get(t, T, text_of(id), &v), ERR_NOT_FOUND);
}

static err_t put(struct txn *t, const char *id, const char *data, enum store_put mode, uint64_t version)
{
    return txn_put(t, T, text_of(id), z(data), mode, version);
}

static void get_sees_what_was_staged(void **state)
{
    struct txn *t = &((struct rig *)*state)->t;
    expect(t, "old", "committed", 1);
    assert_int_equal(put(t, "old", "changed", STORE_PUT_ANY, 0), ERR_OK);
    expect(t, "old", "changed", 2);
    assert_int_equal(put(t, "old", "again", STORE_PUT_IF_VERSION, 2), ERR_OK);
    expect(t, "old", "again", 3);
    assert_int_equal(txn_del(t, T, text_of("old")), ERR_OK);
    expect_none(t, "old");
    assert_int_equal(txn_del(t, T, text_of("old")), ERR_NOT_FOUND);
    assert_int_equal(put(t, "old", "born again", STORE_PUT_IF_ABSENT, 0), ERR_OK);
    expect(t, "old", "born again", 1);
    expect_none(t, "ol"); /* a prefix of a record is not the record */
    assert_int_equal(put(t, "ol", "new", STORE_PUT_IF_ABSENT, 0), ERR_OK);
    struct store_value v;
    assert_int_equal(txn_get(t, TABLE_CSE_NAME, text_of("ol"), &v), ERR_NOT_FOUND); /* another table */
    expect(t, "ol", "new", 1);
    expect(t, "older", "x", 1);
}

static void conditions_are_decided_on_staging(void **state)
{
    struct txn *t = &((struct rig *)*state)->t;
    assert_int_equal(put(t, "old", "x", STORE_PUT_IF_ABSENT, 0), ERR_EXISTS);
    assert_int_equal(put(t, "old", "x", STORE_PUT_IF_VERSION, 2), ERR_STORE_CONFLICT);
    assert_int_equal(put(t, "new", "x", STORE_PUT_IF_VERSION, 0), ERR_STORE_CONFLICT);
    assert_int_equal(put(t, "new", "x", STORE_PUT_IF_VERSION, 1), ERR_STORE_CONFLICT);
    assert_int_equal(put(t, "new", "x", (enum store_put)7, 1), ERR_BUG);
    assert_int_equal(txn_del(t, T, text_of("new")), ERR_NOT_FOUND);
    assert_int_equal(t->staged_n, 0);
    assert_int_equal(put(t, "new", "x", STORE_PUT_IF_ABSENT, 0), ERR_OK);
    assert_int_equal(put(t, "new", "x", STORE_PUT_IF_ABSENT, 0), ERR_EXISTS);
    assert_int_equal(t->staged_n, 1);
}

static void apply_leads_to_what_was_seen(void **state)
{
    struct rig *g = *state;
    struct txn *t = &g->t;
    char buffer[8] = "staged";
    assert_int_equal(put(t, "old", "1", STORE_PUT_ANY, 0), ERR_OK);
    assert_int_equal(put(t, "old", "2", STORE_PUT_IF_VERSION, 2), ERR_OK);
    assert_int_equal(txn_del(t, T, text_of("older")), ERR_OK);
    assert_int_equal(txn_put(t, T, text_of("new"), z(buffer), STORE_PUT_IF_ABSENT, 0), ERR_OK);
    memset(buffer, 'x', sizeof(buffer)); /* the caller's memory may go */
    assert_int_equal(txn_apply(t), ERR_OK);
    assert_int_equal(store_commit(g->s), ERR_OK);
    assert_int_equal(store_begin(g->s, false), ERR_OK);
    txn_init(t, g->s, &g->arena, false);
    expect(t, "old", "2", 3);
    expect(t, "new", "staged", 1);
    expect_none(t, "older");
}

static void the_next_request_of_the_batch_sees_what_was_applied(void **state)
{
    struct rig *g = *state;
    assert_int_equal(put(&g->t, "new", "first", STORE_PUT_IF_ABSENT, 0), ERR_OK);
    assert_int_equal(txn_apply(&g->t), ERR_OK);
    struct txn second;
    txn_init(&second, g->s, &g->arena, true);
    expect(&second, "new", "first", 1);
    assert_int_equal(put(&second, "new", "second", STORE_PUT_IF_ABSENT, 0), ERR_EXISTS);
    assert_int_equal(put(&second, "new", "second", STORE_PUT_IF_VERSION, 1), ERR_OK);
    expect(&second, "new", "second", 2);
}

static void what_is_not_applied_leaves_nothing(void **state)
{
    struct rig *g = *state;
    assert_int_equal(put(&g->t, "new", "x", STORE_PUT_ANY, 0), ERR_OK);
    assert_int_equal(txn_del(&g->t, T, text_of("old")), ERR_OK);
    struct txn second; /* the handler failed; the batch goes on */
    txn_init(&second, g->s, &g->arena, true);
    expect_none(&second, "new");
    assert_int_equal(put(&second, "other", "y", STORE_PUT_ANY, 0), ERR_OK);
    assert_int_equal(txn_apply(&second), ERR_OK);
    assert_int_equal(store_commit(g->s), ERR_OK);
    assert_int_equal(store_begin(g->s, false), ERR_OK);
    txn_init(&second, g->s, &g->arena, false);
    expect(&second, "old", "committed", 1);
    expect(&second, "other", "y", 1);
    expect_none(&second, "new");
}

static void half_a_request_is_never_committed(void **state)
{
    struct rig *g = *state;
    assert_int_equal(put(&g->t, "one", "x", STORE_PUT_ANY, 0), ERR_OK);
    assert_int_equal(put(&g->t, "two", "x", STORE_PUT_IF_ABSENT, 0), ERR_OK);
    /* Somebody breaks the rule that nothing comes between staging and applying. */
    assert_int_equal(store_put(g->s, T, z("two"), z("intruder"), STORE_PUT_ANY, 0), ERR_OK);
    assert_int_equal(txn_apply(&g->t), ERR_EXISTS);
    assert_int_equal(store_commit(g->s), ERR_EXISTS);
    assert_int_equal(store_begin(g->s, false), ERR_OK);
    struct txn t;
    txn_init(&t, g->s, &g->arena, false);
    expect_none(&t, "one");
    expect_none(&t, "two");
    expect(&t, "old", "committed", 1);
}

static void a_first_change_that_fails_spoils_nobody_elses(void **state)
{
    struct rig *g = *state;
    assert_int_equal(put(&g->t, "two", "x", STORE_PUT_IF_ABSENT, 0), ERR_OK);
    assert_int_equal(store_put(g->s, T, z("two"), z("intruder"), STORE_PUT_ANY, 0), ERR_OK);
    assert_int_equal(txn_apply(&g->t), ERR_EXISTS);
    assert_int_equal(store_commit(g->s), ERR_OK);
}

static void capacities(void **state)
{
    struct rig *g = *state;
    struct audit_event e = {.kind = AUDIT_STARTED};
    char id[16];
    for (int i = 0; i < TXN_STAGED_MAX; i++) {
        (void)snprintf(id, sizeof(id), "id-%d", i);
        assert_int_equal(put(&g->t, id, "x", STORE_PUT_ANY, 0), ERR_OK);
    }
    assert_int_equal(put(&g->t, "more", "x", STORE_PUT_ANY, 0), ERR_LIMIT_CAPACITY);
    assert_int_equal(txn_del(&g->t, T, text_of("old")), ERR_LIMIT_CAPACITY);
    struct arena small = g->arena;
    struct arena large = arena_of(malloc(1 << 20), 1 << 20);
    g->t.arena = &large;
    for (int i = 0; i < TXN_AUDIT_MAX; i++) {
        assert_int_equal(txn_audit(&g->t, &e), ERR_OK);
    }
    assert_int_equal(txn_audit(&g->t, &e), ERR_LIMIT_CAPACITY);
    g->t.audit_n = 0;
    small.used = small.cap; /* events lie in the arena */
    g->t.arena = &small;
    assert_int_equal(txn_audit(&g->t, &e), ERR_LIMIT_CAPACITY);
    g->t.arena = &g->arena;
    free(large.buf);
    assert_int_equal(txn_apply(&g->t), ERR_OK);

    txn_init(&g->t, g->s, &g->arena, true);
    static uint8_t big[16 << 10];
    assert_int_equal(txn_put(&g->t, T, text_of("big"), BYTES_ARRAY(big), STORE_PUT_ANY, 0), ERR_LIMIT_CAPACITY);
    assert_int_equal(txn_put(&g->t, T, text_of("big"), (struct bytes){big, STORE_DATA_MAX + 1u}, STORE_PUT_ANY, 0),
                     ERR_LIMIT_SIZE);
    assert_int_equal(txn_put(&g->t, T, text_span((const char *)big, STORE_ID_MAX + 1), z("x"), STORE_PUT_ANY, 0),
                     ERR_LIMIT_SIZE);
    assert_int_equal(g->t.staged_n, 0);
}

static void a_read_only_view_stages_nothing(void **state)
{
    struct rig *g = *state;
    struct audit_event e = {.kind = AUDIT_STARTED};
    txn_init(&g->t, g->s, &g->arena, false);
    assert_int_equal(put(&g->t, "new", "x", STORE_PUT_ANY, 0), ERR_BUG);
    assert_int_equal(txn_del(&g->t, T, text_of("old")), ERR_BUG);
    assert_int_equal(txn_audit(&g->t, &e), ERR_BUG);
    expect(&g->t, "old", "committed", 1);
    assert_int_equal(g->t.staged_n + g->t.audit_n, 0);
}

static bool count(void *arg, struct bytes id, struct store_value v)
{
    (void)id;
    (void)v;
    ++*(size_t *)arg;
    return true;
}

static void scan_shows_the_store_alone(void **state)
{
    struct rig *g = *state;
    size_t n = 0;
    assert_int_equal(put(&g->t, "old-new", "x", STORE_PUT_ANY, 0), ERR_OK);
    struct store_scan q = {.table = T, .prefix = z("old")};
    assert_int_equal(txn_scan(&g->t, &q, count, &n), ERR_OK);
    assert_int_equal(n, 2);
}

/* -- partitions: instances of one role ------------------------------------------------------------------------- */
static const char *const partitions[] = {"", "mef-b.example", "mef-b.example.org", "mef-c.example"};

struct seen {
    char ids[256];
    size_t n;
};

static bool see(void *arg, struct bytes id, struct store_value value)
{
    struct seen *s = arg;
    (void)value;
    int n = snprintf(s->ids + strlen(s->ids), sizeof(s->ids) - strlen(s->ids), "%.*s ", (int)id.n, (const char *)id.p);
    assert_true(n > 0);
    s->n++;
    return true;
}

static void expect_scan(struct txn *t, struct store_scan q, const char *ids)
{
    struct seen s = {.ids = ""};
    q.table = T;
    assert_int_equal(txn_scan(t, &q, see, &s), ERR_OK);
    assert_string_equal(s.ids, ids);
}

static void partitions_are_apart(void **state)
{
    struct rig *g = *state;
    struct txn *t = &g->t;
    for (size_t i = 0; i < ARRAY_LEN(partitions); i++) { /* the same ids in each */
        txn_init(t, g->s, &g->arena, true);
        txn_enter(t, text_of(partitions[i]));
        expect_none(t, "same");
        assert_int_equal(put(t, "same", partitions[i], STORE_PUT_IF_ABSENT, 0), ERR_OK);
        assert_int_equal(put(t, "tail", "x", STORE_PUT_IF_ABSENT, 0), ERR_OK);
        expect(t, "same", partitions[i], 1);
        assert_int_equal(txn_apply(t), ERR_OK);
    }
    txn_init(t, g->s, &g->arena, true);
    txn_enter(t, text_of(partitions[1]));
    assert_int_equal(txn_del(t, T, text_of("same")), ERR_OK);
    assert_int_equal(put(t, "tail", "changed", STORE_PUT_IF_VERSION, 1), ERR_OK);
    assert_int_equal(txn_del(t, T, text_of("old")), ERR_NOT_FOUND); /* of the default one */
    assert_int_equal(txn_apply(t), ERR_OK);
    for (size_t i = 0; i < ARRAY_LEN(partitions); i++) {
        txn_init(t, g->s, &g->arena, false);
        txn_enter(t, text_of(partitions[i]));
        if (i == 1) {
            expect_none(t, "same");
            expect(t, "tail", "changed", 2);
        } else {
            expect(t, "same", partitions[i], 1);
            expect(t, "tail", "x", 1);
        }
    }
}

static void scans_stay_in_their_partition(void **state)
{
    struct rig *g = *state;
    struct txn *t = &g->t;
    for (size_t i = 0; i < ARRAY_LEN(partitions); i++) {
        txn_init(t, g->s, &g->arena, true);
        txn_enter(t, text_of(partitions[i]));
        assert_int_equal(put(t, "a/1", "x", STORE_PUT_ANY, 0), ERR_OK);
        assert_int_equal(put(t, "a/2", "x", STORE_PUT_ANY, 0), ERR_OK);
        assert_int_equal(put(t, "b", "x", STORE_PUT_ANY, 0), ERR_OK);
        assert_int_equal(txn_apply(t), ERR_OK);
    }
    for (size_t i = 0; i < ARRAY_LEN(partitions); i++) {
        bool bare = i == 0; /* has the two that setup put */
        txn_init(t, g->s, &g->arena, false);
        txn_enter(t, text_of(partitions[i]));
        expect_scan(t, (struct store_scan){.order = STORE_ASCENDING}, bare ? "a/1 a/2 b old older " : "a/1 a/2 b ");
        expect_scan(t, (struct store_scan){.order = STORE_DESCENDING}, bare ? "older old b a/2 a/1 " : "b a/2 a/1 ");
        expect_scan(t, (struct store_scan){.prefix = z("a/"), .order = STORE_DESCENDING}, "a/2 a/1 ");
        expect_scan(t, (struct store_scan){.prefix = z("c")}, "");
        expect_scan(t, (struct store_scan){.after = z("a/2")}, bare ? "b old older " : "b ");
        expect_scan(t, (struct store_scan){.after = z("a/2"), .order = STORE_DESCENDING}, "a/1 ");
        expect_scan(t, (struct store_scan){.order = STORE_DESCENDING, .limit = 1}, bare ? "older " : "b ");
        expect_scan(t, (struct store_scan){.limit = 2}, "a/1 a/2 ");
    }
}

/* An id that spells out the place of another partition's record reaches nothing. */
static void no_id_leads_into_another_partition(void **state)
{
    struct rig *g = *state;
    struct txn *t = &g->t;
    static const char spelt[] = "\xFFmef-b.example\0secret";
    struct text id = text_span(spelt, sizeof(spelt) - 1);
    struct store_value v;
    txn_enter(t, text_of("mef-b.example"));
    assert_int_equal(put(t, "secret", "x", STORE_PUT_ANY, 0), ERR_OK);
    assert_int_equal(txn_apply(t), ERR_OK);
    assert_int_equal(store_get(g->s, T, text_bytes(id), &g->arena, &v), ERR_OK); /* it is there */
    txn_init(t, g->s, &g->arena, true);
    assert_int_equal(txn_get(t, T, id, &v), ERR_NOT_FOUND);
    assert_int_equal(txn_del(t, T, id), ERR_NOT_FOUND);
    assert_int_equal(txn_put(t, T, id, z("y"), STORE_PUT_ANY, 0), ERR_MALFORMED_ID);
    expect_scan(t, (struct store_scan){.prefix = bytes_of(spelt, 5)}, "");
    expect_scan(t, (struct store_scan){.after = bytes_of(spelt, 5)}, "");
    expect_scan(t, (struct store_scan){.after = bytes_of(spelt, 5), .order = STORE_DESCENDING}, "older old ");
    txn_enter(t, text_of("mef-b"));
    assert_int_equal(txn_get(t, T, text_of(".example\0secret"), &v), ERR_NOT_FOUND);
    expect_scan(t, (struct store_scan){.limit = 0}, "");
}

static void partitioned_ids_have_limits_and_events_a_name(void **state)
{
    struct rig *g = *state;
    struct txn *t = &g->t;
    static char longest[STORE_ID_MAX];
    memset(longest, 'i', sizeof(longest));
    struct store_value v;
    txn_enter(t, text_of("mef-b.example"));
    size_t room = STORE_ID_MAX - strlen("mef-b.example") - 2;
    assert_int_equal(txn_put(t, T, text_span(longest, room), z("x"), STORE_PUT_ANY, 0), ERR_OK);
    assert_int_equal(txn_put(t, T, text_span(longest, room + 1), z("x"), STORE_PUT_ANY, 0), ERR_LIMIT_SIZE);
    assert_int_equal(txn_get(t, T, text_span(longest, room + 1), &v), ERR_LIMIT_SIZE);
    assert_int_equal(txn_get(t, T, text_empty(), &v), ERR_BUG);
    assert_int_equal(txn_apply(t), ERR_OK);
    assert_int_equal(txn_audit(t, &(struct audit_event){.kind = AUDIT_STARTED}), ERR_OK);
    assert_string_equal(t->audit[0]->instance, "mef-b.example");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(get_sees_what_was_staged),
        TEST(conditions_are_decided_on_staging),
        TEST(apply_leads_to_what_was_seen),
        TEST(the_next_request_of_the_batch_sees_what_was_applied),
        TEST(what_is_not_applied_leaves_nothing),
        TEST(half_a_request_is_never_committed),
        TEST(a_first_change_that_fails_spoils_nobody_elses),
        TEST(capacities),
        TEST(a_read_only_view_stages_nothing),
        TEST(scan_shows_the_store_alone),
        TEST(partitions_are_apart),
        TEST(scans_stay_in_their_partition),
        TEST(no_id_leads_into_another_partition),
        TEST(partitioned_ids_have_limits_and_events_a_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
