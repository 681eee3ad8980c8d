/*
 * <pollingChannel> and its pollingChannelURI (pcu) [TS-0001 9.6.21, 10.2.5.13; TS-0004 7.4.21, 7.4.22]: an AE that cannot be reached
 * asks for what waits for it. RETRIEVE gives the oldest notification as a request, or ERR_POLL_EMPTY, at which the shell lets the
 * request wait; NOTIFY brings the AE's response, and only that takes it off the queue: what was not answered is given again
 * under the same request identifier. Only the AE whose child the channel is may use it, whatever policies say.
 */
#ifndef KEYSTEAD_ROLE_CSE_CSE_POLL_H
#define KEYSTEAD_ROLE_CSE_CSE_POLL_H

#include "role/cse/cse_policy.h"

MUST_USE err_t cse_poll_accept(const struct cse_ask *ask, const struct cse_res *parent, char detail[static ROLE_DETAIL_MAX]);
bool cse_poll_is_one(struct text to);
role_handler cse_poll_request;

#endif
