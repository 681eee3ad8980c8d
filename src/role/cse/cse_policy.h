/* Which policies decide (part 12.4) and the decision itself: every access to a resource passes here (R000-48). */
#ifndef KEYSTEAD_ROLE_CSE_CSE_POLICY_H
#define KEYSTEAD_ROLE_CSE_CSE_POLICY_H

#include "role/cse/cse_addr.h"
#include "role/cse/cse_from.h"

struct cse_ask {
    const struct cse *cse;
    const struct request *rq;
    struct txn *t;
    const struct cse_from *from;
};

/* ERR_DENIED_PRIVILEGE (4103) unless permitted. `child_ty` for CREATE, else 0. */
MUST_USE err_t cse_policy_check(const struct cse_ask *ask, const struct cse_target *target, enum op op,
                                uint32_t child_ty);

/* By the policies that `holder` names alone, for a resource of another CSE, whose type is not known. */
MUST_USE err_t cse_policy_by(const struct cse_ask *ask, const struct cse_res *holder, enum op op, uint32_t child_ty);

/* Does this content of an UPDATE lead to other rights: accessControlPolicyIDs, or what names who gives them? It is changed alone,
 * by the right below, and no other authority is asked about it. */
bool cse_policy_is_relink(const json_t *content);

/* The right to change accessControlPolicyIDs: UPDATE by the selfPrivileges of the policies it names now. */
MUST_USE err_t cse_policy_relink_check(const struct cse_ask *ask, const struct cse_target *target);

#endif
