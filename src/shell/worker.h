/*
 * What one worker process (or the worker half of a single process) holds: its view of the store, the lists its
 * connections stand in, its way to the writer, the questions it has out. It knows no connection and no listener: what a
 * worker does with them is serving.h. One loop, one thread: everything here is touched only from callbacks of that loop.
 */
#ifndef KEYSTEAD_SHELL_WORKER_H
#define KEYSTEAD_SHELL_WORKER_H

#include "shell/ask.h"
#include "shell/channel.h"
#include "shell/peers.h"
#include "shell/refusal_gate.h"

#define WORKER_ARENA (4u << 20)
#define WORKER_BODY_MAX COMMITTER_BODY_MAX
#define WORKER_OUT_MAX (WORKER_BODY_MAX + 4096)
#define WORKER_TLS_CHUNK (64u << 10)
#define WORKER_DATAGRAM (4u << 10) /* longer ones are nobody's: ours are TLS_DATAGRAM_MTU */

/* Which deadline a connection stands under; each class has one duration, so its list is in order of time. */
enum worker_class { WORKER_HANDSHAKE, WORKER_SERVE, WORKER_LINGER, WORKER_CLASSES };

/* Where a connection stands in the lists of its worker; part of the connection (conn_of). */
struct worker_member {
    struct worker_member *prev, *next;
    enum worker_class class;
    usec_t deadline;                              /* clock_monotonic */
    struct worker_member *eager_next, **eager_at; /* eager_at == NULL: not in worker.eager */
};
struct worker_list {
    struct worker_member *first, *last;
};

struct worker {
    uv_loop_t *loop;
    const struct snapshot *snap;
    struct metrics *metrics;
    struct channel channel;
    struct ask ask;
    struct outbound *notices; /* verifications (verify.h), and requests for other CSEs (forward.h) */
    struct store *reader;
    bool viewing; /* a read transaction is open: one a turn of the loop, and one more for each batch of results */
    uint64_t view_seen; /* channel_arrivals */
    uv_prepare_t turn;
    uv_idle_t again;     /* runs while somebody is in `eager`, and keeps the loop from sleeping */
    struct worker_member *eager; /* connections that have used up their share of a turn: they go on in the next one */
    struct worker_member *resumed; /* those of the turn before, while they are resumed */
    void (*resume)(struct worker_member *m);
    uv_timer_t sweep;
    uint64_t withdrawn[SNAPSHOT_ROLES_MAX]; /* last withdrawal of each instance that connections were looked at for */
    bool looking[SNAPSHOT_ROLES_MAX], held_back[SNAPSHOT_ROLES_MAX]; /* while they are: is there news; was one busy */
    usec_t swept; /* when associations were last looked at */
    struct listener *listeners[SNAPSHOT_LISTENERS_MAX];
    size_t listeners_n;
    struct peers peers;
    struct refusal_gate refusals[ERR_COUNT];
    struct worker_list lists[WORKER_CLASSES];
    size_t parked;       /* connections that wait for something to come (conn_park) */
    uint64_t park_round;
    uint64_t parked_at;  /* changes of the store when they were looked at last */
    struct role_bell bells[SNAPSHOT_ROLES_MAX]; /* what came since then, of each instance */
    size_t conns;
    size_t conns_closing; /* of these, the ones that libuv is closing: they hold no place any more */
    bool draining;
    uint8_t ua_secret[32]; /* signs nonces (ua_gate.h) */
    uint8_t *arena, *body, *form, *out, *chunk, *scratch, *datagram;
};

/* With the store open, to read. */
MUST_USE err_t worker_start(struct worker *w, uv_loop_t *loop, const struct snapshot *snap, struct metrics *metrics,
                            struct intake *local);

/* A read-only txn on this turn's view, in the partition of this instance; its arena is reset. */
MUST_USE err_t worker_view(struct worker *w, size_t role, struct txn *t, struct arena *a);
/* A result of the writer is here: what follows must see what was committed with it. The results of a batch share a view. */
void worker_view_renew(struct worker *w);
/* What one request is taken apart in: a message, and as much again as its headers or options may need. */
struct writer worker_scratch(struct worker *w);

/* -- the lists ----------------------------------------------------------------------------------------- */
void worker_list_move(struct worker *w, struct worker_member *m, enum worker_class to);
void worker_list_remove(struct worker *w, struct worker_member *m);
void worker_again(struct worker *w, struct worker_member *m); /* worker.resume in the next turn */
void worker_again_cancel(struct worker_member *m);            /* safe for any member */

#endif
