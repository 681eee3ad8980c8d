/*
 * A hundred thousand children and more: what a request does is bounded however many there are, and goes on where the last one
 * ended. The instances are copies of one that was made by request, put into the store beside it.
 */
#include "cse_fixture.h"
#include "role/cse/cse_result.h"
#include "role/cse/cse_sweep.h"
#include "wire/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MANY 100000
#define MORE 210000 /* than one request walks, or drops */
#define BATCH 90 /* three changes each */

static uint8_t memory[1u << 20];

struct turn {
    struct txn txn;
    struct arena arena;
};

static void begin(struct cse_fixture *f, struct turn *u)
{
    u->arena = arena_of(memory, sizeof(memory));
    assert_int_equal(store_begin(f->cse->store, true), ERR_OK);
    txn_init(&u->txn, f->cse->store, &u->arena, true);
}

static void end(struct cse_fixture *f, struct turn *u)
{
    assert_int_equal(txn_apply(&u->txn), ERR_OK);
    assert_int_equal(store_commit(f->cse->store), ERR_OK);
}

static void copy(struct turn *u, struct cse_res r, uint64_t i)
{
    char ri[CSE_RES_UID_LEN + 1], rn[32];
    snprintf(ri, sizeof(ri), "0%016llx0000000", (0x6ULL << 60) + (unsigned long long)i);
    snprintf(rn, sizeof(rn), "n%06llu", (unsigned long long)i);
    r.ri = text_of(ri);
    r.node = r.node.n > 0 ? r.ri : r.node;
    r.rn = text_of(rn);
    r.number += i;
    r.version = 0;
    assert_int_equal(cse_res_add(&u->txn, &r), ERR_OK);
}

/* More instances in Sa/big, beside those it has. */
static void fill(struct cse_fixture *f, uint64_t from, uint64_t to)
{
    char first[64], box[64];
    assert_int_equal(cse_fixture_get(f, &f->a, "Sa", "cse-in/app-a/big/first"), ERR_OK);
    snprintf(first, sizeof(first), "%s", cse_fixture_member(f, "ri"));
    snprintf(box, sizeof(box), "%s", cse_fixture_member(f, "pi"));
    for (uint64_t i = from; i < to;) {
        struct turn u;
        struct cse_res cnt, one;
        uint64_t n = to - i < BATCH ? to - i : BATCH;
        begin(f, &u);
        assert_int_equal(cse_res_get(&u.txn, text_of(box), f->w.now, &cnt), ERR_OK);
        cnt.cni += n;
        cnt.cbs += n;
        cnt.st += n;
        assert_int_equal(cse_res_put(&u.txn, &cnt), ERR_OK);
        assert_int_equal(cse_res_get(&u.txn, text_of(first), f->w.now, &one), ERR_OK);
        for (uint64_t k = 0; k < n; k++) {
            copy(&u, one, ++i);
        }
        end(f, &u);
    }
}

static int setup(void **state)
{
    struct cse_fixture *f = calloc(1, sizeof(*f));
    cse_fixture_init(f, CSE_CONF "admin = Sadmin\n");
    assert_int_equal(cse_fixture_create(f, &f->a, "Sa", "cse-in", 2, AE_NAMED("app-a")), ERR_OK);
    f->w.now += SECOND;
    assert_int_equal(cse_fixture_create(f, &f->a, "Sa", "Sa", 3, "{\"m2m:cnt\":{\"rn\":\"big\"}}"), ERR_OK);
    assert_int_equal(cse_fixture_create(f, &f->a, "Sa", "Sa/big", 4, "{\"m2m:cin\":{\"rn\":\"first\",\"con\":\"x\",\"lbl\":[\"l\"]}}"), ERR_OK);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    cse_fixture_free(*state);
    free(*state);
    return 0;
}

static err_t discover(struct cse_fixture *f, const char *filter, uint64_t at, size_t *n)
{
    char query[96];
    json_t *v = NULL;
    snprintf(query, sizeof(query), "%s&ofst=%llu", filter, (unsigned long long)at);
    const struct cse_call c = {.s = &f->a, .op = OP_RETRIEVE, .to = "cse-in/app-a", .from = "Sa", .query = query, .fu = 1};
    err_t e = cse_fixture_call(f, &c);
    if (e == ERR_OK) {
        assert_int_equal(json_parse(text_bytes(text_of(f->body)), &v), ERR_OK);
        *n += json_array_size(json_object_get(v, "m2m:uril"));
        json_decref(v);
    }
    return e;
}

/* In pages, each found once: counted at first, then from mark to mark, so that a page costs the same wherever it is. And of none
 * that match: the work of a request is bounded, not its luck. */
static void listing(struct cse_fixture *f, size_t all)
{
    size_t n = 0;
    for (uint64_t at = 1, pages = 0; at != 0; pages++) {
        assert_in_range(pages, 0, all / 1000 + 1);
        assert_int_equal(discover(f, "ty=4&lim=1000", at, &n), ERR_OK);
        assert_true(f->next == 0 || f->next > at);
        assert_true(n == all || (n <= 9000) == (f->next <= 10000));
        at = f->next;
    }
    assert_int_equal(n, all);
    n = 0;
    for (uint64_t at = 1, pages = 0; at != 0; pages++) {
        assert_in_range(pages, 0, all / 5000 + 1);
        assert_int_equal(discover(f, "lbl=none", at, &n), ERR_OK);
        assert_true(f->next == 0 || f->next > at);
        at = f->next;
    }
    assert_int_equal(n, 0);
}

/* The next one costs what the first did. */
static void creation(struct cse_fixture *f)
{
    size_t before = world_count(f->cse, TABLE_CSE_CHILD);
    assert_int_equal(cse_fixture_create(f, &f->a, "Sa", "Sa/big", 3, "{\"m2m:cnt\":{\"rn\":\"n000007\"}}"), ERR_EXISTS);
    assert_int_equal(cse_fixture_create(f, &f->a, "Sa", "Sa/big", 3, "{\"m2m:cnt\":{\"rn\":\"inner\"}}"), ERR_OK);
    assert_int_equal(world_count(f->cse, TABLE_CSE_CHILD), before + 1);
    assert_int_equal(cse_fixture_create(f, &f->a, "Sa", "Sa/big/inner", 4, "{\"m2m:cin\":{\"con\":\"y\"}}"), ERR_OK);
}

/* An offset that one request cannot walk to is said to be one, with what to do, and is no empty answer. */
static void an_offset_out_of_reach(struct cse_fixture *f)
{
    size_t n = 0;
    assert_int_equal(discover(f, "ty=4&lim=10", 150000, &n), ERR_OK);
    assert_int_equal(n, 10);
    assert_int_equal(discover(f, "ty=4&lim=10", 205000, &n), ERR_MALFORMED_QUERY);
    assert_non_null(strstr(f->body, "give the Content Offset of the last answer"));
}

/* So many that one request does not drop them all: it drops what it may, and the next ones the rest. */
static void more_than_one_request_drops(struct cse_fixture *f)
{
    static const char *const left[] = {"110001", "10002", "1"};
    assert_int_equal(cse_fixture_put(f, &f->a, "Sa", "Sa/big", "{\"m2m:cnt\":{\"mni\":1}}"), ERR_OK);
    for (size_t i = 0; i < ARRAY_LEN(left); i++) {
        assert_int_equal(cse_fixture_get(f, &f->a, "Sa", "cse-in/app-a/big"), ERR_OK);
        assert_string_equal(cse_fixture_member(f, "cni"), left[i]);
        f->w.now += SECOND;
        assert_int_equal(cse_fixture_create(f, &f->a, "Sa", "Sa/big", 4, "{\"m2m:cin\":{\"con\":\"last\"}}"), ERR_OK);
    }
    assert_int_equal(cse_fixture_get(f, &f->a, "Sa", "cse-in/app-a/big/ol"), ERR_OK);
    assert_string_equal(cse_fixture_member(f, "con"), "last");
}

static void deletion(struct cse_fixture *f)
{
    size_t before = world_count(f->cse, TABLE_CSE_CHILD);
    assert_true(before > MANY); /* what a limit drops is collected later */
    assert_int_equal(cse_fixture_del(f, &f->a, "Sa", "Sa/big"), ERR_OK);
    assert_in_range(before - world_count(f->cse, TABLE_CSE_CHILD), 1, CSE_SWEEP_BUDGET + 1);
    assert_int_equal(cse_fixture_get(f, &f->a, "Sa", "cse-in/app-a/big/n099999"), ERR_NOT_FOUND); /* gone at once ... */
    size_t n = 0;
    assert_int_equal(discover(f, "ty=4", 1, &n), ERR_OK);
    assert_int_equal(n, 0);
    assert_int_equal(cse_fixture_create(f, &f->a, "Sa", "Sa", 3, "{\"m2m:cnt\":{\"rn\":\"big\"}}"), ERR_OK);
    assert_int_equal(cse_fixture_get(f, &f->a, "Sa", "cse-in/app-a/big"), ERR_OK);
    assert_string_equal(cse_fixture_member(f, "cni"), "0");
    for (int i = 0; i < 20; i++) { /* ... and the records with what comes after, a few at a time */
        char name[64];
        size_t left = world_count(f->cse, TABLE_CSE_CHILD);
        snprintf(name, sizeof(name), "{\"m2m:cin\":{\"rn\":\"y%d\",\"con\":\"y\"}}", i);
        f->w.now += SECOND;
        assert_int_equal(cse_fixture_create(f, &f->a, "Sa", "Sa/big", 4, name), ERR_OK);
        snprintf(name, sizeof(name), "Sa/big/y%d", i);
        assert_int_equal(cse_fixture_del(f, &f->a, "Sa", name), ERR_OK);
        assert_in_range(left - world_count(f->cse, TABLE_CSE_CHILD), 1, 2 * CSE_SWEEP_BUDGET);
    }
}

static void many_children(void **state)
{
    struct cse_fixture *f = *state;
    fill(f, 0, MANY);
    listing(f, MANY + 1);
    fill(f, MANY, MORE);
    an_offset_out_of_reach(f);
    listing(f, MORE + 1);
    creation(f);
    more_than_one_request_drops(f);
    deletion(f);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {T(many_children)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
