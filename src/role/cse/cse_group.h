/*
 * Groups [TS-0004 7.4.13, 7.4.14]: which members one may have, and requests to its fanOutPoint (fopt), which go to each member and come
 * back as one aggregated response. A NOTIFY waits for the AEs among them, which answer when they like (cse_relay.h). For other
 * operations a member on another CSE is answered with 5103 until they are retargeted.
 */
#ifndef KEYSTEAD_ROLE_CSE_CSE_GROUP_H
#define KEYSTEAD_ROLE_CSE_CSE_GROUP_H

#include "role/cse/cse_ops.h"

/* memberIDs, memberType and maxNrOfMembers of `attrs` against each other; sets cnm, mtv and what consistencyStrategy makes
 * of members of a wrong type. ERR_GROUP_TYPE, ERR_GROUP_FULL, ERR_GROUP_CIRCLE, ERR_CONTENTS. */
MUST_USE err_t cse_group_accept(const struct cse_ask *ask, const struct cse_res *r, json_t *attrs,
                                char detail[static ROLE_DETAIL_MAX]);

/* Splits "GROUP/fopt/rest" at its first fopt; false if there is none. `rest` begins with a slash or is empty. */
bool cse_group_split(struct text to, struct text *group, struct text *rest);

/* The handler of every request: of the operation, or, for a fanOutPoint, of the operation at each member. */
role_handler cse_fanout_request;

#endif
