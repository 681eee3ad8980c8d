/*
 * Questions of a role to a configured peer: GET, or NOTIFY of a body, answered later (outbound.h says how).
 */
#ifndef KEYSTEAD_SHELL_FETCH_H
#define KEYSTEAD_SHELL_FETCH_H

#include "shell/snapshot.h"

#include <uv.h>

#define FETCH_BODY_MAX 65536

struct fetch;
MUST_USE err_t fetch_new(uv_loop_t *loop, const struct snapshot *snap, struct fetch **out);
/* Ends what is under way without callbacks; the memory goes in the loop's next turn, when its handles are closed. */
void fetch_free(struct fetch *f);

typedef void fetch_fn(void *owner, const struct answer *a); /* the answer lives during the call */
/* `q->peer` must be configured (ERR_DENIED_PEER). Asked in the name of this instance: with its certificate, if it has one of
 * its own. Done within limits.fetch_time, exactly once. */
MUST_USE err_t fetch_get(struct fetch *f, const struct snapshot_role *as, const struct question *q, fetch_fn *fn, void *owner);

#endif
