/*
 * Distributed authorization, the side that asks [TS-0003 7.5, 12.4 rule 6], if [cse] distributed-authorization is on: what no policy permits
 * is put to the PDPs (adri) and then the PRPs (apri) of other CSEs that the policies of the resource name, one after the other
 * until one has something to say. The request waits meanwhile, and nobody else. What one said holds for [cse] decision-lifetime.
 */
#ifndef KEYSTEAD_ROLE_CSE_CSE_PEP_H
#define KEYSTEAD_ROLE_CSE_CSE_PEP_H

#include "role/cse/cse_policy.h"

#define CSE_PEP_SUID_DECISION 40002 /* of a question: no Security Usage Identifier, but these */
#define CSE_PEP_SUID_POLICIES 40003

/* ERR_NOT_FOUND: nobody is left to ask. */
MUST_USE err_t cse_pep_need(const struct cse_ask *ask, const struct cse_target *target, uint32_t child_ty, struct question *q);
/* role->answer for both. ERR_DENIED_DAS, ERR_PEER_NONSENSE. */
MUST_USE err_t cse_pep_answer(const struct cse *cse, const struct question *q, const struct answer *a, struct txn *t, usec_t now,
                              struct role_psk *out);
/* Has one of them permitted it lately? */
MUST_USE err_t cse_pep_permitted(const struct cse_ask *ask, const struct cse_target *target, const struct access_query *q, bool *out);

/* The name under which is kept what the i-th point said about it. */
struct cse_pep_about {
    const struct cse_res *res;
    unsigned op;
    uint32_t child_ty;
    size_t i;
    bool decision; /* of a PDP: for the roles claimed and the address of this request alone */
};
MUST_USE err_t cse_pep_key(const struct cse_ask *ask, const struct cse_pep_about *about, struct keyid *out);

/* What a PDP or PRP says, as compiled rules; empty: it is not the one to ask. Hostile: ERR_PEER_NONSENSE. */
MUST_USE err_t cse_pep_response(struct bytes body, bool decision, struct writer *rules);

#endif
