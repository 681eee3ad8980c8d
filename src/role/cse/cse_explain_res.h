/* ctl explain of resources that have states of their own: registered CSEs, groups, nodes, contracts and subscribed nodes. */
#ifndef KEYSTEAD_ROLE_CSE_CSE_EXPLAIN_RES_H
#define KEYSTEAD_ROLE_CSE_CSE_EXPLAIN_RES_H

#include "role/cse/cse_ctx.h"
#include "role/explain.h"

/* By CSE-ID, resource identifier, address, or name below the CSEBase. Also what is over and not yet swept away. */
MUST_USE err_t cse_explain_res(const struct cse *cse, struct txn *t, struct explain *x);

#endif
