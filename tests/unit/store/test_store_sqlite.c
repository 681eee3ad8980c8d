/* What only the SQLite driver has: its files, its lock, damaged and foreign stores, backup and restore. */
#include "scratch.h"
#include "store/store_memory.h"
#include "store/store_sqlite.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

#define T TABLE_MEF_KE

enum { RECORDS = 300, FILE_MAX = 4 << 20, PAGE = 4096 };

struct rig {
    struct scratch scratch;
    char file[PATH_MAX];
    struct store *s;
};
static struct rig rig;
static uint8_t content[FILE_MAX];

static int setup(void **state)
{
    memset(&rig, 0, sizeof(rig));
    scratch_make(&rig.scratch);
    scratch_path(&rig.scratch, "s.db", rig.file);
    *state = &rig;
    return 0;
}

static int teardown(void **state)
{
    struct rig *g = *state;
    store_close(g->s);
    scratch_remove(&g->scratch);
    return 0;
}

static err_t open_as(struct rig *g, enum store_sqlite_mode mode, struct store **out)
{
    return store_sqlite_open(g->file, mode, NULL, out);
}

static void open_writer(struct rig *g)
{
    assert_int_equal(open_as(g, STORE_SQLITE_WRITER, &g->s), ERR_OK);
}

static void close_writer(struct rig *g)
{
    store_close(g->s);
    g->s = NULL;
}

static struct bytes id_of(unsigned i, char buf[16])
{
    (void)snprintf(buf, 16, "id-%05u", i);
    return bytes_of(buf, strlen(buf));
}

static void fill(struct rig *g)
{
    char id[16];
    static const uint8_t data[100] = {42};
    assert_int_equal(store_begin(g->s, true), ERR_OK);
    for (unsigned i = 0; i < RECORDS; i++) {
        assert_int_equal(store_put(g->s, T, id_of(i, id), BYTES_ARRAY(data), STORE_PUT_ANY, 0), ERR_OK);
    }
    assert_int_equal(store_commit(g->s), ERR_OK);
}

/* Of the records fill() made, so many are there; the last error is kept. */
static unsigned count(struct store *s, err_t *last)
{
    char id[16];
    uint8_t memory[256];
    struct store_value v;
    unsigned n = 0;
    *last = store_begin(s, false);
    for (unsigned i = 0; i < RECORDS && *last != ERR_STORE_LOCKED; i++) {
        struct arena a = arena_of(memory, sizeof(memory));
        err_t e = store_get(s, T, id_of(i, id), &a, &v);
        n += e == ERR_OK ? 1u : 0u;
        *last = e == ERR_OK ? *last : e;
    }
    store_rollback(s);
    return n;
}

static void expect_all(struct store *s)
{
    err_t last = ERR_OK;
    assert_int_equal(count(s, &last), RECORDS);
    assert_int_equal(last, ERR_OK);
}

static void expect_refused(struct rig *g, err_t want)
{
    struct store *s = NULL;
    assert_int_equal(open_as(g, STORE_SQLITE_WRITER, &s), want);
    assert_null(s);
    assert_int_equal(open_as(g, STORE_SQLITE_WRITER, &s), want); /* each time the same, and no lock is left */
    assert_null(s);
}

static void sql(const char *file, const char *text)
{
    sqlite3 *db = NULL;
    assert_int_equal(sqlite3_open(file, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, text, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

/* -- files and locks ---------------------------------------------------------------------------------------------- */

static void files_are_private(void **state)
{
    struct rig *g = *state;
    static const char *const names[] = {"s.db", "s.db-wal", "s.db-shm", "s.db.lock"};
    mode_t before = umask(0);
    open_writer(g);
    fill(g);
    (void)umask(before);
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        char name[PATH_MAX];
        struct stat st;
        assert_int_equal(stat(scratch_path(&g->scratch, names[i], name), &st), 0);
        assert_int_equal(st.st_mode & 0777, 0600);
    }
}

static void what_was_committed_is_there_after_reopening(void **state)
{
    struct rig *g = *state;
    open_writer(g);
    fill(g);
    expect_all(g->s);
    close_writer(g);
    open_writer(g);
    expect_all(g->s);
    assert_int_equal(store_sqlite_check(g->s), ERR_OK);
}

static void one_writer_many_readers(void **state)
{
    struct rig *g = *state;
    struct store *reader = NULL;
    struct store *other = NULL;
    open_writer(g);
    fill(g);
    assert_int_equal(open_as(g, STORE_SQLITE_WRITER, &other), ERR_STORE_LOCKED);
    assert_null(other);
    assert_int_equal(open_as(g, STORE_SQLITE_READER, &reader), ERR_OK);
    assert_int_equal(open_as(g, STORE_SQLITE_READER, &other), ERR_OK);
    expect_all(reader);
    assert_int_equal(store_begin(reader, true), ERR_BUG);
    assert_int_equal(store_sqlite_checkpoint(reader), ERR_BUG);
    close_writer(g);
    expect_all(other); /* readers outlive the writer */
    open_writer(g);    /* and its lock went with it */
    expect_all(reader);
    store_close(reader);
    store_close(other);
}

static void a_foreign_lock_is_an_error_at_once(void **state)
{
    struct rig *g = *state;
    sqlite3 *db = NULL;
    struct timespec from;
    struct timespec to;
    open_writer(g);
    fill(g);
    assert_int_equal(sqlite3_open(g->file, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    (void)clock_gettime(CLOCK_MONOTONIC, &from);
    assert_int_equal(store_begin(g->s, true), ERR_STORE_LOCKED);
    (void)clock_gettime(CLOCK_MONOTONIC, &to);
    assert_true((to.tv_sec - from.tv_sec) * 1000 + (to.tv_nsec - from.tv_nsec) / 1000000 < 500);
    expect_all(g->s); /* reading does not need it */
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    fill(g);
}

static void a_reader_makes_nothing(void **state)
{
    struct rig *g = *state;
    struct store *s = NULL;
    assert_int_equal(open_as(g, STORE_SQLITE_READER, &s), ERR_STORE);
    assert_null(s);
    assert_int_equal(access(g->file, F_OK), -1);
    scratch_write(g->file, "", 0); /* a writer that is about to make it */
    assert_int_equal(open_as(g, STORE_SQLITE_READER, &s), ERR_STORE);
    assert_null(s);
}

static void a_place_that_is_not_there(void **state)
{
    struct rig *g = *state;
    scratch_path(&g->scratch, "none/s.db", g->file);
    expect_refused(g, ERR_STORE);
    (void)snprintf(g->file, sizeof(g->file), "%s", g->scratch.dir); /* a directory */
    expect_refused(g, ERR_STORE);
    char lock[PATH_MAX];
    (void)snprintf(lock, sizeof(lock), "%s.lock", g->scratch.dir);
    assert_int_equal(unlink(lock), 0);
    memset(g->file, 'x', sizeof(g->file) - 1);
    expect_refused(g, ERR_LIMIT_SIZE);
}

/* -- foreign and damaged stores ----------------------------------------------------------------------------------- */

static void a_file_of_another_application(void **state)
{
    struct rig *g = *state;
    sql(g->file, "CREATE TABLE t(x); INSERT INTO t VALUES(1)");
    size_t before = scratch_read(g->file, content, sizeof(content));
    expect_refused(g, ERR_STORE_CORRUPT);
    static uint8_t after[FILE_MAX];
    assert_int_equal(scratch_read(g->file, after, sizeof(after)), before);
    assert_memory_equal(content, after, before); /* left as it was */
}

static void a_later_format(void **state)
{
    struct rig *g = *state;
    open_writer(g);
    close_writer(g);
    sql(g->file, "PRAGMA user_version = 2");
    expect_refused(g, ERR_STORE_CORRUPT);
    sql(g->file, "PRAGMA user_version = 1; PRAGMA application_id = 1");
    expect_refused(g, ERR_STORE_CORRUPT);
}

static void another_schema(void **state)
{
    struct rig *g = *state;
    open_writer(g);
    close_writer(g);
    sql(g->file, "ALTER TABLE kv RENAME TO vk");
    expect_refused(g, ERR_STORE_CORRUPT);
}

static void garbage(void **state)
{
    struct rig *g = *state;
    uint64_t seed = 7;
    for (size_t i = 0; i < 3 * PAGE; i++) {
        content[i] = (uint8_t)scratch_random(&seed);
    }
    static const size_t sizes[] = {1, 15, 16, 100, 512, PAGE, 3 * PAGE};
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        scratch_write(g->file, content, sizes[i]);
        expect_refused(g, ERR_STORE_CORRUPT);
    }
}

static void cut_short(void **state)
{
    struct rig *g = *state;
    open_writer(g);
    fill(g);
    close_writer(g);
    size_t n = scratch_read(g->file, content, sizeof(content));
    assert_true(n > 4 * PAGE);
    static const size_t lost[] = {1, PAGE, PAGE + 100, 3 * PAGE};
    for (size_t i = 0; i < ARRAY_LEN(lost); i++) {
        scratch_write(g->file, content, n - lost[i]);
        expect_refused(g, ERR_STORE_CORRUPT);
    }
    scratch_write(g->file, content, 50);
    expect_refused(g, ERR_STORE_CORRUPT);
    scratch_write(g->file, content, 0); /* must not pass for a new store */
    expect_refused(g, ERR_STORE_CORRUPT);
    assert_int_equal(unlink(g->file), 0); /* nor may its absence be taken for a beginning */
    expect_refused(g, ERR_STORE_CORRUPT);
    assert_int_equal(access(g->file, F_OK), -1);
    scratch_write(g->file, content, n);
    open_writer(g);
    expect_all(g->s);
}

static void a_damaged_page(void **state)
{
    struct rig *g = *state;
    open_writer(g);
    fill(g);
    close_writer(g);
    size_t n = scratch_read(g->file, content, sizeof(content));
    for (size_t page = 1; page < n / PAGE; page++) {
        err_t last = ERR_OK;
        content[page * PAGE] ^= 0x55; /* type of the b-tree page */
        scratch_write(g->file, content, n);
        content[page * PAGE] ^= 0x55;
        err_t opened = open_as(g, STORE_SQLITE_WRITER, &g->s);
        if (opened != ERR_OK) {
            assert_int_equal(opened, ERR_STORE_CORRUPT);
            continue;
        }
        assert_int_equal(store_sqlite_check(g->s), ERR_STORE_CORRUPT);
        assert_true(count(g->s, &last) < RECORDS);
        assert_int_equal(last, ERR_STORE_CORRUPT);
        close_writer(g);
    }
}

static void a_change_on_a_damaged_page_dooms_the_transaction(void **state)
{
    struct rig *g = *state;
    char id[16];
    open_writer(g);
    fill(g);
    close_writer(g);
    size_t n = scratch_read(g->file, content, sizeof(content));
    for (size_t page = 1; page < n / PAGE; page++) {
        content[page * PAGE] ^= 0x55;
    }
    scratch_write(g->file, content, n);
    open_writer(g);
    assert_int_equal(store_begin(g->s, true), ERR_OK);
    assert_int_equal(store_put(g->s, T, id_of(1, id), bytes_of("x", 1), STORE_PUT_ANY, 0), ERR_STORE_CORRUPT);
    assert_int_equal(store_put(g->s, T, id_of(2, id), bytes_of("x", 1), STORE_PUT_ANY, 0), ERR_STORE_CORRUPT);
    assert_int_equal(store_commit(g->s), ERR_STORE_CORRUPT);
}

/* -- log, backup, restore ----------------------------------------------------------------------------------------- */

static void the_log_grows_until_the_checkpoint(void **state)
{
    struct rig *g = *state;
    open_writer(g);
    assert_int_equal(store_sqlite_wal_pages(g->s), 0);
    for (int i = 0; i < 100; i++) {
        uint64_t before = store_sqlite_wal_pages(g->s);
        fill(g);
        assert_true(store_sqlite_wal_pages(g->s) > before); /* no checkpoint inside a commit */
    }
    assert_true(store_sqlite_wal_pages(g->s) > 1000);
    assert_int_equal(store_begin(g->s, true), ERR_OK);
    assert_int_equal(store_sqlite_checkpoint(g->s), ERR_BUG);
    store_rollback(g->s);
    assert_int_equal(store_sqlite_checkpoint(g->s), ERR_OK);
    assert_int_equal(store_sqlite_wal_pages(g->s), 0);
    expect_all(g->s);
}

static void a_checkpoint_does_not_wait_for_readers(void **state)
{
    struct rig *g = *state;
    struct store *reader = NULL;
    struct store_value v;
    char id[16];
    uint8_t memory[256];
    struct arena a = arena_of(memory, sizeof(memory));
    open_writer(g);
    fill(g);
    assert_int_equal(open_as(g, STORE_SQLITE_READER, &reader), ERR_OK);
    assert_int_equal(store_begin(reader, false), ERR_OK);
    assert_int_equal(store_get(reader, T, id_of(0, id), &a, &v), ERR_OK);
    fill(g);
    assert_int_equal(store_sqlite_checkpoint(g->s), ERR_OK);
    assert_true(store_sqlite_wal_pages(g->s) > 0); /* what the reader may still need stays in the log */
    store_rollback(reader);
    assert_int_equal(store_sqlite_checkpoint(g->s), ERR_OK);
    assert_int_equal(store_sqlite_wal_pages(g->s), 0);
    store_close(reader);
}

static void backup_and_restore(void **state)
{
    struct rig *g = *state;
    char copy[PATH_MAX];
    char name[PATH_MAX];
    struct stat st;
    char id[16];
    open_writer(g);
    fill(g);
    scratch_path(&g->scratch, "backup.db", copy);
    assert_int_equal(store_begin(g->s, true), ERR_OK);
    assert_int_equal(store_sqlite_backup(g->s, copy), ERR_BUG);
    store_rollback(g->s);
    assert_int_equal(store_sqlite_backup(g->s, copy), ERR_OK);
    assert_int_equal(store_sqlite_backup(g->s, copy), ERR_EXISTS); /* an older backup is never overwritten */
    assert_int_equal(stat(copy, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(access(scratch_path(&g->scratch, "backup.db-wal", name), F_OK), -1);

    assert_int_equal(store_begin(g->s, true), ERR_OK); /* what comes after the backup is not in it */
    assert_int_equal(store_del(g->s, T, id_of(0, id)), ERR_OK);
    assert_int_equal(store_commit(g->s), ERR_OK);
    close_writer(g);

    assert_int_equal(rename(copy, g->file), 0); /* the restore of docs/operate/recovery.md */
    open_writer(g);
    assert_int_equal(store_sqlite_check(g->s), ERR_OK);
    expect_all(g->s);
    fill(g);
}

static void a_backup_that_fails_leaves_nothing(void **state)
{
    struct rig *g = *state;
    char copy[PATH_MAX];
    open_writer(g);
    fill(g);
    assert_int_equal(store_sqlite_backup(g->s, scratch_path(&g->scratch, "none/backup.db", copy)), ERR_STORE);
    close_writer(g);

    size_t n = scratch_read(g->file, content, sizeof(content));
    scratch_path(&g->scratch, "backup.db", copy);
    open_writer(g);
    assert_int_equal(truncate(g->file, (off_t)(n / 2)), 0); /* the disk loses pages under the open store */
    assert_int_not_equal(store_sqlite_backup(g->s, copy), ERR_OK);
    assert_int_equal(access(copy, F_OK), -1);
}

static void a_reader_can_make_the_backup(void **state)
{
    struct rig *g = *state;
    struct store *reader = NULL;
    struct store *restored = NULL;
    char copy[PATH_MAX];
    open_writer(g);
    fill(g);
    assert_int_equal(open_as(g, STORE_SQLITE_READER, &reader), ERR_OK);
    assert_int_equal(store_sqlite_backup(reader, scratch_path(&g->scratch, "backup.db", copy)), ERR_OK);
    store_close(reader);
    assert_int_equal(store_sqlite_open(copy, STORE_SQLITE_WRITER, NULL, &restored), ERR_OK);
    expect_all(restored);
    store_close(restored);
}

static void another_driver_has_none_of_this(void **state)
{
    struct rig *g = *state;
    char copy[PATH_MAX];
    assert_int_equal(store_memory_open(&g->s), ERR_OK);
    assert_int_equal(store_sqlite_checkpoint(g->s), ERR_BUG);
    assert_int_equal(store_sqlite_check(g->s), ERR_BUG);
    assert_int_equal(store_sqlite_backup(g->s, scratch_path(&g->scratch, "backup.db", copy)), ERR_BUG);
    assert_int_equal(store_sqlite_wal_pages(g->s), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(files_are_private),
        TEST(what_was_committed_is_there_after_reopening),
        TEST(one_writer_many_readers),
        TEST(a_foreign_lock_is_an_error_at_once),
        TEST(a_reader_makes_nothing),
        TEST(a_place_that_is_not_there),
        TEST(a_file_of_another_application),
        TEST(a_later_format),
        TEST(another_schema),
        TEST(garbage),
        TEST(cut_short),
        TEST(a_damaged_page),
        TEST(a_change_on_a_damaged_page_dooms_the_transaction),
        TEST(the_log_grows_until_the_checkpoint),
        TEST(a_checkpoint_does_not_wait_for_readers),
        TEST(backup_and_restore),
        TEST(a_backup_that_fails_leaves_nothing),
        TEST(a_reader_can_make_the_backup),
        TEST(another_driver_has_none_of_this),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
