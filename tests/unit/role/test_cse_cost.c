/*
 * What one request may cost the others: policies that are full of groups, records that are large, groups whose members are lists. The
 * measure is the octets of records that a request has read, for which it keeps everybody else waiting.
 */
#include "cse_fixture.h"
#include "role/cse/cse_res.h"
#include "wire/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MAY_DISCOVER "{\"acr\":[{\"acor\":[\"Sa\",\"Sb\"],\"acop\":63}]}"
#define GROUPS 16
#define POLICIES 16
#define BOXES 100
#define READ_MOST (20u << 20) /* a fifth of a second */

static char body[1u << 18];

static int setup(void **state)
{
    struct cse_fixture *f = calloc(1, sizeof(*f));
    cse_fixture_init(f, CSE_CONF "admin = Sadmin\n");
    assert_int_equal(cse_fixture_create(f, &f->a, "Sa", "cse-in", 2, AE_NAMED("app-a")), ERR_OK);
    assert_int_equal(cse_fixture_create(f, &f->b, "Sb", "cse-in", 2, AE_NAMED("app-b")), ERR_OK);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    cse_fixture_free(*state);
    free(*state);
    return 0;
}

static void make(struct cse_fixture *f, const char *to, uint32_t ty)
{
    f->w.now += SECOND;
    err_t e = cse_fixture_create(f, &f->a, "Sa", to, ty, body);
    cse_fixture_must(f, e);
}

static void group(struct cse_fixture *f, int k)
{
    size_t n = (size_t)snprintf(body, sizeof(body), "{\"m2m:grp\":{\"rn\":\"g%d\",\"mnm\":64,\"mid\":[", k);
    for (int i = 0; i < 64; i++) {
        n += (size_t)snprintf(body + n, sizeof(body) - n, "%s\"/mn%d/%0220d\"", i > 0 ? "," : "", i, k);
    }
    snprintf(body + n, sizeof(body) - n, "]}}");
    make(f, "Sa", 9);
}

static void policy(struct cse_fixture *f, int k)
{
    size_t n = (size_t)snprintf(body, sizeof(body), "{\"m2m:acp\":{\"rn\":\"p%d\",\"pvs\":" MAY_DISCOVER ",\"pv\":{\"acr\":[{\"acop\":63,\"acor\":[", k);
    for (int i = 0; i < GROUPS; i++) {
        n += (size_t)snprintf(body + n, sizeof(body) - n, "%s\"cse-in/app-a/g%d\"", i > 0 ? "," : "", i);
    }
    snprintf(body + n, sizeof(body) - n, "]}]}}}");
    make(f, "Sa", 1);
}

static void box_number(struct cse_fixture *f, int k)
{
    size_t n = (size_t)snprintf(body, sizeof(body), "{\"m2m:cnt\":{\"rn\":\"c%d\",\"acpi\":[", k);
    for (int i = 0; i < POLICIES; i++) {
        n += (size_t)snprintf(body + n, sizeof(body) - n, "%s\"cse-in/app-a/p%d\"", i > 0 ? "," : "", i);
    }
    snprintf(body + n, sizeof(body) - n, "]}}");
    make(f, "Sa", 3);
}

static void crowd(struct cse_fixture *f, int boxes)
{
    for (int i = 0; i < GROUPS; i++) {
        group(f, i);
    }
    for (int i = 0; i < POLICIES; i++) {
        policy(f, i);
    }
    for (int i = 0; i < boxes; i++) {
        box_number(f, i);
    }
    snprintf(body, sizeof(body), "{\"m2m:acp\":{\"rn\":\"seen\",\"pv\":" MAY_DISCOVER ",\"pvs\":" MAY_DISCOVER "}}");
    make(f, "Sa", 1);
    assert_int_equal(cse_fixture_put(f, &f->a, "Sa", "Sa", "{\"m2m:ae\":{\"acpi\":[\"cse-in/app-a/seen\"]}}"), ERR_OK);
}

static size_t found(struct cse_fixture *f)
{
    json_t *v = NULL;
    assert_int_equal(json_parse(text_bytes(text_of(f->body)), &v), ERR_OK);
    size_t n = json_array_size(json_object_get(v, "m2m:uril"));
    json_decref(v);
    return n;
}

static err_t discover(struct cse_fixture *f, uint64_t at)
{
    char query[96];
    snprintf(query, sizeof(query), "ty=3&lim=1000&ofst=%llu", (unsigned long long)at);
    const struct cse_call c = {.s = &f->b, .op = OP_RETRIEVE, .to = "cse-in/app-a", .from = "Sb", .query = query, .fu = 1};
    return cse_fixture_call(f, &c);
}

/* An AE writes the policies of its resources: what they cost is counted to who asks about them, one by one and in a list. */
static void policies_full_of_groups(void **state)
{
    struct cse_fixture *f = *state;
    crowd(f, BOXES);
    assert_int_equal(cse_fixture_get(f, &f->b, "Sb", "cse-in/app-a/c7"), ERR_DENIED_PRIVILEGE);
    assert_in_range(f->read, 1, 1u << 20);
    for (uint64_t at = 1, pages = 0; at != 0; pages++) {
        assert_in_range(pages, 0, 40);
        err_t e = discover(f, at);
        cse_fixture_must(f, e);
        assert_int_equal(found(f), 0);
        assert_in_range(f->read, 1, READ_MOST);
        assert_true(f->next == 0 || f->next > at);
        at = f->next;
    }
}

/* The same where a path below the matches leads to it. */
static void paths_to_what_is_much_work(void **state)
{
    struct cse_fixture *f = *state;
    crowd(f, 0);
    for (int i = 0; i < BOXES; i++) {
        char to[64];
        snprintf(body, sizeof(body), "{\"m2m:cnt\":{\"rn\":\"open%d\",\"acpi\":[\"cse-in/app-a/seen\"]}}", i);
        make(f, "Sa", 3);
        snprintf(to, sizeof(to), "Sa/open%d", i);
        snprintf(body, sizeof(body), "{\"m2m:cnt\":{\"rn\":\"shut\",\"acpi\":[\"cse-in/app-a/p0\",\"cse-in/app-a/p1\",\"cse-in/app-a/p2\"]}}");
        make(f, to, 3);
    }
    const struct cse_call c = {.s = &f->b, .op = OP_RETRIEVE, .to = "cse-in/app-a", .from = "Sb", .query = "ty=3&arp=shut&lvl=1", .fu = 1};
    err_t e = cse_fixture_call(f, &c);
    cse_fixture_must(f, e);
    assert_in_range(f->read, 1, 2 * READ_MOST);
}

/* -- groups of lists --------------------------------------------------------------------------------------------- */
static uint8_t memory[1u << 20];
#define ENTRIES 8000
#define A_BATCH 80

/* Instances in a container, copies of one that was made by request; `et` 0: with its end. */
static void fill(struct cse_fixture *f, const char *first, const char *box, usec_t et)
{
    for (uint64_t i = 0; i < ENTRIES; i += A_BATCH) {
        struct txn t;
        struct cse_res cnt, r;
        struct arena arena = arena_of(memory, sizeof(memory));
        assert_int_equal(store_begin(f->cse->store, true), ERR_OK);
        txn_init(&t, f->cse->store, &arena, true);
        assert_int_equal(cse_res_get(&t, text_of(box), f->w.now, &cnt), ERR_OK);
        assert_int_equal(cse_res_get(&t, text_of(first), f->w.now, &r), ERR_OK);
        cnt.cni += A_BATCH;
        cnt.st += A_BATCH;
        assert_int_equal(cse_res_put(&t, &cnt), ERR_OK);
        for (uint64_t k = 0; k < A_BATCH; k++) {
            char ri[CSE_RES_UID_LEN + 1], rn[32];
            struct cse_res one = r;
            snprintf(ri, sizeof(ri), "0%016llx0000000", (0x6ULL << 60) + (unsigned long long)(i + k + 1));
            snprintf(rn, sizeof(rn), "n%06llu", (unsigned long long)(i + k));
            one.ri = text_of(ri);
            one.node = one.node.n > 0 ? one.ri : one.node;
            one.rn = text_of(rn);
            one.number += i + k + 1;
            one.et = et != 0 ? et : one.et;
            one.version = 0;
            assert_int_equal(cse_res_add(&t, &one), ERR_OK);
        }
        assert_int_equal(txn_apply(&t), ERR_OK);
        assert_int_equal(store_commit(f->cse->store), ERR_OK);
    }
}

/* Ten containers, one in the other, and all instances in the last: whoever lists one walks through all of them. */
static void nest(struct cse_fixture *f)
{
    char to[256] = "Sa", first[64], box[64];
    for (int i = 0; i < 10; i++) {
        snprintf(body, sizeof(body), "{\"m2m:cnt\":{\"rn\":\"c%d\"}}", i);
        make(f, to, 3);
        snprintf(to + strlen(to), sizeof(to) - strlen(to), "/c%d", i);
    }
    snprintf(body, sizeof(body), "{\"m2m:cin\":{\"rn\":\"first\",\"con\":\"x\",\"lbl\":[\"l\"]}}");
    make(f, to, 4);
    snprintf(first, sizeof(first), "%s", cse_fixture_member(f, "ri"));
    assert_int_equal(cse_fixture_get(f, &f->a, "Sa", to), ERR_OK);
    snprintf(box, sizeof(box), "%s", cse_fixture_member(f, "ri"));
    fill(f, first, box, 0);
}

static void every_one(struct cse_fixture *f, const char *name)
{
    char to[256] = "Sa";
    size_t n = (size_t)snprintf(body, sizeof(body), "{\"m2m:grp\":{\"rn\":\"%s\",\"mnm\":64,\"mid\":[", name);
    for (int i = 0; i < 10; i++) {
        snprintf(to + strlen(to), sizeof(to) - strlen(to), "/c%d", i);
        n += (size_t)snprintf(body + n, sizeof(body) - n, "%s\"%s\",\"/in/%s\",\"//sp.example.com/in/%s\"", i > 0 ? "," : "", to, to, to);
    }
    snprintf(body + n, sizeof(body) - n, "]}}");
    make(f, "Sa", 9);
}

static uint64_t ask(struct cse_fixture *f, const char *to, const char *query, uint32_t fu, int rcn)
{
    const struct cse_call c = {.s = &f->a, .op = OP_RETRIEVE, .to = to, .from = "Sa", .query = query, .fu = fu, .rcn = rcn};
    err_t e = cse_fixture_call(f, &c);
    cse_fixture_must(f, e);
    return f->read;
}

/* One request to a group costs what one request may, and each member that was not listed to its end says where the rest begins. */
static void members_that_are_lists(void **state)
{
    struct cse_fixture *f = *state;
    nest(f);
    every_one(f, "all");
    const uint64_t one = ask(f, "Sa/c0", "lbl=none", 1, 0);
    assert_in_range(ask(f, "Sa/all/fopt", "lbl=none", 1, 0), one, 6 * one);
    assert_non_null(strstr(f->body, "\"cts\":1,\"cto\":"));
    assert_null(strstr(f->body, "\"rsc\":5"));
    assert_in_range(ask(f, "Sa/all/fopt", "ty=4&lbl=none", 0, 1 + 8), 1, 6 * one);
}

/* -- what is past its time ----------------------------------------------------------------------------------------- */
static const char *box_of(struct cse_fixture *f, const char *more)
{
    static char ri[64];
    snprintf(body, sizeof(body), "{\"m2m:cnt\":{\"rn\":\"box\"%s}}", more);
    make(f, "Sa", 3);
    snprintf(ri, sizeof(ri), "%s", cse_fixture_member(f, "ri"));
    return ri;
}

static const char *instance(struct cse_fixture *f)
{
    static char ri[64];
    snprintf(body, sizeof(body), "{\"m2m:cin\":{\"con\":\"x\"}}");
    make(f, "Sa/box", 4);
    snprintf(ri, sizeof(ri), "%s", cse_fixture_member(f, "ri"));
    return ri;
}

/* A container without limits: instances that are over go with those that come. */
static void what_is_over_goes(void **state)
{
    struct cse_fixture *f = *state;
    const char *box = box_of(f, "");
    fill(f, instance(f), box, f->w.now + HOUR);
    assert_int_equal(cse_fixture_del(f, &f->a, "Sa", "Sa/box/ol"), ERR_OK);
    f->w.now += DAY;
    for (int i = 0; i < ENTRIES / 6; i++) {
        (void)instance(f);
    }
    assert_in_range(world_count(f->cse, TABLE_CSE_RES), ENTRIES / 6, ENTRIES / 6 + 200);
    assert_int_equal(cse_fixture_get(f, &f->a, "Sa", "Sa/box/ol"), ERR_OK);
    assert_in_range(f->read, 1, 8192);
}

/* One that stays keeps them: who asks for the latest, or subscribes, does not look at all of them. */
static void what_is_over_is_passed_by(void **state)
{
    struct cse_fixture *f = *state;
    const char *box = box_of(f, "");
    fill(f, instance(f), box, f->w.now + HOUR);
    f->w.now += DAY;
    assert_int_equal(cse_fixture_create(f, &f->a, "Sa", "Sa/box", 23, "{\"m2m:sub\":{\"nu\":[\"Sa\"],\"psn\":3}}"), ERR_OK);
    assert_in_range(f->read, 1, 300000);
}

/* Addresses may be much work too: the latest of a container where most is over, by many spellings, as members of a group. */
static void addresses_that_are_much_work(void **state)
{
    struct cse_fixture *f = *state;
    const char *box = box_of(f, "");
    fill(f, instance(f), box, f->w.now + HOUR);
    f->w.now += DAY;
    size_t n = (size_t)snprintf(body, sizeof(body), "{\"m2m:grp\":{\"rn\":\"g0\",\"mnm\":64,\"mt\":4,\"mid\":[");
    for (unsigned i = 0; i < 64; i++) { /* a service provider is spelled as one likes */
        char sp[] = "sp.example.com";
        for (unsigned k = 0; k < 6; k++) {
            sp[3 + k] = (char)((i >> k & 1) != 0 ? sp[3 + k] - 32 : sp[3 + k]);
        }
        n += (size_t)snprintf(body + n, sizeof(body) - n, "%s\"//%s/in/Sa/box/la\"", i > 0 ? "," : "", sp);
    }
    snprintf(body + n, sizeof(body) - n, "]}}");
    f->w.now += SECOND;
    assert_int_equal(cse_fixture_create(f, &f->a, "Sa", "Sa", 9, body), ERR_LIMIT_CAPACITY);
    assert_in_range(f->read, 1, READ_MOST);
    char *mt = strstr(body, ",\"mt\":4");
    memset(mt, ' ', strlen(",\"mt\":4"));
    make(f, "Sa", 9);
    for (int i = 0; i < POLICIES; i++) {
        policy(f, i);
    }
    box_number(f, 0);
    assert_int_equal(cse_fixture_get(f, &f->b, "Sb", "cse-in/app-a/c0"), ERR_DENIED_PRIVILEGE);
    assert_in_range(f->read, 1, 2u << 20);
}

/* -- names that come again ------------------------------------------------------------------------------------------ */
static void named(struct cse_fixture *f, const char *name, const char *more)
{
    snprintf(body, sizeof(body), "{\"m2m:cin\":{\"rn\":\"%s\",\"con\":\"%s\"%s}}", name, name, more);
    make(f, "Sa/box", 4);
}

/* What was evicted is collected later, a few records at a time: not the name that a successor has by then. */
static void a_name_is_its_successors(void **state)
{
    struct cse_fixture *f = *state;
    char name[16];
    (void)box_of(f, "");
    for (int i = 0; i < 40; i++) {
        snprintf(name, sizeof(name), "n%d", i);
        named(f, name, "");
    }
    assert_int_equal(cse_fixture_put(f, &f->a, "Sa", "Sa/box", "{\"m2m:cnt\":{\"mni\":1}}"), ERR_OK);
    assert_int_equal(cse_fixture_put(f, &f->a, "Sa", "Sa/box", "{\"m2m:cnt\":{\"mni\":100}}"), ERR_OK);
    named(f, "n30", "");
    for (int i = 40; i < 60; i++) {
        snprintf(name, sizeof(name), "n%d", i);
        named(f, name, "");
        assert_int_equal(cse_fixture_get(f, &f->a, "Sa", "Sa/box/n30"), ERR_OK);
    }
    assert_int_equal(cse_fixture_get(f, &f->a, "Sa", "Sa/box/n31"), ERR_NOT_FOUND);
}

/* One that is over gives its name to the next, and its place in the count. */
static void a_name_that_is_over_is_counted_once(void **state)
{
    struct cse_fixture *f = *state;
    (void)box_of(f, ",\"mni\":5");
    named(f, "stays", "");
    for (int i = 0; i < 10; i++) {
        char et[64];
        snprintf(et, sizeof(et), ",\"et\":\"202312%02dT000000\"", i + 1);
        named(f, "x", et);
        f->w.now = T0 + (17 + i) * DAY; /* into the day of its end */
    }
    assert_int_equal(cse_fixture_get(f, &f->a, "Sa", "Sa/box"), ERR_OK);
    assert_string_equal(cse_fixture_member(f, "cni"), "2");
    assert_string_equal(cse_fixture_member(f, "cbs"), "6");
    assert_int_equal(cse_fixture_get(f, &f->a, "Sa", "Sa/box/stays"), ERR_OK);
    f->w.now += 2 * DAY;
    assert_int_equal(cse_fixture_create(f, &f->a, "Sa", "Sa/box", 3, "{\"m2m:cnt\":{\"rn\":\"x\"}}"), ERR_OK);
    assert_int_equal(cse_fixture_get(f, &f->a, "Sa", "Sa/box"), ERR_OK);
    assert_string_equal(cse_fixture_member(f, "cni"), "1");
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {T(policies_full_of_groups), T(paths_to_what_is_much_work), T(members_that_are_lists), T(what_is_over_goes),
                                     T(what_is_over_is_passed_by), T(addresses_that_are_much_work),
                                     T(a_name_is_its_successors),
                                     T(a_name_that_is_over_is_counted_once)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
