/*
 * Questions to other authorities, asked in the middle of a handshake: only configured peers, one fetch for any number
 * of handshakes that ask for the same identity, bounded in number in all and per peer, a bad outcome remembered for a
 * second. What comes back goes to the writer, and its verdict to everybody who waits.
 */
#ifndef KEYSTEAD_SHELL_ASK_H
#define KEYSTEAD_SHELL_ASK_H

#include "shell/channel.h"
#include "shell/fetch.h"

/* Called exactly once a waiter unless cancelled: ERR_OK with key and association, or why not. */
struct ask_waiter;
typedef void ask_fn(struct ask_waiter *w, err_t e, const struct secret *key, const struct association *a);
struct ask_waiter {
    ask_fn *fn;
    struct ask_waiter *next, **at; /* at == NULL: not waiting */
    struct ask_entry *entry;
};

struct ask {
    const struct snapshot *snap;
    struct channel *channel;
    struct metrics *metrics;
    struct fetch *fetch;
    struct ask_entry *entries; /* under way, and those remembered */
    size_t waiting;
    err_t away[SNAPSHOT_PEERS_MAX]; /* what came of the last question to each peer, if that was not an answer */
};

MUST_USE err_t ask_start(struct ask *a, uv_loop_t *loop, const struct snapshot *snap, struct channel *channel,
                         struct metrics *metrics);
/* ERR_DENIED_PEER, ERR_LIMIT_BUSY, or the remembered reason; otherwise the waiter waits. */
MUST_USE err_t ask_key(struct ask *a, size_t role, const struct question *q, struct ask_waiter *w, ask_fn *fn);
void ask_cancel(struct ask *a, struct ask_waiter *w);

#endif
