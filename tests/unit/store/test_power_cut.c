/*
 * Power loss at every write and sync of a run of commits, checkpoints and reopenings; a disk that is full at every size.
 * Nothing acknowledged is lost, nothing is there by half (design sections 7 and 11).
 */
#include "scratch.h"
#include "store/store_sqlite.h"
#include "vfs_powercut.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { COMMITS = 12, KEYS = 7, VALUE_MAX = 6000, ARENA = 64 << 10 };

static uint8_t memory[ARENA];

/* -- a run: the state after commit j is a function of j alone --------------------------------------------------------- */

/* Which commit wrote key k last, as of commit j; 0: the key is not there. Commit i writes i, i+1, i+3 and drops i+5. */
static unsigned writer_of_key(unsigned k, unsigned j)
{
    unsigned last = 0;
    for (unsigned i = 1; i <= j; i++) {
        if (k == i % KEYS || k == (i + 1) % KEYS || k == (i + 3) % KEYS) {
            last = i;
        } else if (k == (i + 5) % KEYS) {
            last = 0;
        }
    }
    return last;
}

static struct bytes key(unsigned k, char buf[16])
{
    (void)snprintf(buf, 16, "key-%u", k);
    return bytes_of(buf, strlen(buf));
}

static struct bytes value(unsigned k, unsigned i, uint8_t buf[VALUE_MAX])
{
    size_t n = (i * 977u + k * 131u) % VALUE_MAX;
    memset(buf, (int)(i * 16 + k), n);
    return bytes_of(buf, n);
}

static err_t change(struct store *s, unsigned j)
{
    static uint8_t data[VALUE_MAX];
    char id[16];
    static const unsigned steps[] = {0, 1, 3};
    for (size_t n = 0; n < ARRAY_LEN(steps); n++) {
        unsigned k = (j + steps[n]) % KEYS;
        TRY(store_put(s, TABLE_MEF_KE, key(k, id), value(k, j, data), STORE_PUT_ANY, 0));
    }
    err_t e = store_del(s, TABLE_MEF_KE, key((j + 5) % KEYS, id));
    TRY(e == ERR_NOT_FOUND ? ERR_OK : e);
    uint8_t head = (uint8_t)j;
    return store_put(s, TABLE_META, bytes_of("head", 4), bytes_of(&head, 1), STORE_PUT_ANY, 0);
}

static err_t commit(struct store *s, unsigned j)
{
    TRY(store_begin(s, true));
    err_t e = change(s, j);
    if (e != ERR_OK) {
        store_rollback(s);
        return e;
    }
    return store_commit(s);
}

/* The commit whose state the store has; the test fails if it has no such state. */
static unsigned state_of(struct store *s)
{
    static uint8_t data[VALUE_MAX];
    struct store_value v;
    char id[16];
    struct arena a = arena_of(memory, sizeof(memory));
    assert_int_equal(store_begin(s, false), ERR_OK);
    err_t e = store_get(s, TABLE_META, bytes_of("head", 4), &a, &v);
    assert_true(e == ERR_OK || e == ERR_NOT_FOUND);
    unsigned j = e == ERR_OK ? v.data.p[0] : 0;
    for (unsigned k = 0; k < KEYS; k++) {
        arena_reset(&a);
        unsigned by = writer_of_key(k, j);
        e = store_get(s, TABLE_MEF_KE, key(k, id), &a, &v);
        assert_int_equal(e, by == 0 ? ERR_NOT_FOUND : ERR_OK);
        assert_true(by == 0 || bytes_eq(v.data, value(k, by, data)));
    }
    store_rollback(s);
    return j;
}

struct run {
    struct scratch disk;
    char file[PATH_MAX];
    struct store *s;
    unsigned tried;
    unsigned acknowledged;
};

static bool open_run(struct run *r)
{
    return store_sqlite_open(r->file, STORE_SQLITE_WRITER, POWERCUT_VFS, &r->s) == ERR_OK;
}

static bool commits(struct run *r, unsigned to)
{
    while (r->acknowledged < to) {
        r->tried = r->acknowledged + 1;
        if (commit(r->s, r->tried) != ERR_OK) {
            return false;
        }
        r->acknowledged = r->tried;
        /* After 4 and 10 the log begins anew with the next commit; 9 leaves the next commit in a log that is moved. */
        bool moves = r->tried == 4 || r->tried == 9 || r->tried == 10;
        if (moves && store_sqlite_checkpoint(r->s) != ERR_OK) {
            return false;
        }
    }
    return true;
}

static void close_run(struct run *r)
{
    store_close(r->s);
    r->s = NULL;
}

/* True if the whole run went through. */
static bool run_until_cut(struct run *r)
{
    bool whole = open_run(r) && commits(r, 6);
    close_run(r); /* moves the log and removes it */
    whole = whole && open_run(r) && commits(r, COMMITS);
    close_run(r);
    return whole && !powercut_is_cut();
}

/* -- what is found afterwards ---------------------------------------------------------------------------------------- */

/* The state in the image, or -1 if it was damaged. */
static int look(const char *dir)
{
    char file[PATH_MAX];
    struct store *s = NULL;
    (void)snprintf(file, sizeof(file), "%s/s.db", dir);
    if (store_sqlite_open(file, STORE_SQLITE_WRITER, POWERCUT_VFS, &s) != ERR_OK) {
        return -1;
    }
    int state = store_sqlite_check(s) == ERR_OK ? (int)state_of(s) : -1;
    if (state >= 0) { /* and it can be used */
        assert_int_equal(commit(s, (unsigned)state + 1), ERR_OK);
        assert_int_equal(state_of(s), state + 1);
    }
    store_close(s);
    return state;
}

static bool is_right(const struct run *r, int state)
{
    return state == (int)r->acknowledged || state == (int)r->tried; /* tried and not answered: either is right */
}

struct tally {
    unsigned images;
    unsigned wrong;
    unsigned ahead; /* committed but not acknowledged: shows that the images differ */
};

static void cut_once(uint64_t at, bool lie, struct tally *t, bool *whole)
{
    struct run r = {0};
    struct scratch images[POWERCUT_IMAGES + 1];
    uint64_t seed = at * 1000003;
    scratch_make(&r.disk);
    scratch_path(&r.disk, "s.db", r.file);
    powercut_start(at, lie);
    *whole = run_until_cut(&r);
    for (size_t i = 0; i < ARRAY_LEN(images); i++) {
        scratch_make(&images[i]);
        enum powercut_image how = i < POWERCUT_IMAGES ? (enum powercut_image)i : POWERCUT_SECTORS; /* that one twice */
        powercut_image(images[i].dir, how, &seed);
    }
    powercut_stop();
    for (size_t i = 0; i < ARRAY_LEN(images); i++) {
        int state = look(images[i].dir);
        t->images++;
        t->wrong += is_right(&r, state) ? 0u : 1u;
        t->ahead += state > (int)r.acknowledged ? 1u : 0u;
        if (!lie && !is_right(&r, state)) {
            fail_msg("cut at operation %llu, image %zu: state %d, acknowledged %u, tried %u",
                     (unsigned long long)at, i, state, r.acknowledged, r.tried);
        }
        scratch_remove(&images[i]);
    }
    scratch_remove(&r.disk);
}

static void nothing_acknowledged_is_lost_at_any_cut(void **state)
{
    (void)state;
    struct tally t = {0};
    bool whole = false;
    uint64_t at = 0;
    while (!whole) {
        cut_once(++at, false, &t, &whole);
    }
    print_message("%llu cut points, %u images, %u with a commit that was not yet acknowledged\n",
                  (unsigned long long)at, t.images, t.ahead);
    assert_true(at > 60); /* the run did meet the shim */
    assert_true(t.ahead > 0);
    assert_int_equal(t.wrong, 0);
}

/* A disk that only pretends to sync: the same test must notice, or it could not fail at all. */
static void a_lying_disk_is_noticed(void **state)
{
    (void)state;
    struct tally t = {0};
    bool whole = false;
    for (uint64_t at = 5; !whole; at += 10) {
        cut_once(at, true, &t, &whole);
    }
    assert_true(t.wrong > 0);
}

/* -- full disk ------------------------------------------------------------------------------------------------------- */

/* True if the quota was met at all. */
static bool fill_once(int64_t room)
{
    struct run r = {0};
    scratch_make(&r.disk);
    scratch_path(&r.disk, "s.db", r.file);
    powercut_start(0, false);
    assert_true(open_run(&r));
    assert_true(commits(&r, 3));
    powercut_quota(powercut_used() + room);
    bool full = false;
    for (unsigned j = 4; j <= 9 && !full; j++) {
        err_t e = commit(r.s, j);
        full = e != ERR_OK;
        r.acknowledged = full ? r.acknowledged : j;
        if (full) {
            assert_int_equal(e, ERR_STORE_FULL);
        } else if (j == 6) {
            e = store_sqlite_checkpoint(r.s);
            assert_true(e == ERR_OK || e == ERR_STORE_FULL);
        }
    }
    assert_int_equal(state_of(r.s), r.acknowledged); /* reading goes on */
    if (full) {
        assert_int_equal(commit(r.s, r.acknowledged + 1), ERR_STORE_FULL); /* and says so again */
    }
    powercut_quota(-1);
    assert_true(commits(&r, COMMITS)); /* usable as soon as there is room */
    assert_int_equal(store_sqlite_check(r.s), ERR_OK);
    close_run(&r);
    assert_true(open_run(&r));
    assert_int_equal(state_of(r.s), COMMITS);
    close_run(&r);
    powercut_stop();
    scratch_remove(&r.disk);
    return full;
}

static void a_full_disk_loses_nothing(void **state)
{
    (void)state;
    unsigned met = 0;
    for (int64_t room = 0; room < 160000; room += 3001) {
        met += fill_once(room) ? 1u : 0u;
    }
    assert_true(met > 20);
    assert_false(fill_once(INT64_C(1) << 30));
}

/* Power goes while the disk is full. */
static void a_full_disk_and_a_power_cut(void **state)
{
    (void)state;
    for (uint64_t more = 1; more < 12; more++) {
        struct run r = {0};
        struct scratch image;
        uint64_t seed = more;
        scratch_make(&r.disk);
        scratch_make(&image);
        scratch_path(&r.disk, "s.db", r.file);
        powercut_start(0, false);
        assert_true(open_run(&r));
        assert_true(commits(&r, 3));
        powercut_quota(powercut_used() + (int64_t)more * 2500);
        (void)commits(&r, COMMITS);
        powercut_image(image.dir, POWERCUT_SECTORS, &seed);
        close_run(&r);
        powercut_stop();
        int found = look(image.dir);
        assert_true(is_right(&r, found));
        scratch_remove(&image);
        scratch_remove(&r.disk);
    }
}

static void an_open_on_a_full_disk_says_so(void **state)
{
    (void)state;
    struct run r = {0};
    scratch_make(&r.disk);
    scratch_path(&r.disk, "s.db", r.file);
    powercut_start(0, false);
    powercut_quota(0);
    assert_int_equal(store_sqlite_open(r.file, STORE_SQLITE_WRITER, POWERCUT_VFS, &r.s), ERR_STORE_FULL);
    assert_null(r.s);
    powercut_quota(-1);
    assert_true(open_run(&r)); /* and what it left behind does not stand in the way */
    assert_true(commits(&r, 2));
    close_run(&r);
    powercut_stop();
    scratch_remove(&r.disk);
}

int main(void)
{
    /* The images are what is tested, not the disk of this machine: in memory, if there is such a place. */
    if (getenv("TMPDIR") == NULL && access("/dev/shm", W_OK) == 0) {
        (void)setenv("TMPDIR", "/dev/shm", 0);
    }
    powercut_register();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_acknowledged_is_lost_at_any_cut),
        cmocka_unit_test(a_lying_disk_is_noticed),
        cmocka_unit_test(a_full_disk_loses_nothing),
        cmocka_unit_test(a_full_disk_and_a_power_cut),
        cmocka_unit_test(an_open_on_a_full_disk_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
