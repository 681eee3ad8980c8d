/*
 * Verification of the targets of a subscription [TS-0004 7.4.8.2.1]: whoever is named in nu and is not the originator is asked
 * first. The request is run without keeping anything, so that nobody is asked for the sake of a request that is refused anyway.
 */
#ifndef KEYSTEAD_ROLE_CSE_CSE_VERIFY_H
#define KEYSTEAD_ROLE_CSE_CSE_VERIFY_H

#include "role/outbox.h"
#include "role/role.h"

MUST_USE err_t cse_verify(const void *ctx, const struct request *rq, struct txn *t, struct outbox_verify *out);

#endif
