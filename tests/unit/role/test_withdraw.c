/* The log of what was withdrawn: one line a thing, gone with the keys it tells of, and told to nobody else (decision 0022). */
#include "role/heard.h"
#include "role/standing.h"
#include "role/withdraw.h"
#include "store/store_memory.h"
#include "store/txn.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define T0 (INT64_C(1700000000) * USEC_PER_SEC)
#define HOUR (INT64_C(3600) * USEC_PER_SEC)
#define START "/withdrawn/0000000000000000"
#define CREDENTIAL "dev1@mef.example.com"

struct fixture {
    struct store *store;
    struct arena arena;
    struct txn t;
    struct association assoc;
    struct primitive prim;
    struct request rq;
    struct response rs;
    uint8_t room[1 << 16];
    uint8_t body[1 << 14];
    size_t count;
};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    assert_int_equal(store_memory_open(&f->store), ERR_OK);
    f->assoc.framework = ASSOCIATION_PSK;
    f->assoc.peer = PEER_AE;
    f->rq = (struct request){.assoc = &f->assoc, .prim = &f->prim, .now = T0};
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    store_close(f->store);
    free(f);
    return 0;
}

static struct txn *begin(struct fixture *f)
{
    f->arena = arena_of(f->room, sizeof(f->room));
    assert_int_equal(store_begin(f->store, true), ERR_OK);
    txn_init(&f->t, f->store, &f->arena, true);
    return &f->t;
}

static void commit(struct fixture *f)
{
    assert_int_equal(txn_apply(&f->t), ERR_OK);
    assert_int_equal(store_commit(f->store), ERR_OK);
}

static void as(struct fixture *f, const char *who)
{
    f->prim.has_from = true;
    f->prim.from = text_of(who);
    assert_int_equal(TEXT_COPY(text_of(who), f->assoc.ids[0].z), ERR_OK);
    f->assoc.ids_n = 1;
}

static void hand(struct fixture *f, const char *who, const char *relative, const char *target, usec_t life)
{
    const struct withdraw_handed h = {text_of(CREDENTIAL), text_of(relative), text_of(target), f->rq.now + life};
    as(f, who);
    assert_int_equal(withdraw_handed(&withdraw_mef, &f->rq, begin(f), &h), ERR_OK);
    commit(f);
    f->rq.now += USEC_PER_SEC;
}

static void note(struct fixture *f, uint8_t standing, const char *target, const char *relative)
{
    const struct withdraw_what what = {text_of(CREDENTIAL), standing, T0 + 10 * HOUR, text_of(target), text_of(relative)};
    assert_int_equal(withdraw_note(&withdraw_mef, begin(f), &what, f->rq.now), ERR_OK);
    commit(f);
    f->rq.now += USEC_PER_SEC;
}

static const char *told(struct fixture *f, const char *who)
{
    as(f, who);
    f->prim.path = text_of(START);
    f->rs.body = writer_of(f->body, sizeof(f->body));
    assert_int_equal(withdraw_serve(&withdraw_mef, "mef.example.com", &f->rq, begin(f), &f->rs), ERR_OK);
    store_rollback(f->store);
    assert_int_equal(writer_finish_z(&f->rs.body), ERR_OK);
    return (const char *)f->body;
}

static bool count_hit(void *arg, struct bytes id, struct store_value value)
{
    (void)id;
    (void)value;
    ++*(size_t *)arg;
    return true;
}

static size_t lines(struct fixture *f)
{
    struct store_scan q = {.table = TABLE_MEF_WITHDRAWN, .order = STORE_ASCENDING};
    f->count = 0;
    assert_int_equal(txn_scan(begin(f), &q, count_hit, &f->count), ERR_OK);
    store_rollback(f->store);
    return f->count;
}

static void one_line_for_one_thing(void **state)
{
    struct fixture *f = *state;
    note(f, STANDING_REVOKED, "", "");
    assert_int_equal(lines(f), 0); /* nobody has a key of it */
    hand(f, "//sp.example.com/in", "aa", "", HOUR);
    for (int i = 0; i < 20; i++) {
        note(f, STANDING_SUSPENDED, "", "");
        assert_int_equal(lines(f), 1);
        assert_non_null(strstr(told(f, "//sp.example.com/in"), "suspended"));
        note(f, 0, "", "");
        assert_non_null(strstr(told(f, "//sp.example.com/in"), "\"valid\""));
    }
    assert_int_equal(lines(f), 1);
    note(f, STANDING_REVOKED, "", "aa"); /* another thing */
    assert_int_equal(lines(f), 2);
}

static void lines_go_with_their_keys(void **state)
{
    struct fixture *f = *state;
    hand(f, "//sp.example.com/in", "aa", "", HOUR);
    note(f, STANDING_REVOKED, "", "");
    hand(f, "//sp.example.com/in", "a3", "", HOUR); /* one in sixteen takes the dead away */
    assert_int_equal(lines(f), 1);
    f->rq.now = T0 + 11 * HOUR;
    hand(f, "//sp.example.com/in", "b3", "", HOUR);
    assert_int_equal(lines(f), 0);
    note(f, STANDING_REVOKED, "", ""); /* where the former stood, which is gone */
    assert_int_equal(lines(f), 1);
}

/* Who may read is known as long as a key of his lives, and a day more. */
static void readers_go_with_their_keys(void **state)
{
    struct fixture *f = *state;
    struct store_scan q = {.table = TABLE_MEF_HANDED, .prefix = text_bytes(text_of("\x01reads")), .order = STORE_ASCENDING};
    const char *const who[] = {"//sp.example.com/gone", "//sp.example.com/in"};
    for (size_t i = 0; i < ARRAY_LEN(who); i++) {
        hand(f, who[i], "aa", "", i == 0 ? HOUR : 40 * HOUR);
    }
    note(f, STANDING_REVOKED, "", "");
    assert_non_null(strstr(told(f, who[0]), "revoked"));
    f->rq.now = T0 + 26 * HOUR;
    hand(f, "//sp.example.com/in", "a2", "", HOUR); /* one in sixteen takes the dead away */
    f->count = 0;
    assert_int_equal(txn_scan(begin(f), &q, count_hit, &f->count), ERR_OK);
    store_rollback(f->store);
    assert_int_equal(f->count, 1);
    assert_non_null(strstr(told(f, "//sp.example.com/in"), "revoked"));
    assert_non_null(strstr(told(f, "//sp.example.com/gone"), "\"last\":\"0000000000000000\""));
}

static void only_what_concerns_who_asks(void **state)
{
    struct fixture *f = *state;
    hand(f, "//sp.example.com/in", "aa", "", HOUR);
    note(f, STANDING_REVOKED, "", "");
    /* Neither that nor when something was withdrawn. */
    assert_string_equal(told(f, "//sp.example.com/Sdev1"),
                        "{\"withdrawn\":[],\"next\":\"0000000000000000\",\"last\":\"0000000000000000\"}");
    assert_non_null(strstr(told(f, "//SP.example.com/in"), "aa@mef.example.com"));
    assert_null(strstr(told(f, "//sp.example.com/in"), "\"last\":\"0000000000000000\""));
    f->assoc.framework = ASSOCIATION_CERT; /* a server whose keys are from before readers were noted */
    assert_null(strstr(told(f, "//sp.example.com/mn"), "\"last\":\"0000000000000000\""));
    assert_null(strstr(told(f, "maf.example.com"), "\"last\":\"0000000000000000\""));
    assert_non_null(strstr(told(f, "//sp.example.com/Sdev1"), "\"last\":\"0000000000000000\""));
}

static void one_target_or_one_key(void **state)
{
    struct fixture *f = *state;
    hand(f, "//sp.example.com/in", "aa", "//sp.example.com/in", HOUR);
    hand(f, "//sp.example.com/in", "bb", "//sp.example.com/in", HOUR);
    hand(f, "maf.example.com", "aa", "maf.example.com", HOUR);
    note(f, STANDING_REVOKED, "", "BB");
    assert_null(strstr(told(f, "//sp.example.com/in"), "aa@"));
    assert_non_null(strstr(told(f, "//sp.example.com/in"), "bb@"));
    note(f, STANDING_REVOKED, "maf.example.com", "");
    assert_null(strstr(told(f, "//sp.example.com/in"), "aa@"));
    assert_non_null(strstr(told(f, "maf.example.com"), "aa@"));
    hand(f, "maf.example.com", "cc", "maf.example.com", HOUR); /* instructed anew: who reads late loses nothing new */
    assert_null(strstr(told(f, "maf.example.com"), "cc@"));
    assert_non_null(strstr(told(f, "maf.example.com"), "aa@"));
}

/* A revocation that left the credential in use (reassign) is told also after what was done to it later. */
static void a_revocation_is_not_replaced(void **state)
{
    struct fixture *f = *state;
    hand(f, "maf.example.com", "aa", "", HOUR);
    note(f, STANDING_REVOKED, "", "");
    hand(f, "maf.example.com", "bb", "", HOUR);
    note(f, STANDING_SUSPENDED, "", "");
    note(f, 0, "", "");
    assert_int_equal(lines(f), 2);
    assert_non_null(strstr(told(f, "maf.example.com"), "{\"id\":\"aa@mef.example.com\",\"state\":\"revoked\""));
    assert_null(strstr(told(f, "maf.example.com"), "{\"id\":\"bb@mef.example.com\",\"state\":\"revoked\""));
}

static bool never(struct bytes record, usec_t now)
{
    (void)record;
    (void)now;
    return false;
}

/* refuses: an authority that names keys it never gave, without end. */
static void tombstones_are_counted(void **state)
{
    struct fixture *f = *state;
    static const struct heard_kept kept = {"maf", TABLE_MAF_KM, never};
    struct keyid evil = {.z = "00@mef.example.com"}, other = {.z = "00@mef2.example.com"};
    size_t events = 0;
    bool room = true;
    for (int i = 0; i < HEARD_TOMBSTONES_MAX + 3; i++) {
        assert_int_equal(heard_room(&kept, begin(f), &evil, T0, &room), ERR_OK);
        events += f->t.audit_n;
        commit(f);
        assert_int_equal(room, i < HEARD_TOMBSTONES_MAX);
    }
    assert_int_equal(events, 1);
    assert_int_equal(heard_room(&kept, begin(f), &other, T0, &room), ERR_OK);
    assert_true(room); /* another authority is not to suffer */
    store_rollback(f->store);
    assert_int_equal(heard_room(&kept, begin(f), &evil, T0 + 24 * HOUR, &room), ERR_OK);
    assert_true(room);
    store_rollback(f->store);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(one_line_for_one_thing), TEST(lines_go_with_their_keys), TEST(readers_go_with_their_keys),
        TEST(only_what_concerns_who_asks),
        TEST(one_target_or_one_key), TEST(a_revocation_is_not_replaced), TEST(tombstones_are_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
