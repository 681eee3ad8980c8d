/* The audit chain: what is appended verifies; what raw SQL changed behind its back does not. */
#include "scratch.h"
#include "shell/crypto_openssl.h"
#include "store/audit_find.h"
#include "store/store_sqlite.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <sqlite3.h>

enum { EVENTS = 20, SIGNED_AT = 12 };

struct rig {
    struct scratch scratch;
    char file[PATH_MAX];
    struct store *s;
    struct audit_chain chain;
    uint8_t memory[8192];
    struct arena arena;
};
static struct rig rig;
static const uint8_t seed[32] = "made-up seed of an audit key 012";

static struct audit_event event_of(unsigned i)
{
    struct audit_event e = {.kind = i % 2 == 0 ? AUDIT_KE_ISSUED : AUDIT_REFUSED,
                            .time = (usec_t)i * USEC_PER_SEC,
                            .outcome = i % 2 == 0 ? ERR_OK : ERR_DENIED_TARGET,
                            .association = "0123456789abcdef"};
    (void)snprintf(e.peer, sizeof(e.peer), "//peer.example/%u", i);
    (void)snprintf(e.object, sizeof(e.object), "object-%u", i);
    return e;
}

static void append(struct rig *g, unsigned from, unsigned to)
{
    assert_int_equal(store_begin(g->s, true), ERR_OK);
    for (unsigned i = from; i <= to; i++) {
        struct audit_event e = event_of(i);
        assert_int_equal(audit_chain_append(g->s, crypto_openssl(), &g->chain, &e), ERR_OK);
    }
    assert_int_equal(store_commit(g->s), ERR_OK);
}

static void sign(struct rig *g)
{
    assert_int_equal(store_begin(g->s, true), ERR_OK);
    assert_int_equal(audit_checkpoint(g->s, crypto_openssl(), &g->chain, BYTES_ARRAY(seed), 777), ERR_OK);
    assert_int_equal(store_commit(g->s), ERR_OK);
}

static err_t load(struct rig *g)
{
    assert_int_equal(store_begin(g->s, false), ERR_OK);
    err_t e = audit_chain_load(g->s, crypto_openssl(), &g->arena, &g->chain);
    store_rollback(g->s);
    assert_int_equal(g->arena.used, 0); /* a long-lived arena does not fill up */
    return e;
}

/* 20 events, checkpoints at 12 and 20. */
static int setup(void **state)
{
    struct rig *g = &rig;
    memset(g, 0, sizeof(*g));
    scratch_make(&g->scratch);
    scratch_path(&g->scratch, "s.db", g->file);
    g->arena = arena_of(g->memory, sizeof(g->memory));
    assert_int_equal(store_sqlite_open(g->file, STORE_SQLITE_WRITER, NULL, &g->s), ERR_OK);
    assert_int_equal(load(g), ERR_OK);
    assert_int_equal(g->chain.next, 1);
    sign(g); /* nothing to sign yet */
    append(g, 1, SIGNED_AT);
    sign(g);
    append(g, SIGNED_AT + 1, EVENTS);
    sign(g);
    *state = g;
    return 0;
}

static int teardown(void **state)
{
    struct rig *g = *state;
    store_close(g->s);
    scratch_remove(&g->scratch);
    return 0;
}

/* The hand of somebody who has the file. */
static void tamper(struct rig *g, const char *sql)
{
    sqlite3 *db = NULL;
    assert_int_equal(sqlite3_open_v2(g->file, &db, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    assert_true(sqlite3_total_changes(db) > 0); /* a tampering that hits nothing would prove nothing */
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static void expect_verify(struct rig *g, err_t want, uint64_t want_at)
{
    uint8_t pub[CRYPTO_SIG_KEY_LEN];
    uint64_t count = 0;
    uint64_t at = 0;
    assert_int_equal(crypto_openssl()->sign_public(BYTES_ARRAY(seed), pub), ERR_OK);
    assert_int_equal(store_begin(g->s, false), ERR_OK);
    assert_int_equal(
        audit_verify(g->s, crypto_openssl(), BYTES_ARRAY(pub), &g->arena, &count, &at), want);
    store_rollback(g->s);
    assert_int_equal(at, want_at);
    assert_int_equal(g->arena.used, 0);
    if (want == ERR_OK) {
        assert_int_equal(count, g->chain.next - 1);
    }
}

#define ID(n) "x'00000000000000" n "'"

static void intact(void **state)
{
    struct rig *g = *state;
    expect_verify(g, ERR_OK, 0);
    assert_int_equal(load(g), ERR_OK);
    assert_int_equal(g->chain.next, EVENTS + 1);
    append(g, EVENTS + 1, EVENTS + 3); /* goes on after a restart */
    expect_verify(g, ERR_OK, 0);
}

static void changed_event(void **state)
{
    struct rig *g = *state;
    tamper(g, "UPDATE kv SET v = CAST(substr(v, 1, 42) || x'FF' || substr(v, 44) AS BLOB) WHERE t=2 AND k=" ID("05"));
    expect_verify(g, ERR_AUDIT_CHAIN, 5);
}

static void changed_hash(void **state)
{
    struct rig *g = *state;
    tamper(g, "UPDATE kv SET v = zeroblob(32) || substr(v, 33) WHERE t=2 AND k=" ID("05"));
    expect_verify(g, ERR_AUDIT_CHAIN, 5);
}

static void garbage_event(void **state)
{
    struct rig *g = *state;
    tamper(g, "UPDATE kv SET v = x'00' WHERE t=2 AND k=" ID("07"));
    expect_verify(g, ERR_AUDIT_CHAIN, 7);
}

static void missing_event(void **state)
{
    struct rig *g = *state;
    tamper(g, "DELETE FROM kv WHERE t=2 AND k=" ID("05"));
    expect_verify(g, ERR_AUDIT_CHAIN, 5);
}

static void missing_first_event(void **state)
{
    struct rig *g = *state;
    tamper(g, "DELETE FROM kv WHERE t=2 AND k=" ID("01"));
    expect_verify(g, ERR_AUDIT_CHAIN, 1);
}

static void inserted_event(void **state)
{
    struct rig *g = *state;
    tamper(g, "INSERT INTO kv SELECT 2, x'0000000000000005ff', v, 1 FROM kv WHERE t=2 AND k=" ID("05"));
    expect_verify(g, ERR_AUDIT_CHAIN, 6);
}

static void reordered_events(void **state)
{
    struct rig *g = *state;
    tamper(g, "UPDATE kv SET k=x'AA' WHERE t=2 AND k=" ID("05") ";"
              "UPDATE kv SET k=" ID("05") " WHERE t=2 AND k=" ID("06") ";"
              "UPDATE kv SET k=" ID("06") " WHERE t=2 AND k=x'AA'");
    expect_verify(g, ERR_AUDIT_CHAIN, 5);
}

static void cut_off_behind_a_checkpoint(void **state)
{
    struct rig *g = *state;
    tamper(g, "DELETE FROM kv WHERE t=2 AND k>=" ID("12")); /* 0x12 = 18 */
    expect_verify(g, ERR_AUDIT_CHAIN, 18);
    assert_int_equal(load(g), ERR_AUDIT_CHAIN); /* the writer does not go on with such a chain */
    tamper(g, "DELETE FROM kv WHERE t=2");
    expect_verify(g, ERR_AUDIT_CHAIN, 1);
    assert_int_equal(load(g), ERR_AUDIT_CHAIN);
}

/* What cannot be seen in the store alone, as docs/operate/recovery.md says: events and their checkpoints both gone. */
static void cut_off_with_its_checkpoint(void **state)
{
    struct rig *g = *state;
    tamper(g, "DELETE FROM kv WHERE t IN (2, 3) AND k>" ID("0C"));
    assert_int_equal(load(g), ERR_OK);
    assert_int_equal(g->chain.next, SIGNED_AT + 1);
    expect_verify(g, ERR_OK, 0);
}

/* Somebody who can compute hashes but not sign: the chain is good again, the checkpoint is not. */
static void rewritten_chain(void **state)
{
    struct rig *g = *state;
    tamper(g, "DELETE FROM kv WHERE t=2 AND k>=" ID("0A"));
    tamper(g, "UPDATE kv SET t=1 WHERE t=3"); /* out of sight for the load */
    assert_int_equal(load(g), ERR_OK);
    assert_int_equal(g->chain.next, 10);
    append(g, 11, EVENTS + 1); /* other events under the numbers from 10 on */
    tamper(g, "UPDATE kv SET t=3 WHERE t=1");
    expect_verify(g, ERR_AUDIT_CHAIN, SIGNED_AT);
    assert_int_equal(load(g), ERR_AUDIT_CHAIN);
}

static void forged_checkpoint(void **state)
{
    struct rig *g = *state;
    static const char *const forgeries[] = {
        "UPDATE kv SET v = substr(v, 1, 104) || x'00' WHERE t=3 AND k=" ID("0C"),                    /* signature */
        "UPDATE kv SET v = substr(v, 1, 40) || x'AA' || substr(v, 42) WHERE t=3 AND k=" ID("0C"),    /* time */
        "UPDATE kv SET v = x'02' || substr(v, 2) WHERE t=3 AND k=" ID("0C"),                         /* version */
        "UPDATE kv SET v = x'' WHERE t=3 AND k=" ID("0C"),
        "UPDATE kv SET v = (SELECT v FROM kv WHERE t=3 AND k=" ID("14") ") WHERE t=3 AND k=" ID("0C"), /* moved */
    };
    tamper(g, "INSERT INTO kv SELECT 1, k, v, 1 FROM kv WHERE t=3"); /* to put it back */
    for (size_t i = 0; i < ARRAY_LEN(forgeries); i++) {
        tamper(g, forgeries[i]);
        expect_verify(g, ERR_AUDIT_CHAIN, SIGNED_AT);
        tamper(g, "UPDATE kv SET v = (SELECT b.v FROM kv b WHERE b.t=1 AND b.k=kv.k) WHERE t=3");
        expect_verify(g, ERR_OK, 0);
    }
}

static void another_key(void **state)
{
    struct rig *g = *state;
    static const uint8_t other[32] = "another made-up seed 0123456789.";
    assert_int_equal(store_begin(g->s, true), ERR_OK);
    assert_int_equal(audit_checkpoint(g->s, crypto_openssl(), &g->chain, BYTES_ARRAY(other), 778), ERR_OK);
    assert_int_equal(store_commit(g->s), ERR_OK);
    expect_verify(g, ERR_AUDIT_CHAIN, EVENTS);
}

static void a_rolled_back_event_leaves_no_gap(void **state)
{
    struct rig *g = *state;
    struct audit_chain before = g->chain;
    struct audit_event e = event_of(99);
    assert_int_equal(store_begin(g->s, true), ERR_OK);
    assert_int_equal(audit_chain_append(g->s, crypto_openssl(), &g->chain, &e), ERR_OK);
    assert_int_equal(g->chain.next, before.next + 1);
    store_rollback(g->s);
    g->chain = before; /* what the writer does */
    append(g, EVENTS + 1, EVENTS + 2);
    expect_verify(g, ERR_OK, 0);
}

/* -- tail --------------------------------------------------------------------------------------------------------- */

struct tailed {
    uint64_t first;
    uint64_t last;
    size_t n;
};

static bool tail_note(void *arg, uint64_t number, const struct audit_event *e)
{
    struct tailed *t = arg;
    struct audit_event want = event_of((unsigned)number);
    assert_int_equal(e->kind, want.kind);
    assert_int_equal(e->time, want.time);
    assert_int_equal(e->outcome, want.outcome);
    assert_string_equal(e->peer, want.peer);
    assert_string_equal(e->object, want.object);
    assert_string_equal(e->association, want.association);
    t->first = t->n == 0 ? number : t->first;
    assert_true(t->n == 0 || number == t->last + 1);
    t->last = number;
    t->n++;
    return true;
}

static void tail(void **state)
{
    struct rig *g = *state;
    static const size_t limits[] = {0, 1, 5, EVENTS - 1, EVENTS, EVENTS + 1, 1000};
    for (size_t i = 0; i < ARRAY_LEN(limits); i++) {
        struct tailed t = {0};
        size_t want = limits[i] < EVENTS ? limits[i] : EVENTS;
        assert_int_equal(store_begin(g->s, false), ERR_OK);
        assert_int_equal(audit_tail(g->s, limits[i], tail_note, &t), ERR_OK);
        store_rollback(g->s);
        assert_int_equal(t.n, want);
        if (want > 0) {
            assert_int_equal(t.first, EVENTS - want + 1);
            assert_int_equal(t.last, EVENTS);
        }
    }
    tamper(g, "UPDATE kv SET v = x'00' WHERE t=2 AND k=" ID("14"));
    struct tailed t = {0};
    assert_int_equal(store_begin(g->s, false), ERR_OK);
    assert_int_equal(audit_tail(g->s, 3, tail_note, &t), ERR_MALFORMED_RECORD);
    store_rollback(g->s);
    assert_int_equal(t.n, 2);
}

/* -- the record --------------------------------------------------------------------------------------------------- */

static struct bytes record(const struct audit_event *e, uint8_t buf[AUDIT_RECORD_MAX])
{
    struct writer w = writer_of(buf, AUDIT_RECORD_MAX);
    assert_int_equal(audit_event_write(e, &w), ERR_OK);
    return writer_view(&w);
}

static void record_refuses_each_cut_and_what_nobody_writes(void **state)
{
    (void)state;
    uint8_t buf[AUDIT_RECORD_MAX + 1];
    struct audit_event e = event_of(3);
    struct audit_event out;
    struct bytes b = record(&e, buf);
    assert_int_equal(audit_event_parse(b, &out), ERR_OK);
    for (size_t n = 0; n < b.n; n++) {
        assert_int_equal(audit_event_parse(bytes_of(b.p, n), &out), ERR_MALFORMED_RECORD);
    }
    buf[b.n] = 0;
    assert_int_equal(audit_event_parse(bytes_of(b.p, b.n + 1), &out), ERR_MALFORMED_RECORD);
    static const struct {
        size_t at;
        uint8_t octet;
    } wrong[] = {{0, 2}, {1, 0xFF}, {2, 5}, {13, 'N'}, {30, 0x07}};
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        b = record(&e, buf);
        assert_int_not_equal(buf[wrong[i].at], wrong[i].octet);
        buf[wrong[i].at] = wrong[i].octet;
        assert_int_equal(audit_event_parse(b, &out), ERR_MALFORMED_RECORD);
    }
    b = record(&e, buf);
    buf[1] = 0;
    buf[2] = AUDIT_NONE;
    assert_int_equal(audit_event_parse(b, &out), ERR_MALFORMED_RECORD);
}

static void record_takes_the_longest_and_cleans_what_a_peer_sent(void **state)
{
    (void)state;
    uint8_t buf[AUDIT_RECORD_MAX];
    struct audit_event e = event_of(3);
    struct audit_event out;
    memset(e.peer, 'p', sizeof(e.peer) - 1);
    memset(e.object, 'o', sizeof(e.object) - 1);
    memset(e.association, 'a', sizeof(e.association) - 1);
    memcpy(e.peer, "a\nb\x1b[2J\xC3\xA9\x7F", 10);
    assert_int_equal(audit_event_parse(record(&e, buf), &out), ERR_OK);
    assert_int_equal(strlen(out.peer), sizeof(out.peer) - 1);
    assert_memory_equal(out.peer, "a?b?[2J???p", 11);
    assert_string_equal(out.object, e.object);
    assert_string_equal(out.association, e.association);
    assert_string_equal(out.instance, "");
    uint8_t longer[AUDIT_RECORD_MAX];
    memset(e.instance, 'i', sizeof(e.instance) - 1);
    struct bytes named = record(&e, longer);
    assert_int_equal(audit_event_parse(named, &out), ERR_OK);
    assert_string_equal(out.instance, e.instance);
    assert_string_equal(out.association, e.association);
    longer[0] = 1; /* of the form without an instance, with one */
    assert_int_equal(audit_event_parse(named, &out), ERR_MALFORMED_RECORD);
}

static void kinds_have_rows(void **state)
{
    (void)state;
    struct audit_event e = {.kind = (enum audit_kind)9999};
    uint8_t buf[AUDIT_RECORD_MAX];
    struct writer w = WRITER_ARRAY(buf);
    assert_string_equal(audit_kind_info(AUDIT_KE_ISSUED)->code, "ke-issued");
    assert_null(audit_kind_info((enum audit_kind)9999));
    assert_int_equal(audit_event_write(&e, &w), ERR_BUG);
    e.kind = AUDIT_NONE;
    assert_int_equal(audit_event_write(&e, &w), ERR_BUG);
    e.kind = AUDIT_STARTED;
    w = writer_of(buf, 10);
    assert_int_equal(audit_event_write(&e, &w), ERR_LIMIT_SIZE);
}

/* -- finding ------------------------------------------------------------------------------------------------------ */

static struct audit_event refusal(enum audit_kind kind, const char *peer, const char *object)
{
    struct audit_event e = {.kind = kind, .time = 5, .outcome = ERR_DENIED_TARGET, .association = "0123456789abcdef0123456789abcdef"};
    strcpy(e.peer, peer);
    strcpy(e.object, object);
    return e;
}

static void an_event_is_about_its_names(void **state)
{
    (void)state;
    struct audit_event e = refusal(AUDIT_REFUSED, "12-Made-Up@SP.example", "/fetchCredentials/AB01@mef.example/21");
    assert_true(audit_find_is_about(&e, "made-up@sp.example"));
    assert_true(audit_find_is_about(&e, "ab01@mef.example"));
    assert_true(audit_find_is_about(&e, "0123456789abcdef0123456789abcdef"));
    assert_false(audit_find_is_about(&e, "fetchCredentials"));
    assert_false(audit_find_is_about(&e, "21"));
    e = refusal(AUDIT_CERTIFICATE_REFUSED, "192.0.2.1", "m2m://sp.example/Smade-up serial 0A0B0C0D0E0F0A0B by /CN=made-up");
    assert_true(audit_find_is_about(&e, "//sp.example/Smade-up"));
    assert_true(audit_find_is_about(&e, "0a0b0c0d0e0f0a0b"));
    assert_false(audit_find_is_about(&e, "192.0.2.1"));
    e = refusal(AUDIT_HANDSHAKE_REFUSED, "192.0.2.1", "Made-Up@MEF.example");
    assert_true(audit_find_is_about(&e, "made-up@mef.example"));
    assert_false(audit_find_is_about(&e, "192.0.2.1"));
}

static void the_last_refusal_is_found_behind_any_number_of_events(void **state)
{
    struct rig *g = *state;
    struct audit_find_last last;
    struct audit_event e = refusal(AUDIT_HANDSHAKE_REFUSED, "192.0.2.1", "made-up@mef.example");
    assert_int_equal(store_begin(g->s, true), ERR_OK);
    assert_int_equal(audit_chain_append(g->s, crypto_openssl(), &g->chain, &e), ERR_OK);
    e.outcome = ERR_DENIED_PSK_WRONG;
    assert_int_equal(audit_chain_append(g->s, crypto_openssl(), &g->chain, &e), ERR_OK);
    uint64_t number = g->chain.next - 1;
    assert_int_equal(store_commit(g->s), ERR_OK);
    append(g, 100, 300);
    assert_int_equal(store_begin(g->s, false), ERR_OK);
    assert_int_equal(audit_find_last(g->s, "made-up@mef.example", &g->arena, &last), ERR_OK);
    assert_int_equal(last.number, number);
    assert_int_equal(last.count, 2);
    assert_int_equal(last.event.outcome, ERR_DENIED_PSK_WRONG);
    assert_int_equal(audit_find_last(g->s, "other@mef.example", &g->arena, &last), ERR_NOT_FOUND);
    assert_int_equal(audit_find_last(g->s, "", &g->arena, &last), ERR_NOT_FOUND);
    assert_int_equal(audit_find_last(g->s, "//peer.example/101", &g->arena, &last), ERR_OK); /* a refused request */
    assert_int_equal(audit_find_last(g->s, "//peer.example/100", &g->arena, &last), ERR_NOT_FOUND); /* a success */
    store_rollback(g->s);
}

static bool count_down(void *arg, uint64_t number, const struct audit_event *e)
{
    uint64_t *next = arg;
    (void)e;
    assert_true(*next == 0 || number == *next - 1);
    *next = number;
    return true;
}

static void backwards(void **state)
{
    struct rig *g = *state;
    uint64_t at = 0;
    struct audit_event e;
    assert_int_equal(store_begin(g->s, false), ERR_OK);
    assert_int_equal(audit_back(g->s, 0, 3, count_down, &at), ERR_OK);
    assert_int_equal(at, g->chain.next - 3);
    assert_int_equal(audit_back(g->s, at, 2, count_down, &at), ERR_OK);
    assert_int_equal(at, g->chain.next - 5);
    assert_int_equal(audit_get(g->s, at, &g->arena, &e), ERR_OK);
    assert_int_equal(audit_get(g->s, g->chain.next, &g->arena, &e), ERR_NOT_FOUND);
    store_rollback(g->s);
}

/* On disk: two rows with one number would be one event, or one table. */
static void numbers_are_given_once(void **state)
{
    (void)state;
    static const int kinds[] = {
#define X(name, number, code, doc) number,
#include "store/audit_rows.h"
#undef X
    };
    static const int tables[] = {
#define X(name, number, doc) number,
#include "store/table_rows.h"
#undef X
    };
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        for (size_t k = 0; k < i; k++) {
            assert_int_not_equal(kinds[i], kinds[k]);
        }
    }
    for (size_t i = 0; i < ARRAY_LEN(tables); i++) {
        for (size_t k = 0; k < i; k++) {
            assert_int_not_equal(tables[i], tables[k]);
        }
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_given_once),
        TEST(intact),
        TEST(changed_event),
        TEST(changed_hash),
        TEST(garbage_event),
        TEST(missing_event),
        TEST(missing_first_event),
        TEST(inserted_event),
        TEST(reordered_events),
        TEST(cut_off_behind_a_checkpoint),
        TEST(cut_off_with_its_checkpoint),
        TEST(rewritten_chain),
        TEST(forged_checkpoint),
        TEST(another_key),
        TEST(a_rolled_back_event_leaves_no_gap),
        TEST(tail),
        TEST(the_last_refusal_is_found_behind_any_number_of_events),
        TEST(backwards),
        cmocka_unit_test(an_event_is_about_its_names),
        cmocka_unit_test(record_refuses_each_cut_and_what_nobody_writes),
        cmocka_unit_test(record_takes_the_longest_and_cleans_what_a_peer_sent),
        cmocka_unit_test(kinds_have_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
