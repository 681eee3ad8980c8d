/*
 * Carrying out what waits in the outbox: which event goes where next, and what follows from the outcome. The shell sends
 * (shell/notifier.h); at-least-once, in order for each target of a subscription.
 */
#ifndef KEYSTEAD_ROLE_CSE_CSE_DELIVER_H
#define KEYSTEAD_ROLE_CSE_CSE_DELIVER_H

#include "role/cse/cse_outbox.h"
#include "role/outbox.h"

/* Where a target is now: verdict, to and path of *out. */
MUST_USE err_t cse_deliver_address(const struct cse *cse, struct txn *t, struct text target, usec_t now, struct outbox_item *out);
/* The first point of access of an AE that is a URL on the list; empty: it asks for itself, or has not said where it is. */
MUST_USE err_t cse_deliver_point(const struct cse *cse, struct txn *t, const struct cse_res *ae, struct text *out);

/* What a queue tells next: its oldest event, or several of them as one m2m:agn, in the arena of the transaction; not before `due`.
 * ERR_NOT_FOUND: it has none; then `due` is when its record has no use any more. */
struct cse_deliver_head {
    struct cse_outbox_event event; /* number: that of the last */
    usec_t due;
};
MUST_USE err_t cse_deliver_head(const struct cse *cse, struct txn *t, const struct cse_outbox_queue *q, usec_t now,
                                struct cse_deliver_head *out);

/* Role functions: role.h. */
MUST_USE err_t cse_deliver_next(const void *ctx, struct txn *t, const struct outbox_look *look, struct outbox_item *out);
MUST_USE err_t cse_deliver_done(const void *ctx, struct txn *t, const struct outbox_done *d, usec_t now);

#endif
