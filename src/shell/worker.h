/*
 * What one worker process (or the worker half of a single process) holds: its view of the store, its connections and
 * their deadlines, its way to the writer, the questions it has out. One loop, one thread: everything here is touched
 * only from callbacks of that loop.
 */
#ifndef KEYSTEAD_SHELL_WORKER_H
#define KEYSTEAD_SHELL_WORKER_H

#include "shell/ask.h"
#include "shell/channel.h"
#include "shell/peers.h"
#include "shell/refusal.h"

#define WORKER_ARENA (4u << 20)
#define WORKER_BODY_MAX COMMITTER_BODY_MAX
#define WORKER_OUT_MAX (WORKER_BODY_MAX + 4096)
#define WORKER_TLS_CHUNK (64u << 10)
#define WORKER_DATAGRAM (4u << 10) /* longer ones are nobody's: ours are TLS_DATAGRAM_MTU */

/* Which deadline a connection stands under; each class has one duration, so its list is in order of time. */
enum worker_class { WORKER_HANDSHAKE, WORKER_SERVE, WORKER_LINGER, WORKER_CLASSES };

struct conn;
struct worker_list {
    struct conn *first, *last;
};

struct worker {
    uv_loop_t *loop;
    const struct snapshot *snap;
    struct metrics *metrics;
    struct channel channel;
    struct ask ask;
    struct store *reader;
    bool viewing; /* a read transaction is open: one a turn of the loop */
    uv_prepare_t turn;
    uv_idle_t again;     /* runs while somebody is in `eager`, and keeps the loop from sleeping */
    struct conn *eager;  /* connections that have used up their share of a turn: they go on in the next one */
    struct conn *resumed; /* those of the turn before, while they are resumed */
    uv_timer_t sweep;
    usec_t swept; /* when associations were last looked at */
    struct listener *listeners[SNAPSHOT_LISTENERS_MAX];
    size_t listeners_n;
    struct peers peers;
    struct refusal_gate refusals[ERR_COUNT];
    struct worker_list lists[WORKER_CLASSES];
    size_t conns;
    size_t conns_closing; /* of these, the ones that libuv is closing: they hold no place any more */
    bool draining;
    void (*drained)(struct worker *w); /* called once when the last connection is gone */
    uint8_t *arena, *body, *out, *chunk, *scratch, *datagram;
};

MUST_USE err_t worker_start(struct worker *w, uv_loop_t *loop, const struct snapshot *snap, struct metrics *metrics,
                            struct intake *local);
/* Opens the read-only view and begins to accept on fds[i] for listener i of the snapshot. */
MUST_USE err_t worker_open(struct worker *w, const int *fds);
/* No new connections; idle ones are closed, the others after what they have under way. */
void worker_drain(struct worker *w);
void worker_cut(struct worker *w); /* all at once */

/* A read-only txn on this turn's view, in the partition of this instance; its arena is reset. */
MUST_USE err_t worker_view(struct worker *w, size_t role, struct txn *t, struct arena *a);
void worker_view_end(struct worker *w);

/* -- for conn ---------------------------------------------------------------------------------------- */
void worker_list_move(struct worker *w, struct conn *c, enum worker_class to);
void worker_list_remove(struct worker *w, struct conn *c);
void worker_conn_gone(struct worker *w);
void worker_again(struct worker *w, struct conn *c); /* conn_resume in the next turn */
void worker_again_cancel(struct conn *c);            /* safe for any connection */

#endif
