#ifndef KEYSTEAD_ROLE_CSE_CSE_EXPLAIN_H
#define KEYSTEAD_ROLE_CSE_CSE_EXPLAIN_H

#include "role/cse/cse_ctx.h"
#include "role/explain.h"

/* What it associates with alone, of a role that keeps no resource. */
MUST_USE err_t cse_explain_keys(const void *ctx, struct txn *t, struct explain *x);
MUST_USE err_t cse_explain(const void *ctx, struct txn *t, struct explain *x);

#endif
