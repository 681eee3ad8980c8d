/*
 * Roles [TS-0003 7.4, TS-0001 9.6.38]: a <role> below the registration of its holder or the CSEBase, made by somebody whom the operator named in
 * [cse] role-issuers. A Role-ID of a rule stands for an originator that says in the request that he acts in this role, and holds it.
 */
#ifndef KEYSTEAD_ROLE_CSE_CSE_ROLE_H
#define KEYSTEAD_ROLE_CSE_CSE_ROLE_H

#include "role/cse/cse_policy.h"
#include "wire/emit.h"

/* May this originator make roles, and take back those he made? No policy is asked about that. */
bool cse_role_permits(const struct cse_ask *ask, const struct cse_res *target, uint32_t child_ty);

/* Issuer, holder and times of a new one; ERR_DENIED_PRIVILEGE for who issues none, ERR_CONTENTS. */
MUST_USE err_t cse_role_accept(const struct cse_ask *ask, const struct cse_res *parent, const json_t *attrs,
                               char detail[static ROLE_DETAIL_MAX]);

/* Stages that one below the CSEBase is found by its holder, and that it is found no more. Nothing for any other resource. */
MUST_USE err_t cse_role_put(const struct cse_ask *ask, const struct cse_res *parent, const struct cse_res *r, const json_t *attrs);
MUST_USE err_t cse_role_gone(const struct cse_ask *ask, const struct cse_res *r);

/* One whose roles count here: the operator's word. */
bool cse_role_is_issuer(const struct cse *cse, struct text absolute);
/* notBefore and notAfter: both there, the first first. */
bool cse_role_times(const json_t *attrs, usec_t *from, usec_t *to);

/* Does the originator act in this role, and has a valid one? */
MUST_USE err_t cse_role_holds(const struct cse_ask *ask, struct text role, bool *out);
/* Items of an array: the valid roles that he has of those wanted, or all. */
MUST_USE err_t cse_role_emit(const struct cse_ask *ask, const struct primitive_list *wanted, struct emit *e, size_t *found);

#endif
