/*
 * A NOTIFY for an AE that is registered here [TS-0001 10.2.10, retargeting]: from another CSE that has something to tell it, or from
 * anybody who sends it an ESPrim Object. Its content is nobody's business here and goes on untouched, to the point of access of
 * the AE, or into its polling channel; the AE's answer goes back. The originator needs the right to NOTIFY the <AE>.
 *
 * In a polling channel a request waits in the outbox (cse_outbox.h): its queue is named by who sent it and what, so a request
 * that is sent twice is one. The answer waits there for who asked, and is forgotten after a while.
 */
#ifndef KEYSTEAD_ROLE_CSE_CSE_RELAY_H
#define KEYSTEAD_ROLE_CSE_CSE_RELAY_H

#include "role/cse/cse_outbox.h"
#include "role/cse/cse_policy.h"
#include "role/hop.h"

/* ERR_NOT_FOUND unless the request is such a one and the AE has a point of access that may be called; else what refuses it. */
MUST_USE err_t cse_relay_hop(const struct cse *cse, const struct request *rq, struct txn *t, struct hop *out);

/* For an AE that has none. ROLE_RSC_LATER: it was put into the channel; read-only: its answer, or ERR_TARGET_AWAY as long as
 * there is none. */
MUST_USE err_t cse_relay_request(const struct cse_ask *ask, const struct cse_target *ae, struct response *rs);

/* Of the AE `ri` to what it was given as SUB.NUMBER and has been taken off its queue. */
#define CSE_RELAY_PREFIX "r-" /* of SUB: no identifier of a subscription begins so */
bool cse_relay_is_one(struct text sub);
MUST_USE err_t cse_relay_answered(const struct cse_ask *ask, struct text ri, struct text sub, const json_t *rsp);

/* From then on nobody waits for it any more. */
usec_t cse_relay_end(const struct cse_outbox_event *e);

#endif
