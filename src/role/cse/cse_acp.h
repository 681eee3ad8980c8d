/* accessControlPolicy: its compiled rules beside the resource, and the links to it (accessControlPolicyIDs). Who may
 * change a policy is said by its own selfPrivileges (R002-34). */
#ifndef KEYSTEAD_ROLE_CSE_CSE_ACP_H
#define KEYSTEAD_ROLE_CSE_CSE_ACP_H

#include "role/cse/cse_res.h"

struct cse_acp {
    struct text pi, pnode;
    usec_t et;
    struct bytes pv, pvs; /* compiled: access_rules.h */
};

MUST_USE err_t cse_acp_parse(struct bytes b, struct cse_acp *out);

/* ERR_NOT_FOUND if there is none, it is expired, or it hangs on nothing: then it grants nothing. */
MUST_USE err_t cse_acp_get(const struct cse *cse, struct txn *t, struct text ri, usec_t now, struct cse_acp *out);

/* Compiles pv and pvs of `attrs` and stages them for the resource `r`. */
MUST_USE err_t cse_acp_put(struct txn *t, const struct cse_res *r, const json_t *attrs,
                           char detail[static ROLE_DETAIL_MAX]);

/* accessControlPolicyIDs of `attrs` (or their absence) into the header: each must name a policy of this CSE. */
MUST_USE err_t cse_acp_link(const struct cse *cse, struct txn *t, usec_t now, struct cse_res *r, const json_t *attrs,
                            char detail[static ROLE_DETAIL_MAX]);

#endif
