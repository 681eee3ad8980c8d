/*
 * Distributed authorization, the side that answers [TS-0003 7.5, TS-0004 7.4.43 to 7.4.45]: an UPDATE of <authorizationDecision> (PDP),
 * <authorizationPolicy> (PRP) or <authorizationInformation> (PIP) is a question, and its response the answer; nothing of it is kept. Who
 * may ask is said by the policies of the resource.
 */
#ifndef KEYSTEAD_ROLE_CSE_CSE_DECIDE_H
#define KEYSTEAD_ROLE_CSE_CSE_DECIDE_H

#include "role/cse/cse_policy.h"

enum cse_decide_status { CSE_DECIDE_OK = 1, CSE_DECIDE_NOT_APPLICABLE = 2, CSE_DECIDE_SYNTAX = 4, CSE_DECIDE_ERROR = 5 };
enum { CSE_DECIDE_PERMIT = 1, CSE_DECIDE_DENY = 2, CSE_DECIDE_PERMIT_OVERRIDES = 1 };

/* Does this content of an UPDATE put a question? Else it changes labels, policies or the end of the resource, as of any other. */
bool cse_decide_is_question(const struct types_row *type, const json_t *content);
/* The answer into *rs. ERR_MISSING, ERR_NOT_PERMITTED, ERR_ATTRIBUTE_TYPE: no question of TS-0003 tables 7.5.2-1 to 7.5.4-1. */
MUST_USE err_t cse_decide_answer(const struct cse_ask *ask, const struct cse_res *r, const json_t *content, struct response *rs);

/* role->need: what such a question is to be answered by, of a PIP elsewhere: cse_pip.h; ERR_NOT_FOUND: nothing. */
MUST_USE err_t cse_decide_need(const struct cse_ask *ask, struct question *q);

#endif
