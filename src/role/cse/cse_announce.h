/*
 * Announcing [TS-0001 9.6.26, 10.2.18]: resources of this CSE that others are to find elsewhere. A resource says itself where
 * (`at`) and what of it (`aa`); an AE with an S-type stem is announced to the IN-CSE whatever it says, when it registers at a
 * CSE of the field (10.1.1.2.2 of the seed, R002-31, R002-32), so that the service provider knows where it is.
 *
 * What is to be said follows from the resource and from one record an announcement (cse_annc.h), which is written with the change
 * itself. The engine says what to send next on the lane of each CSE and is told what came of it: one that is away costs the others
 * nothing, and what came in between is not lost. It announces to configured peers, and to the IN-CSE through the registrar.
 */
#ifndef KEYSTEAD_ROLE_CSE_CSE_ANNOUNCE_H
#define KEYSTEAD_ROLE_CSE_CSE_ANNOUNCE_H

#include "role/cse/cse_annc.h"
#include "role/cse/cse_policy.h"

#define CSE_ANNOUNCE_LANES (CSE_PEERS_MAX + 2) /* 0: the registration at the registrar (cse_join.h) */
#define CSE_ANNOUNCE_BASE "annc-" /* resource identifier of the <CSEBaseAnnc> of /mn: annc-mn */

/* CREATE, and UPDATE: what follows from `attrs` is staged, and r->announced set. ERR_CONTENTS names what is wrong with at or aa.
 * Before r is written. */
MUST_USE err_t cse_announce_note(const struct cse_ask *ask, struct cse_res *r, const json_t *attrs,
                                 char detail[static ROLE_DETAIL_MAX]);

/* Role functions: role.h says when they are called. */
MUST_USE err_t cse_announce_errand(const void *ctx, struct txn *t, const struct errand_memory *m, usec_t now, struct errand *out);
MUST_USE err_t cse_announce_returned(const void *ctx, const struct errand *q, const struct errand_answer *a, struct txn *t,
                                     usec_t now, err_t *why);

#endif
