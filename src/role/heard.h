/*
 * The other end of withdraw.h: a role that holds keys of an authority asks it, again and again, what it has withdrawn, and
 * keeps in the store how far it has read. What it hears and cannot find it keeps as a tombstone, so that an answer that is
 * still under way cannot bring the key back.
 */
#ifndef KEYSTEAD_ROLE_HEARD_H
#define KEYSTEAD_ROLE_HEARD_H

#include "role/expire.h"

/* A key of this identifier (folded) has a new state. Stages at most one audit event and a dozen changes. */
typedef err_t heard_fn(const void *ctx, struct txn *t, const struct keyid *id, struct text state, usec_t now);

#define HEARD_TOMBSTONE_LIFE (INT64_C(86400) * USEC_PER_SEC) /* an answer that is under way is here long before */
#define HEARD_TOMBSTONES_MAX 10000 /* of one authority in a day */
/* Each new one takes some away that are over. Room for one more tombstone of the authority that this key names? Without, the key is passed over, and once a day the audit
 * chain says so: a hostile authority fills no store, and only its own keys are less well guarded. */
struct heard_kept {
    const char *role;
    enum store_table table;
    expire_fn *is_over;
};
MUST_USE err_t heard_room(const struct heard_kept *k, struct txn *t, const struct keyid *id, usec_t now, bool *out);

struct heard {
    const char *role;
    const void *ctx;
    heard_fn *apply;
};

/* The next question to this authority, in the name of `origin`. */
MUST_USE err_t heard_question(const struct heard *h, struct txn *t, struct text peer, struct text origin,
                              struct question *out);
/* Stages what the next lines of the answer say; *more: the same answer has others, for another transaction.
 * ERR_PEER_NONSENSE, ERR_DENIED_FETCH (it does not tell). */
MUST_USE err_t heard_take(const struct heard *h, const struct question *q, const struct answer *a, struct txn *t,
                          usec_t now, bool *more);

#endif
