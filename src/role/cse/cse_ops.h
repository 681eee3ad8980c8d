/*
 * The handlers of the route table and what they share: the right result content, the audit event, the answer.
 * Each is receiver checks -> resource -> access decision -> content -> staged changes -> answer.
 */
#ifndef KEYSTEAD_ROLE_CSE_CSE_OPS_H
#define KEYSTEAD_ROLE_CSE_CSE_OPS_H

#include "role/cse/cse_policy.h"

role_handler cse_create;
role_handler cse_retrieve;
role_handler cse_update;
role_handler cse_delete;
role_handler cse_ops_notify;

/* The same for the operator, who is subject to neither From nor policies: `ask` says "operator", and the content stands
 * in its request. `type` is what the address must be. */
MUST_USE err_t cse_create_direct(const struct cse_ask *ask, struct text parent, const struct types_row *type,
                                 char detail[static ROLE_DETAIL_MAX]);
MUST_USE err_t cse_update_direct(const struct cse_ask *ask, struct text to, const struct types_row *type,
                                 char detail[static ROLE_DETAIL_MAX]);
MUST_USE err_t cse_delete_direct(const struct cse_ask *ask, struct text to, const struct types_row *type,
                                 char detail[static ROLE_DETAIL_MAX]);
/* A command that needs no more than that. */
MUST_USE err_t cse_delete_by_operator(const struct cse *cse, struct txn *t, usec_t now, struct text to,
                                      const struct types_row *type, char detail[static ROLE_DETAIL_MAX]);
MUST_USE err_t cse_ops_find(const struct cse_ask *ask, struct text to, const struct types_row *type,
                            struct cse_target *out, char detail[static ROLE_DETAIL_MAX]);

enum { /* Result Content [TS-0004 6.3.4.2.7] */
    CSE_RCN_NOTHING = 0, CSE_RCN_ATTRIBUTES = 1, CSE_RCN_ADDRESS = 2, CSE_RCN_ADDRESS_ATTRIBUTES = 3,
    CSE_RCN_ATTRIBUTES_CHILDREN = 4, CSE_RCN_ATTRIBUTES_CHILD_REFERENCES = 5, CSE_RCN_CHILD_REFERENCES = 6,
    CSE_RCN_CHILDREN = 8, CSE_RCN_MODIFIED = 9, CSE_RCN_DISCOVERY = 11
};

/* The result content asked for, or the default of the operation; ERR_MALFORMED_QUERY, ERR_NOT_IMPLEMENTED. */
MUST_USE err_t cse_ops_rcn(const struct primitive *p, uint32_t *out, char detail[static ROLE_DETAIL_MAX]);

/* Audit event of a change, in the transaction of the change. `object` is a resource identifier or an AE-ID. */
MUST_USE err_t cse_ops_audit(const struct cse_ask *ask, enum audit_kind kind, struct text object);

/* cse_res_render; of a resource that is too large to be answered, the detail names the attribute that takes most of it. */
MUST_USE err_t cse_ops_render(const struct cse_ask *ask, struct cse_res *r, const json_t *attrs, char detail[static ROLE_DETAIL_MAX]);

/* Body by result content. */
MUST_USE err_t cse_ops_answer(const struct cse_ask *ask, const struct cse_res *r, uint32_t rcn, struct response *rs);

#endif
