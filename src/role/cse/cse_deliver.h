/*
 * Carrying out what waits in the outbox: which event goes where next, and what follows from the outcome. The shell sends
 * (shell/notifier.h); at-least-once, in order for each target of a subscription.
 */
#ifndef KEYSTEAD_ROLE_CSE_CSE_DELIVER_H
#define KEYSTEAD_ROLE_CSE_CSE_DELIVER_H

#include "role/cse/cse_ctx.h"
#include "role/outbox.h"

/* Where a target is now: verdict and url of *out. */
MUST_USE err_t cse_deliver_address(const struct cse *cse, struct txn *t, struct text target, usec_t now, struct outbox_item *out);
MUST_USE err_t cse_deliver_next(const void *ctx, struct txn *t, struct text after, usec_t now, struct outbox_item *out);
MUST_USE err_t cse_deliver_done(const void *ctx, struct txn *t, const struct outbox_done *d, usec_t now);

#endif
