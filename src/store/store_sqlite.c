/*
 * One table kv(t, k, v, ver) WITHOUT ROWID: a record is one b-tree entry and a prefix scan is a range of the primary
 * key. docs/decisions/0003-store.md has the reasons and the figures.
 */
#include "store/store_sqlite.h"
#include "store/store_range.h"
#include "store/store_sqlite_file.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#define APPLICATION_ID 0x4B535444 /* "KSTD" */
#define FORMAT 1
#define STRING_(x) #x
#define STRING(x) STRING_(x)

enum stmt {
    S_BEGIN_READ,
    S_BEGIN_WRITE,
    S_COMMIT,
    S_ROLLBACK,
    S_GET,
    S_PUT_ANY,
    S_PUT_IF_ABSENT,
    S_PUT_IF_VERSION,
    S_DEL,
    S_ASC,
    S_ASC_TO,
    S_DESC,
    S_DESC_TO,
    S_DATA_VERSION,
    S_COUNT
};

#define SCAN "SELECT k, v, ver FROM kv WHERE t = ?1 AND k >= ?2 "
static const char *const sql_of[S_COUNT] = {
    [S_BEGIN_READ] = "BEGIN",
    [S_BEGIN_WRITE] = "BEGIN IMMEDIATE",
    [S_COMMIT] = "COMMIT",
    [S_ROLLBACK] = "ROLLBACK",
    [S_GET] = "SELECT v, ver FROM kv WHERE t = ?1 AND k = ?2",
    [S_PUT_ANY] = "INSERT INTO kv(t, k, v, ver) VALUES(?1, ?2, ?3, 1) "
                  "ON CONFLICT(t, k) DO UPDATE SET v = excluded.v, ver = ver + 1",
    [S_PUT_IF_ABSENT] = "INSERT INTO kv(t, k, v, ver) VALUES(?1, ?2, ?3, 1) ON CONFLICT(t, k) DO NOTHING",
    [S_PUT_IF_VERSION] = "UPDATE kv SET v = ?3, ver = ver + 1 WHERE t = ?1 AND k = ?2 AND ver = ?4",
    [S_DEL] = "DELETE FROM kv WHERE t = ?1 AND k = ?2",
    [S_ASC] = SCAN "ORDER BY k LIMIT ?4",
    [S_ASC_TO] = SCAN "AND k < ?3 ORDER BY k LIMIT ?4",
    [S_DESC] = SCAN "ORDER BY k DESC LIMIT ?4",
    [S_DESC_TO] = SCAN "AND k < ?3 ORDER BY k DESC LIMIT ?4",
    [S_DATA_VERSION] = "PRAGMA data_version",
};

struct sqlite {
    struct store base;
    sqlite3 *db;
    sqlite3_stmt *stmt[S_COUNT];
    bool in_use[S_COUNT]; /* a scan is walking it: a nested scan of the same kind prepares its own */
    bool writing;
    int lock;          /* descriptor that holds the writer's flock, or -1 */
    uint64_t commits;  /* own ones: data_version counts only those of others */
    uint64_t wal_pages;
};

static struct sqlite *of(struct store *s)
{
    return (struct sqlite *)s;
}

static err_t failed(const struct sqlite *q, int rc)
{
    return store_sqlite_file_err(q->db, rc);
}

/* -- statements --------------------------------------------------------------------------------------------------- */

/* Steps a statement that gives no row. The reset also ends its implicit locks and keeps it ready. */
static err_t run(struct sqlite *q, enum stmt n)
{
    int rc = sqlite3_step(q->stmt[n]);
    err_t e = rc == SQLITE_DONE || rc == SQLITE_ROW ? ERR_OK : failed(q, rc);
    (void)sqlite3_reset(q->stmt[n]); /* repeats the error of the step */
    return e;
}

/* A change must not fall through into autocommit: after some errors SQLite ends the transaction by itself. */
static err_t run_change(struct sqlite *q, enum stmt n)
{
    return sqlite3_get_autocommit(q->db) == 0 ? run(q, n) : ERR_STORE;
}

static void bind_bytes(sqlite3_stmt *st, int at, struct bytes b)
{
    (void)sqlite3_bind_blob(st, at, b.p, (int)b.n, SQLITE_STATIC); /* the step follows while b is alive */
}

static void bind_record(sqlite3_stmt *st, enum store_table t, struct bytes id)
{
    (void)sqlite3_bind_int(st, 1, (int)t);
    bind_bytes(st, 2, id);
}

static struct bytes column_bytes(sqlite3_stmt *st, int at)
{
    const void *p = sqlite3_column_blob(st, at); /* before the length: the order SQLite asks for */
    return bytes_of(p, (size_t)sqlite3_column_bytes(st, at));
}

/* -- the calls ---------------------------------------------------------------------------------------------------- */

static void end_if_open(struct sqlite *q, enum stmt n)
{
    if (sqlite3_get_autocommit(q->db) == 0 && run(q, n) != ERR_OK) {
        (void)run(q, S_ROLLBACK);
    }
    q->writing = false;
}

static err_t sqlite_begin(struct store *s, bool write)
{
    struct sqlite *q = of(s);
    if (write && q->lock < 0) {
        return ERR_BUG; /* a reader's connection */
    }
    TRY(run(q, write ? S_BEGIN_WRITE : S_BEGIN_READ));
    q->writing = write;
    return ERR_OK;
}

static err_t sqlite_get(struct store *s, enum store_table t, struct bytes id, struct arena *a, struct store_value *out)
{
    struct sqlite *q = of(s);
    sqlite3_stmt *st = q->stmt[S_GET];
    bind_record(st, t, id);
    int rc = sqlite3_step(st);
    err_t e = ERR_OK;
    if (rc == SQLITE_ROW) {
        out->version = (uint64_t)sqlite3_column_int64(st, 1);
        e = arena_dup(a, column_bytes(st, 0), &out->data) ? ERR_OK : ERR_LIMIT_CAPACITY;
    } else {
        e = rc == SQLITE_DONE ? ERR_NOT_FOUND : failed(q, rc);
    }
    (void)sqlite3_reset(st);
    return e;
}

static err_t sqlite_put(struct store *s, enum store_table t, struct bytes id, struct bytes data, enum store_put mode,
                        uint64_t version)
{
    static const struct {
        enum stmt stmt;
        err_t untouched; /* what it means that no row was written */
    } modes[] = {
        [STORE_PUT_ANY] = {S_PUT_ANY, ERR_BUG},
        [STORE_PUT_IF_ABSENT] = {S_PUT_IF_ABSENT, ERR_EXISTS},
        [STORE_PUT_IF_VERSION] = {S_PUT_IF_VERSION, ERR_STORE_CONFLICT},
    };
    if ((unsigned)mode >= ARRAY_LEN(modes)) {
        return ERR_BUG;
    }
    struct sqlite *q = of(s);
    sqlite3_stmt *st = q->stmt[modes[mode].stmt];
    bind_record(st, t, id);
    bind_bytes(st, 3, data);
    if (mode == STORE_PUT_IF_VERSION) {
        (void)sqlite3_bind_int64(st, 4, (sqlite3_int64)version);
    }
    TRY(run_change(q, modes[mode].stmt));
    return sqlite3_changes(q->db) == 0 ? modes[mode].untouched : ERR_OK;
}

static err_t sqlite_del(struct store *s, enum store_table t, struct bytes id)
{
    struct sqlite *q = of(s);
    bind_record(q->stmt[S_DEL], t, id);
    TRY(run_change(q, S_DEL));
    return sqlite3_changes(q->db) == 0 ? ERR_NOT_FOUND : ERR_OK;
}

static err_t walk(struct sqlite *q, sqlite3_stmt *st, store_scan_fn *fn, void *arg)
{
    for (;;) {
        int rc = sqlite3_step(st);
        if (rc != SQLITE_ROW) {
            return rc == SQLITE_DONE ? ERR_OK : failed(q, rc);
        }
        struct store_value v = {column_bytes(st, 1), (uint64_t)sqlite3_column_int64(st, 2)};
        if (!fn(arg, column_bytes(st, 0), v)) {
            return ERR_OK;
        }
    }
}

static err_t scan_with(struct sqlite *q, sqlite3_stmt *st, const struct store_scan *scan, store_scan_fn *fn, void *arg)
{
    struct store_range range;
    store_range_of(scan, &range);
    bind_record(st, scan->table, range.lo);
    if (range.bounded) {
        bind_bytes(st, 3, range.hi);
    }
    (void)sqlite3_bind_int64(st, 4, scan->limit == 0 ? -1 : (sqlite3_int64)scan->limit);
    err_t e = walk(q, st, fn, arg);
    (void)sqlite3_reset(st);
    return e;
}

static enum stmt stmt_of(const struct store_scan *scan)
{
    struct store_range range;
    store_range_of(scan, &range);
    if (scan->order == STORE_ASCENDING) {
        return range.bounded ? S_ASC_TO : S_ASC;
    }
    return range.bounded ? S_DESC_TO : S_DESC;
}

static err_t sqlite_scan(struct store *s, const struct store_scan *scan, store_scan_fn *fn, void *arg)
{
    struct sqlite *q = of(s);
    enum stmt n = stmt_of(scan);
    if (q->in_use[n]) {
        sqlite3_stmt *own = NULL;
        int rc = sqlite3_prepare_v2(q->db, sql_of[n], -1, &own, NULL);
        err_t nested = rc == SQLITE_OK ? scan_with(q, own, scan, fn, arg) : failed(q, rc);
        (void)sqlite3_finalize(own);
        return nested;
    }
    q->in_use[n] = true;
    err_t e = scan_with(q, q->stmt[n], scan, fn, arg);
    q->in_use[n] = false;
    return e;
}

static err_t sqlite_commit(struct store *s)
{
    struct sqlite *q = of(s);
    if (sqlite3_get_autocommit(q->db) != 0) {
        q->writing = false;
        return ERR_STORE; /* SQLite rolled the transaction back by itself after an error */
    }
    err_t e = run(q, S_COMMIT);
    if (e != ERR_OK) {
        end_if_open(q, S_ROLLBACK);
        return e;
    }
    q->writing = false;
    q->commits++;
    return ERR_OK;
}

static void sqlite_rollback(struct store *s)
{
    struct sqlite *q = of(s);
    end_if_open(q, q->writing ? S_ROLLBACK : S_COMMIT); /* COMMIT ends a read transaction more cheaply */
}

static uint64_t sqlite_changes(struct store *s)
{
    struct sqlite *q = of(s);
    sqlite3_stmt *st = q->stmt[S_DATA_VERSION];
    uint64_t others = 0;
    if (sqlite3_step(st) == SQLITE_ROW) {
        others = (uint64_t)sqlite3_column_int64(st, 0);
    } else {
        q->commits++; /* not known: must not look unchanged */
    }
    (void)sqlite3_reset(st);
    return others << 32 | (q->commits & UINT32_MAX);
}

static void sqlite_close(struct store *s)
{
    struct sqlite *q = of(s);
    store_rollback(s);
    for (size_t i = 0; i < S_COUNT; i++) {
        (void)sqlite3_finalize(q->stmt[i]);
    }
    (void)sqlite3_close(q->db);
    store_sqlite_file_unlock(q->lock); /* last: until here no other writer may start */
    free(q);
}

static const struct store_ops sqlite_ops = {
    .close = sqlite_close,
    .begin = sqlite_begin,
    .get = sqlite_get,
    .put = sqlite_put,
    .del = sqlite_del,
    .scan = sqlite_scan,
    .commit = sqlite_commit,
    .rollback = sqlite_rollback,
    .changes = sqlite_changes,
};

/* -- opening ------------------------------------------------------------------------------------------------------ */

static err_t exec(struct sqlite *q, const char *sql)
{
    int rc = sqlite3_exec(q->db, sql, NULL, NULL, NULL);
    return rc == SQLITE_OK ? ERR_OK : failed(q, rc);
}

static err_t number_of(struct sqlite *q, const char *sql, int64_t *out)
{
    sqlite3_stmt *st = NULL;
    int rc = sqlite3_prepare_v2(q->db, sql, -1, &st, NULL);
    if (rc == SQLITE_OK) {
        rc = sqlite3_step(st);
    }
    err_t e = rc == SQLITE_ROW ? ERR_OK : failed(q, rc);
    if (e == ERR_OK) {
        *out = sqlite3_column_int64(st, 0);
    }
    (void)sqlite3_finalize(st);
    return e;
}

/* Ours, empty, or somebody else's? Decided before anything is written to the file. */
static err_t check_format(struct sqlite *q, bool *is_new)
{
    int64_t application = 0;
    int64_t format = 0;
    int64_t tables = 0;
    TRY(number_of(q, "PRAGMA application_id", &application));
    TRY(number_of(q, "PRAGMA user_version", &format));
    TRY(number_of(q, "SELECT count(*) FROM sqlite_schema", &tables));
    *is_new = application == 0 && format == 0 && tables == 0;
    if (!*is_new && (application != APPLICATION_ID || format != FORMAT)) {
        return ERR_STORE_CORRUPT;
    }
    return ERR_OK;
}

static err_t create(struct sqlite *q)
{
    return exec(q, "BEGIN IMMEDIATE;"
                   "CREATE TABLE kv(t INTEGER NOT NULL, k BLOB NOT NULL, v BLOB NOT NULL, ver INTEGER NOT NULL,"
                   " PRIMARY KEY(t, k)) WITHOUT ROWID;"
                   "PRAGMA application_id = " STRING(APPLICATION_ID) ";"
                   "PRAGMA user_version = " STRING(FORMAT) ";"
                   "COMMIT");
}

/* The log hook doubles as the switch that keeps SQLite from checkpointing inside a commit. */
static int note_wal(void *arg, sqlite3 *db, const char *name, int pages)
{
    (void)db;
    (void)name;
    ((struct sqlite *)arg)->wal_pages = (uint64_t)pages;
    return SQLITE_OK;
}

static err_t configure_writer(struct sqlite *q, const char *file, bool is_new)
{
    if (is_new) {
        TRY(exec(q, "PRAGMA page_size = " STRING(STORE_SQLITE_FILE_PAGE)));
    }
    TRY(store_sqlite_file_pragma(q->db, "PRAGMA journal_mode = WAL", "wal", ERR_STORE));
    TRY(exec(q, "PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 0"));
    (void)sqlite3_wal_hook(q->db, note_wal, q);
    if (is_new) {
        TRY(create(q));
        TRY(store_sqlite_checkpoint(&q->base));
    }
    return store_sqlite_file_mark(file, q->lock);
}

static err_t configure_reader(struct sqlite *q, bool is_new)
{
    if (is_new) {
        return ERR_STORE; /* no writer has made it yet */
    }
    (void)sqlite3_db_config(q->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    return exec(q, "PRAGMA query_only = 1");
}

static err_t configure(struct sqlite *q, const char *file, enum store_sqlite_mode mode)
{
    bool is_new = false;
    (void)sqlite3_extended_result_codes(q->db, 1);
    (void)sqlite3_busy_timeout(q->db, 0); /* nobody waits on a loop: a lock is an error at once */
    (void)sqlite3_db_config(q->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    TRY(exec(q, "PRAGMA trusted_schema = 0; PRAGMA cell_size_check = 1; PRAGMA temp_store = MEMORY;"
                "PRAGMA cache_size = -16384"));
    TRY(check_format(q, &is_new));
    TRY(mode == STORE_SQLITE_WRITER ? configure_writer(q, file, is_new) : configure_reader(q, is_new));
    for (size_t i = 0; i < S_COUNT; i++) {
        int rc = sqlite3_prepare_v3(q->db, sql_of[i], -1, SQLITE_PREPARE_PERSISTENT, &q->stmt[i], NULL);
        if (rc != SQLITE_OK) {
            return (rc & 0xFF) == SQLITE_ERROR ? ERR_STORE_CORRUPT : failed(q, rc); /* another schema */
        }
    }
    return ERR_OK;
}

static err_t open_file(struct sqlite *q, const char *file, enum store_sqlite_mode mode, const char *vfs)
{
    if (mode == STORE_SQLITE_WRITER) {
        TRY(store_sqlite_file_lock(file, &q->lock));
    }
    (void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0); /* else each malloc takes a lock to count; of the process: refused but for the first */
    int rc = sqlite3_open_v2(file, &q->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, vfs);
    TRY(rc == SQLITE_OK ? ERR_OK : failed(q, rc));
    return configure(q, file, mode);
}

err_t store_sqlite_open(const char *file, enum store_sqlite_mode mode, const char *vfs, struct store **out)
{
    *out = NULL;
    struct sqlite *q = calloc(1, sizeof(*q));
    if (q == NULL) {
        return ERR_STORE;
    }
    q->base.ops = &sqlite_ops;
    q->lock = -1;
    err_t e = open_file(q, file, mode, vfs);
    if (e != ERR_OK) {
        sqlite_close(&q->base);
        return e;
    }
    *out = &q->base;
    return ERR_OK;
}

/* -- what only this driver can ------------------------------------------------------------------------------------ */

err_t store_sqlite_checkpoint(struct store *s)
{
    struct sqlite *q = of(s);
    if (s->ops != &sqlite_ops || s->state != STORE_IDLE || q->lock < 0) {
        return ERR_BUG;
    }
    int left = 0;
    int done = 0;
    int rc = sqlite3_wal_checkpoint_v2(q->db, NULL, SQLITE_CHECKPOINT_PASSIVE, &left, &done);
    if (rc != SQLITE_OK) {
        return failed(q, rc);
    }
    q->wal_pages = left > done ? (uint64_t)(left - done) : 0;
    return ERR_OK;
}

uint64_t store_sqlite_wal_pages(const struct store *s)
{
    return s->ops == &sqlite_ops ? ((const struct sqlite *)s)->wal_pages : 0;
}

err_t store_sqlite_check(struct store *s)
{
    if (s->ops != &sqlite_ops || s->state != STORE_IDLE) {
        return ERR_BUG;
    }
    return store_sqlite_file_pragma(of(s)->db, "PRAGMA integrity_check(1)", "ok", ERR_STORE_CORRUPT);
}

err_t store_sqlite_backup(struct store *s, const char *file)
{
    if (s->ops != &sqlite_ops || s->state != STORE_IDLE) {
        return ERR_BUG;
    }
    return store_sqlite_file_backup(of(s)->db, file);
}
