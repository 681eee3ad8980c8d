/*
 * Verification of the targets of a subscription [TS-0004 7.4.8.2.1]: whoever is named in nu and is not the originator is asked
 * first. The request is run without keeping anything, so that nobody is asked for the sake of a request that is refused anyway.
 */
#ifndef KEYSTEAD_ROLE_CSE_CSE_VERIFY_H
#define KEYSTEAD_ROLE_CSE_CSE_VERIFY_H

#include "role/cse/cse_policy.h"
#include "role/outbox.h"

MUST_USE err_t cse_verify(const void *ctx, const struct request *rq, struct txn *t, struct outbox_verify *out);

/* Would it make somebody get notifications? */
bool cse_verify_is_asked(const struct primitive *p);

/* Runs the handler of a CREATE or UPDATE when those have agreed who can be asked through their polling channel alone
 * (cse_relay.h). Before: ROLE_RSC_LATER; read-only, ERR_TARGET_UNVERIFIED until ROLE_RSC_NOW. */
MUST_USE err_t cse_verify_run(const struct cse_ask *ask, role_handler *handler, struct response *rs);

#endif
