#include "store/store_sqlite_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define MODE 0600
#define MARK "keystead store\n"

static void fd_close(int *fd)
{
    if (*fd >= 0) {
        (void)close(*fd);
    }
}

static err_t err_of_errno(int e)
{
    return e == ENOSPC || e == EDQUOT ? ERR_STORE_FULL : ERR_STORE;
}

err_t store_sqlite_file_err(sqlite3 *db, int rc)
{
    static const struct {
        int rc;
        err_t err;
    } rows[] = {
        {SQLITE_FULL, ERR_STORE_FULL},      {SQLITE_BUSY, ERR_STORE_LOCKED},     {SQLITE_LOCKED, ERR_STORE_LOCKED},
        {SQLITE_PROTOCOL, ERR_STORE_LOCKED}, {SQLITE_CORRUPT, ERR_STORE_CORRUPT}, {SQLITE_NOTADB, ERR_STORE_CORRUPT},
        {SQLITE_TOOBIG, ERR_LIMIT_SIZE},    {SQLITE_MISUSE, ERR_BUG},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if ((rc & 0xFF) == rows[i].rc) {
            return rows[i].err;
        }
    }
    /* A full disk met while SQLite grows its shared memory or a journal comes as an I/O error. */
    if ((rc & 0xFF) == SQLITE_IOERR && db != NULL) {
        return err_of_errno(sqlite3_system_errno(db));
    }
    return ERR_STORE;
}

static err_t name_of(const char *file, const char *suffix, char out[PATH_MAX])
{
    int n = snprintf(out, PATH_MAX, "%s%s", file, suffix);
    return n > 0 && n < PATH_MAX ? ERR_OK : ERR_LIMIT_SIZE;
}

/* A new name in a directory is durable only when the directory is. */
static err_t sync_directory_of(const char *file)
{
    char dir[PATH_MAX];
    TRY(name_of(file, "", dir));
    char *slash = strrchr(dir, '/');
    if (slash == NULL) {
        TRY(name_of(".", "", dir));
    } else {
        slash[slash == dir ? 1 : 0] = '\0';
    }
    SCOPED(fd_close) int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd >= 0 && fsync(fd) == 0 ? ERR_OK : err_of_errno(errno);
}

/*
 * O_EXCL and no descriptor on a file that exists: closing one would drop the POSIX locks that another connection of
 * this process holds on it.
 */
static err_t create(const char *file)
{
    SCOPED(fd_close) int fd = open(file, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, MODE);
    if (fd < 0) {
        return errno == EEXIST ? ERR_EXISTS : err_of_errno(errno);
    }
    return sync_directory_of(file);
}

static bool is_marked(int lock)
{
    struct stat st;
    return fstat(lock, &st) == 0 && st.st_size > 0;
}

/* A log or journal that SQLite will work off before anybody reads: until then the file may end anywhere. */
static bool has_with(const char *file, const char *suffix)
{
    char name[PATH_MAX];
    struct stat st;
    return name_of(file, suffix, name) == ERR_OK && stat(name, &st) == 0 && st.st_size > 0;
}

/*
 * What SQLite would take without a word: an empty file or one of a single octet as a new database, and a last page
 * that is cut off as one that ends in zeros.
 */
static err_t check_size(const char *file, int lock)
{
    struct stat st;
    if (stat(file, &st) != 0 || !S_ISREG(st.st_mode)) {
        return ERR_STORE;
    }
    if (st.st_size == 0) {
        return is_marked(lock) ? ERR_STORE_CORRUPT : ERR_OK;
    }
    bool settled = !has_with(file, "-wal") && !has_with(file, "-journal");
    return st.st_size == 1 || (settled && st.st_size % STORE_SQLITE_FILE_PAGE != 0) ? ERR_STORE_CORRUPT : ERR_OK;
}

static err_t create_or_check(const char *file, int lock)
{
    if (is_marked(lock) && access(file, F_OK) != 0) {
        return ERR_STORE_CORRUPT; /* there was a store: a new one in its place would hide the loss */
    }
    err_t e = create(file);
    return e == ERR_EXISTS ? check_size(file, lock) : e;
}

err_t store_sqlite_file_lock(const char *file, int *lock)
{
    char name[PATH_MAX];
    TRY(name_of(file, ".lock", name));
    *lock = open(name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, MODE);
    if (*lock < 0) {
        return err_of_errno(errno);
    }
    if (flock(*lock, LOCK_EX | LOCK_NB) != 0) {
        return errno == EWOULDBLOCK ? ERR_STORE_LOCKED : ERR_STORE;
    }
    return create_or_check(file, *lock);
}

err_t store_sqlite_file_mark(const char *file, int lock)
{
    if (is_marked(lock)) {
        return ERR_OK;
    }
    if (write(lock, MARK, strlen(MARK)) != (ssize_t)strlen(MARK) || fsync(lock) != 0) {
        return err_of_errno(errno);
    }
    return sync_directory_of(file);
}

void store_sqlite_file_unlock(int lock)
{
    fd_close(&lock);
}

err_t store_sqlite_file_pragma(sqlite3 *db, const char *sql, const char *want, err_t otherwise)
{
    sqlite3_stmt *st = NULL;
    int rc = sqlite3_prepare_v2(db, sql, -1, &st, NULL);
    if (rc == SQLITE_OK) {
        rc = sqlite3_step(st);
    }
    err_t e = store_sqlite_file_err(db, rc);
    if (rc == SQLITE_ROW) {
        const char *text = (const char *)sqlite3_column_text(st, 0);
        e = text != NULL && strcmp(text, want) == 0 ? ERR_OK : otherwise;
    }
    (void)sqlite3_finalize(st);
    return e;
}

static err_t copy_into(sqlite3 *db, const char *file)
{
    sqlite3 *to = NULL;
    int rc = sqlite3_open_v2(file, &to, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
    if (rc == SQLITE_OK) {
        sqlite3_backup *b = sqlite3_backup_init(to, "main", db, "main");
        rc = b == NULL ? sqlite3_errcode(to) : sqlite3_backup_step(b, -1);
        int finished = sqlite3_backup_finish(b);
        rc = rc == SQLITE_DONE ? finished : rc;
    }
    err_t e = rc == SQLITE_OK ? ERR_OK : store_sqlite_file_err(to, rc);
    int closed = sqlite3_close(to);
    return e == ERR_OK && closed != SQLITE_OK ? ERR_STORE : e;
}

static void remove_with(const char *file, const char *suffix)
{
    char name[PATH_MAX];
    if (name_of(file, suffix, name) == ERR_OK) {
        (void)unlink(name);
    }
}

err_t store_sqlite_file_backup(sqlite3 *db, const char *file)
{
    TRY(create(file));
    err_t e = copy_into(db, file);
    if (e != ERR_OK) {
        remove_with(file, "");
        remove_with(file, "-journal");
        remove_with(file, "-wal");
        remove_with(file, "-shm");
    }
    return e;
}
