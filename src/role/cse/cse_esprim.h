/*
 * The CSE as receiver of ESPrim [TS-0003 8.4, TS-0004 7.6.2]: a NOTIFY to its CSEBase with securityInfo. The inner request is
 * dispatched like any other, as the originator that the key stands for, and its answer goes back under the same key.
 */
#ifndef KEYSTEAD_ROLE_CSE_CSE_ESPRIM_H
#define KEYSTEAD_ROLE_CSE_CSE_ESPRIM_H

#include "role/cse/cse_key.h"
#include "role/cse/cse_policy.h"

/* Is it one that this CSE takes itself? The target is the CSEBase. */
bool cse_esprim_is_it(const struct request *rq);
MUST_USE err_t cse_esprim_notify(const struct cse_ask *ask, struct response *rs);

/* role->need: a key that this CSE does not hold is asked for at the MAF that its identifier names. */
MUST_USE err_t cse_esprim_need(const void *ctx, const struct request *rq, struct txn *t, struct question *q);

#endif
