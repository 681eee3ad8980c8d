/*
 * The HTTPS client on the loop: GET from a configured peer, mutual TLS, one libcurl multi handle with its own
 * connection cache a peer, so that no request ever runs on a session of another credential.
 */
#ifndef KEYSTEAD_SHELL_FETCH_H
#define KEYSTEAD_SHELL_FETCH_H

#include "shell/snapshot.h"

#include <uv.h>

#define FETCH_BODY_MAX 65536
#define FETCH_HEAD_MAX 16384

struct fetch;
MUST_USE err_t fetch_new(uv_loop_t *loop, const struct snapshot *snap, struct fetch **out);
/* Ends what is under way without callbacks; the memory goes in the loop's next turn, when its handles are closed. */
void fetch_free(struct fetch *f);

typedef void fetch_fn(void *owner, const struct answer *a); /* the answer lives during the call */
/* `q->peer` must be configured (ERR_DENIED_PEER). Asked in the name of this instance: with its certificate, if it has one of
 * its own. Done within limits.fetch_time, exactly once. */
MUST_USE err_t fetch_get(struct fetch *f, const struct snapshot_role *as, const struct question *q, fetch_fn *fn, void *owner);

#endif
