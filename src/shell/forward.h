/* Sends a request on to the next CSE (role.hop); the connection waits meanwhile, and nobody else. */
#ifndef KEYSTEAD_SHELL_FORWARD_H
#define KEYSTEAD_SHELL_FORWARD_H

#include "role/hop.h"
#include "shell/conn.h"

/* Called once, never from within forward_send: the answer, or why there is none. It lives during the call. */
typedef void forward_fn(struct conn *c, err_t e, struct primitive_response *r);

/* Waits no longer than the Request Expiration Timestamp of `p` and limits.fetch_time. ERR_LIMIT_BUSY, ERR_MALFORMED. */
MUST_USE err_t forward_send(struct conn *c, const struct primitive *p, const struct hop *to, usec_t now, forward_fn *fn);

#endif
