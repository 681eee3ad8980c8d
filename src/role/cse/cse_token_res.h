/*
 * <token> resources [TS-0001 9.6.39, TS-0004 7.4.41]: the CSE as Token Repository [TS-0003 7.4.1]. What is kept is the token as its
 * issuer signed it; it is found by originator and Token-ID, and verified each time, so that a Token-ID ends with its resource.
 */
#ifndef KEYSTEAD_ROLE_CSE_CSE_TOKEN_RES_H
#define KEYSTEAD_ROLE_CSE_CSE_TOKEN_RES_H

#include "role/cse/cse_token.h"
#include "wire/emit.h"

/* What no policy is asked about: an issuer makes tokens, and a holder looks at his own. */
MUST_USE err_t cse_token_res_permits(const struct cse_ask *ask, const struct cse_res *target, enum op op, uint32_t child_ty, bool *out);

/* A new one: a token that would count here or at another CSE, now or later, and attributes that say what it says; issuer, holder and times are filled in, and the
 * resource ends with the token. ERR_TOKEN_*, ERR_CONTENTS, ERR_EXISTS, ERR_DENIED_PRIVILEGE. */
MUST_USE err_t cse_token_res_accept(const struct cse_ask *ask, struct cse_res *r, json_t *attrs, char detail[static ROLE_DETAIL_MAX]);
/* Stages that it is found, also after an UPDATE of its expirationTime, which is no later than the token's. */
MUST_USE err_t cse_token_res_put(const struct cse_ask *ask, struct cse_res *r, const json_t *attrs);
/* Stages that it is found no more. Nothing for a resource of another type. */
MUST_USE err_t cse_token_res_gone(const struct cse_ask *ask, const struct cse_res *r);

/* The token of the originator with this Local-Token-ID; ERR_NOT_FOUND, ERR_TOKEN_* if it counts no more. */
MUST_USE err_t cse_token_res_find(const struct cse_ask *ask, struct text local, struct cse_token *out);
/* Items of an array: the tokens that the originator has of those wanted (Token-IDs), or all. */
MUST_USE err_t cse_token_res_emit(const struct cse_ask *ask, const struct primitive_list *wanted, struct emit *e, size_t *found);

#endif
