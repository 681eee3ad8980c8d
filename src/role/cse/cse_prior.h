/*
 * preSubscriptionNotify (psn) [TS-0001 9.6.8]: a new subscription is told of the last events before it was made. Of what has happened
 * here only what it made is left: the contentInstances of a container, each the event of its own creation.
 */
#ifndef KEYSTEAD_ROLE_CSE_CSE_PRIOR_H
#define KEYSTEAD_ROLE_CSE_CSE_PRIOR_H

#include "role/cse/cse_policy.h"

#define CSE_PRIOR_MAX 16 /* events: what they stage must fit a transaction */
#define CSE_PRIOR_OCTETS (64U << 10) /* of their content; older ones are left out, the latest never */

/* The subscription `sub` below `at` is staged. The oldest first. */
MUST_USE err_t cse_prior_tell(const struct cse_ask *ask, const struct cse_res *at, const struct cse_res *sub, uint64_t wanted);

#endif
