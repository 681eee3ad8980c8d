/*
 * The store: (table, id) -> versioned record, in transactions. Nine calls; the drivers (memory,
 * sqlite, cached) fill struct store_ops and pass one conformance suite (tests/unit/store).
 *
 * One writer: begin(write) .. commit/rollback by the process that owns the store; readers use
 * begin(read) .. rollback. Values returned are copies in the arena given. "Acknowledged means
 * durable": when commit returns ERR_OK the changes survive SIGKILL and power loss.
 */
#ifndef KEYSTEAD_STORE_STORE_H
#define KEYSTEAD_STORE_STORE_H

#include "base/arena.h"

/* Every table of every role, a row each (rows.h): adding one is adding a line. */
enum store_table {
#define X(name, number, doc) TABLE_##name = (number),
#include "store/table_rows.h"
#undef X
};

enum store_put { STORE_PUT_ANY, STORE_PUT_IF_ABSENT, STORE_PUT_IF_VERSION };
enum store_order { STORE_ASCENDING, STORE_DESCENDING };

struct store_value {
    struct bytes data;
    uint64_t version; /* 1 on creation, +1 with each put */
};

/* Called for each hit; return false to stop. Views are valid during the call only. */
typedef bool store_scan_fn(void *arg, struct bytes id, struct store_value value);

struct store_scan {
    enum store_table table;
    struct bytes prefix;
    struct bytes after; /* start strictly beyond this id (in scan order); empty: from the start */
    enum store_order order;
    size_t limit; /* 0: no limit */
};

struct store;
struct store_ops {
    void (*close)(struct store *s);
    err_t (*begin)(struct store *s, bool write);
    err_t (*get)(struct store *s, enum store_table t, struct bytes id, struct arena *a, struct store_value *out);
    err_t (*put)(struct store *s, enum store_table t, struct bytes id, struct bytes data, enum store_put mode,
                 uint64_t version);
    err_t (*del)(struct store *s, enum store_table t, struct bytes id);
    err_t (*scan)(struct store *s, const struct store_scan *q, store_scan_fn *fn, void *arg);
    err_t (*commit)(struct store *s);
    void (*rollback)(struct store *s);
    uint64_t (*changes)(struct store *s); /* differs after any commit by any process; cheap */
};

#define STORE_VOLATILE 1000       /* tables from this number on are never on disk: store_volatile.h */
#define STORE_ID_MAX 1024         /* octets of an id: 1..; more is ERR_LIMIT_SIZE */
#define STORE_DATA_MAX (16u << 20) /* octets of a record */

enum store_state { STORE_IDLE, STORE_READING, STORE_WRITING };

/* First member of every driver's own struct, zeroed but for ops. `open` is the driver's: store_memory_open,
 * store_sqlite_open ... The rest is kept by store.c, so that every driver is guarded in the same way. */
struct store {
    const struct store_ops *ops;
    enum store_state state;
    unsigned scanning; /* inside so many scan callbacks: reads are allowed there, changes are ERR_BUG */
    err_t failure;     /* the write transaction is doomed: everything but rollback answers this */
};

bool store_is_volatile(enum store_table t);
void store_close(struct store *s); /* NULL is allowed */
MUST_USE err_t store_begin(struct store *s, bool write);
/* ERR_NOT_FOUND; ERR_LIMIT_CAPACITY if the arena is full. */
MUST_USE err_t store_get(struct store *s, enum store_table t, struct bytes id, struct arena *a,
                         struct store_value *out);
/* ERR_EXISTS (if absent), ERR_STORE_CONFLICT (if version). */
MUST_USE err_t store_put(struct store *s, enum store_table t, struct bytes id, struct bytes data, enum store_put mode,
                         uint64_t version);
MUST_USE err_t store_del(struct store *s, enum store_table t, struct bytes id); /* ERR_NOT_FOUND */
MUST_USE err_t store_scan(struct store *s, const struct store_scan *q, store_scan_fn *fn, void *arg);
MUST_USE err_t store_commit(struct store *s); /* on failure nothing of the transaction is in the store */
void store_rollback(struct store *s);
/* Dooms the open write transaction: its commit rolls back and returns `why`. Without one it does nothing. */
void store_fail(struct store *s, err_t why);
uint64_t store_changes(struct store *s);

#endif
