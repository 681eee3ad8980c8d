/*
 * What one originator may have the CSE keep for other CSEs (a NOTIFY of a group): addresses there cost him nothing to make up, so no
 * limit of a target holds him.
 */
#ifndef KEYSTEAD_ROLE_CSE_CSE_SHARE_H
#define KEYSTEAD_ROLE_CSE_CSE_SHARE_H

#include "role/cse/cse_policy.h"

#define CSE_SHARE_OCTETS (8U << 20) /* in CSE_SHARE_TIME; as much again may still be there from the time before */
#define CSE_SHARE_TIME (60 * USEC_PER_SEC)

/* Takes so many octets from the share of who asks, and what a record costs beside them. ERR_NOTIFY_SHARE: it is used up. */
MUST_USE err_t cse_share_take(const struct cse_ask *ask, size_t octets);

#endif
