/*
 * The keys of a registration that ended: taken away a batch at a time, each in a transaction with the notices for those who were
 * handed them. The first goes with the end of the registration itself, the rest as errands of the role to itself, durable from then on.
 */
#ifndef KEYSTEAD_ROLE_REG_REG_LEAVE_H
#define KEYSTEAD_ROLE_REG_REG_LEAVE_H

#include "role/reg/reg.h"

#define REG_LEAVE_KEYS_AT_ONCE 48

MUST_USE err_t reg_leave_begin(const struct reg *r, struct txn *t, const char *ri, usec_t now);

/* Of the role, one lane. */
MUST_USE err_t reg_leave_errand(const void *ctx, struct txn *t, const struct errand_memory *m, usec_t now, struct errand *out);
MUST_USE err_t reg_leave_returned(const void *ctx, const struct errand *q, const struct errand_answer *a, struct txn *t, usec_t now, err_t *why);

#endif
