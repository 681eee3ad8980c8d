/*
 * A worker's way to the writer: in the same process (local) or over a socket pair. Every job submitted gets exactly one
 * callback: its result, or NULL if the writer died with it, which means that nobody knows whether it was done.
 */
#ifndef KEYSTEAD_SHELL_CHANNEL_H
#define KEYSTEAD_SHELL_CHANNEL_H

#include "shell/growing.h"
#include "shell/intake.h"

/* The result lives during the call. The view of the store from before is out of date by then. */
typedef void channel_fn(void *owner, const struct job_result *r);

struct channel_slot;
struct channel {
    struct intake *local; /* or NULL */
    uv_pipe_t *pipe;      /* NULL while there is no writer */
    struct channel_slot *slots;
    size_t slots_n;
    uint32_t free; /* index of the first free slot, or UINT32_MAX */
    size_t pending;
    struct growing out; /* frames not yet given to the pipe */
    struct growing in;
    uint64_t arrivals; /* reads of the pipe */
};

void channel_init(struct channel *c, struct intake *local);
/* A (new) writer's end. Jobs that went to the one before are lost by now. */
void channel_connect(struct channel *c, uv_pipe_t *pipe);
/* j->id is set here; what *j borrows must live until the callback. ERR_LIMIT_BUSY. */
MUST_USE err_t channel_submit(struct channel *c, struct job *j, channel_fn *fn, void *owner);
/* Changes with each batch of results: between two calls that give the same number the writer told of no commit. */
uint64_t channel_arrivals(const struct channel *c);
/* Sends what was submitted; once a loop turn. */
void channel_flush(struct channel *c);

#endif
