/*
 * The SQLite driver: WAL, synchronous=FULL. One writer connection (holds an flock beside the file so that a
 * second writer gets ERR_STORE_LOCKED at once) and any number of read-only connections.
 */
#ifndef KEYSTEAD_STORE_STORE_SQLITE_H
#define KEYSTEAD_STORE_STORE_SQLITE_H
#include "store/store.h"
enum store_sqlite_mode { STORE_SQLITE_WRITER, STORE_SQLITE_READER };
/* vfs: name of a registered VFS for tests, or NULL. A file of another application or format: ERR_STORE_CORRUPT. */
MUST_USE err_t store_sqlite_open(const char *file, enum store_sqlite_mode mode, const char *vfs, struct store **out);
/* WAL checkpoint between batches; the writer calls it when idle or the WAL is long. */
MUST_USE err_t store_sqlite_checkpoint(struct store *s);
/* Pages in the write-ahead log after the last commit: what tells the writer that a checkpoint is due. */
uint64_t store_sqlite_wal_pages(const struct store *s);
/* Walks every page of the store: ERR_STORE_CORRUPT. Takes about a second a gigabyte; for ctl and after a restore. */
MUST_USE err_t store_sqlite_check(struct store *s);
/* Online backup to a new file of mode 0600 (ctl backup); ERR_EXISTS. Outside of transactions. */
MUST_USE err_t store_sqlite_backup(struct store *s, const char *file);
#endif
