/*
 * What a handler sees of the store: reads through to the committed state (plus what the batch has
 * staged before), and stages its own changes. If the handler returns ERR_OK the shell applies
 * them with its audit events in the batch's transaction; if not, they are dropped and only a
 * refusal's audit event stays. Handlers never see a driver.
 */
#ifndef KEYSTEAD_STORE_TXN_H
#define KEYSTEAD_STORE_TXN_H

#include "store/audit.h"
#include "store/store.h"

#define TXN_STAGED_MAX 320
#define TXN_AUDIT_MAX 64

struct txn_change {
    enum store_table table;
    struct bytes id;
    struct bytes data;
    enum store_put mode;
    uint64_t version;
    bool is_delete;
};

struct txn {
    struct store *store; /* borrowed; a transaction is open on it */
    struct arena *arena; /* borrowed; values, ids and staged data live here until the request ends */
    bool writable;       /* staging on a read-only view is ERR_BUG */
    bool keep;     /* set by a handler that refuses: what it staged lasts all the same (a nonce that was used is used up) */
    bool quiet; /* set by a handler that refuses: there were events enough of this refusal, and it is none */
    struct text partition; /* borrowed; "": the records of the default instance */
    uint64_t read;         /* octets of records that were read, by get and scan: what bounds the work of one request goes by it */
    struct txn_change staged[TXN_STAGED_MAX];
    size_t staged_n;
    struct audit_event *audit[TXN_AUDIT_MAX]; /* in the arena */
    size_t audit_n;
};

void txn_init(struct txn *t, struct store *s, struct arena *a, bool writable);
/* Everything that follows, audit events too, is of this partition and sees no other; nothing may be staged yet. */
void txn_enter(struct txn *t, struct text partition);
/* Own staged changes are seen by get. */
MUST_USE err_t txn_get(struct txn *t, enum store_table table, struct text id, struct store_value *out);
MUST_USE err_t txn_put(struct txn *t, enum store_table table, struct text id, struct bytes data, enum store_put mode,
                       uint64_t version);
MUST_USE err_t txn_del(struct txn *t, enum store_table table, struct text id);
/* Has this transaction changed the record already? */
bool txn_is_staged(const struct txn *t, enum store_table table, struct text id);
/* Is there anything staged that has to be on disk before an answer may leave? */
bool txn_is_durable(const struct txn *t);
/* Own staged changes are NOT seen by scan (they are by get). */
MUST_USE err_t txn_scan(struct txn *t, const struct store_scan *q, store_scan_fn *fn, void *arg);
MUST_USE err_t txn_audit(struct txn *t, const struct audit_event *e);
/* Copies the staged changes into the open write transaction of the store; the shell calls it. */
MUST_USE err_t txn_apply(struct txn *t);

#endif
