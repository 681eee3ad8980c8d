/*
 * Asking the PIP of another CSE [TS-0003 7.5.4], if [cse] distributed-authorization is on: which of the roles that an originator claims he
 * has, and the token of a Token-ID that is not here. Whom to ask is said by the policies of the resource (airi). A PIP tells what it
 * has itself and asks nobody: so the way is one hop, or two behind a PDP, and each waits for [limits] fetch-time at most.
 */
#ifndef KEYSTEAD_ROLE_CSE_CSE_PIP_H
#define KEYSTEAD_ROLE_CSE_CSE_PIP_H

#include "role/cse/cse_policy.h"

#define CSE_PIP_SUID 40004 /* of a question: no Security Usage Identifier, but this */

/* What a PIP of the policies of `holder` (cse_points.h) is to be asked about the originator; ERR_NOT_FOUND: nothing, or nobody is left. */
struct cse_pip_about {
    const struct cse_res *holder;
    struct primitive_list rids; /* or */
    struct primitive_list tids;
};
MUST_USE err_t cse_pip_need(const struct cse_ask *ask, const struct cse_pip_about *about, struct question *q);
/* The Token-IDs of the request that are not here, at the PIP of the resource it is for. */
MUST_USE err_t cse_pip_need_tokens(const struct cse_ask *ask, struct question *q);
/* role->answer for CSE_PIP_SUID. ERR_DENIED_DAS, ERR_PEER_NONSENSE, ERR_TOKEN_*. */
MUST_USE err_t cse_pip_answer(const struct cse *cse, const struct question *q, const struct answer *a, struct txn *t, usec_t now,
                              struct role_psk *out);

/* Has one of them said lately that the originator, who claims this role, has it? From an issuer that this CSE knows. */
MUST_USE err_t cse_pip_holds(const struct cse_ask *ask, const struct cse_res *holder, struct text role, bool *out);

/* Roles of an answer that are in force, as octets for cse_pip_has; empty: the PIP has nothing to say. Hostile: ERR_PEER_NONSENSE. */
MUST_USE err_t cse_pip_response(const struct cse *cse, const json_t *auif, usec_t now, struct writer *roles);
bool cse_pip_has(struct bytes roles, struct text holder, struct text role, usec_t now);

#endif
