/*
 * What an AE is asked for somebody who waits for its answer [TS-0001 10.2.10]: a NOTIFY for it that comes here, from another CSE
 * that has something to tell it or from anybody who sends it an ESPrim Object, alone or as the member of a group; and whether it wants
 * the notifications of a subscription. Its content is nobody's business here and goes on untouched, and the AE's answer goes back. The originator needs the right to
 * NOTIFY the <AE>.
 *
 * One to a point of access goes there at once (cse_relay_hop). Everything else waits in the outbox (cse_outbox.h): for the AE to ask at its
 * polling channel, or, of a group, for the notifier. Its queue is named by who sent it and what, so a request that is
 * sent twice is one. The answer waits there for who asked, and is forgotten after a while.
 */
#ifndef KEYSTEAD_ROLE_CSE_CSE_RELAY_H
#define KEYSTEAD_ROLE_CSE_CSE_RELAY_H

#include "role/cse/cse_outbox.h"
#include "role/cse/cse_policy.h"
#include "role/hop.h"

#define CSE_RELAY_PREFIX "r-" /* of a name: no identifier of a subscription begins so */
#define CSE_RELAY_OCTETS 16
struct cse_relay {
    char name[sizeof(CSE_RELAY_PREFIX) + 1 + 2 * CSE_RELAY_OCTETS];
    char request[CSE_OUTBOX_TARGET_MAX], answer[CSE_OUTBOX_TARGET_MAX]; /* targets of the outbox */
};

/* ERR_NOT_FOUND unless the request is such a one and the AE has a point of access that may be called; else what refuses it. */
MUST_USE err_t cse_relay_hop(const struct cse *cse, const struct request *rq, struct txn *t, struct hop *out);

/* For an AE that has none. ROLE_RSC_LATER: it was put into the channel; read-only: its answer, or ERR_TARGET_AWAY as long as
 * there is none. */
MUST_USE err_t cse_relay_request(const struct cse_ask *ask, const struct cse_target *ae, struct response *rs);
/* The same for a member of a group, with or without a point of access, of this CSE or of another one. */
MUST_USE err_t cse_relay_member(const struct cse_ask *ask, struct response *rs);

/* -- what they are made of ------------------------------------------------------------------------------------------- */
/* What is asked of `target` for the request under way: its content, or, if `question` is not empty, what that names. Questions need no
 * right, so they have a room of their own at the target. */
MUST_USE err_t cse_relay_name(const struct cse_ask *ask, struct text question, struct text target, struct cse_relay *out);
/* Puts it into the outbox, unless it is there. {"rqet":END,"fr":FROM,"pc":...} is what is asked, rqet if the
 * request under way has an end: then it waits no longer than that. ERR_TARGET_AWAY: as many wait there as may.
 * ERR_NOTIFY_SHARE: cse_share.h. */
MUST_USE err_t cse_relay_put(const struct cse_ask *ask, const struct cse_relay *r, struct text from, const json_t *pc);
/* {"rsc":2000,"pc":{...}}; ERR_NOT_FOUND: there is no answer. */
MUST_USE err_t cse_relay_answer(struct txn *t, const struct cse_relay *r, json_t **out);
MUST_USE err_t cse_relay_forget(struct txn *t, const struct cse_relay *r);
/* Of the answer to it: what its originator waits for. */
struct role_wait cse_relay_wait(const struct cse_relay *r);
/* Has the AE a polling channel? */
MUST_USE err_t cse_relay_is_open(struct txn *t, const struct cse_res *ae, usec_t now, bool *out);

/* -- the other side ------------------------------------------------------------------------------------------------- */
bool cse_relay_is_one(struct text sub);
/* From then on nobody waits for it any more. */
usec_t cse_relay_end(const struct cse_outbox_event *e);
/* From and content of what is asked. */
MUST_USE err_t cse_relay_open(struct txn *t, const struct cse_outbox_event *e, char from[static M2MID_MAX], struct bytes *pc);
/* The answer of `target` to what it was asked under this name and what has been taken off its queue; `pc` may be NULL. */
MUST_USE err_t cse_relay_answered(struct txn *t, const struct cse_outbox_queue *q, json_int_t rsc, const json_t *pc, usec_t now);

#endif
