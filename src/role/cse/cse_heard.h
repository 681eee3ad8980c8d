/* What MAFs and MEFs withdraw of the keys that this CSE fetched from them (role/heard.h). */
#ifndef KEYSTEAD_ROLE_CSE_CSE_HEARD_H
#define KEYSTEAD_ROLE_CSE_CSE_HEARD_H

#include "role/cse/cse_ctx.h"

err_t cse_heard_alive(const void *ctx, struct txn *t, const struct association *a);
err_t cse_heard_watch(const void *ctx, struct txn *t, size_t i, struct question *out);
err_t cse_heard_take(const void *ctx, const struct question *q, const struct answer *a, struct txn *t, usec_t now, bool *more);
/* This MEF gave a key: from now on it is asked what it withdraws. */
MUST_USE err_t cse_heard_from(struct txn *t, struct text mef);

#endif
