/* Records that must exist before the first request: the CSEBase. */
#ifndef KEYSTEAD_ROLE_CSE_CSE_SEED_H
#define KEYSTEAD_ROLE_CSE_CSE_SEED_H

#include "role/cse/cse_ctx.h"

MUST_USE err_t cse_seed(const void *ctx, struct txn *t, usec_t now);

#endif
