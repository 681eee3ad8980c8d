/*
 * Results with more than one resource [TS-0004 7.5.2]: lists of addresses and references, resources with those below them.
 * One that is larger than the request, the answer or the work of one request allows, is cut: rs->next says where it goes on.
 */
#ifndef KEYSTEAD_ROLE_CSE_CSE_RESULT_H
#define KEYSTEAD_ROLE_CSE_CSE_RESULT_H

#include "role/cse/cse_ops.h"

#define CSE_RESULT_MAX 2000 /* resources in one answer */

/* `rcn` one of 4, 5, 6, 8, 11. */
MUST_USE err_t cse_result(const struct cse_ask *ask, const struct cse_res *target, uint32_t rcn, struct response *rs);

#endif
