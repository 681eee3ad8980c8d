/*
 * Carrying out what waits in the outbox: which event goes where next, and what follows from the outcome. The shell sends
 * (shell/notifier.h); at-least-once, in order for each target of a subscription.
 */
#ifndef KEYSTEAD_ROLE_CSE_CSE_DELIVER_H
#define KEYSTEAD_ROLE_CSE_CSE_DELIVER_H

#include "role/cse/cse_res.h"
#include "role/outbox.h"

/* Where a target is now: verdict, to and path of *out. */
MUST_USE err_t cse_deliver_address(const struct cse *cse, struct txn *t, struct text target, usec_t now, struct outbox_item *out);
/* The first point of access of an AE that is a URL on the list; empty: it asks for itself, or has not said where it is. */
MUST_USE err_t cse_deliver_point(const struct cse *cse, struct txn *t, const struct cse_res *ae, struct text *out);
MUST_USE err_t cse_deliver_next(const void *ctx, struct txn *t, struct text after, usec_t now, struct outbox_item *out);
MUST_USE err_t cse_deliver_done(const void *ctx, struct txn *t, const struct outbox_done *d, usec_t now);

#endif
