/*
 * Collecting what a deleted resource left: its descendants are unreachable from the moment it is deleted (cse_res.h),
 * so a DELETE of any subtree is a handful of changes, and their records go a few at a time with later requests.
 */
#ifndef KEYSTEAD_ROLE_CSE_CSE_SWEEP_H
#define KEYSTEAD_ROLE_CSE_CSE_SWEEP_H

#include "role/cse/cse_res.h"

#define CSE_SWEEP_BUDGET 16 /* records a request collects */

/* The children of this node are garbage. */
MUST_USE err_t cse_sweep_add(struct txn *t, struct text node);
/* Collects at most the budget. */
MUST_USE err_t cse_sweep_run(struct txn *t);

#endif
