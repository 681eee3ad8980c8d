/* The files around the SQLite driver: creation, the writer's lock, backup, errors. Used by store_sqlite.c alone. */
#ifndef KEYSTEAD_STORE_STORE_SQLITE_FILE_H
#define KEYSTEAD_STORE_STORE_SQLITE_FILE_H
#include "store/store.h"

#define STORE_SQLITE_FILE_PAGE 4096 /* octets of a database page */

struct sqlite3;

/* `rc` of a call on db (which may be NULL) as one of ours. */
err_t store_sqlite_file_err(struct sqlite3 *db, int rc);

/*
 * Takes the flock on FILE.lock and makes FILE (mode 0600) if there is none. A FILE that is empty or gone although
 * a store was there once, or that does not end with a page, is ERR_STORE_CORRUPT.
 */
MUST_USE err_t store_sqlite_file_lock(const char *file, int *lock);
/* Remembers in FILE.lock that FILE holds a store. */
MUST_USE err_t store_sqlite_file_mark(const char *file, int lock);
void store_sqlite_file_unlock(int lock); /* -1 is allowed */

/* Runs a pragma whose first row must be `want`; another answer is `otherwise`. */
MUST_USE err_t store_sqlite_file_pragma(struct sqlite3 *db, const char *sql, const char *want, err_t otherwise);
MUST_USE err_t store_sqlite_file_backup(struct sqlite3 *db, const char *file);

#endif
