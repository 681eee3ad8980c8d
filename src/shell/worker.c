#include "shell/worker.h"

#include "base/ct.h"
#include "shell/clock.h"
#include "shell/conn.h"
#include "shell/listener.h"
#include "shell/log.h"
#include "store/store_cached.h"
#include "store/store_sqlite.h"

#include <stdlib.h>

#define CACHE_OCTETS (16u << 20)
#define SCRATCH_EXTRA (32u << 10)
#define SWEEP_MS 100
#define LINGER_TIME USEC_PER_SEC
#define ASSOCIATION_SWEEP USEC_PER_SEC

/* -- the view ---------------------------------------------------------------------------------------- */
err_t worker_view(struct worker *w, size_t role, struct txn *t, struct arena *a)
{
    if (!w->viewing) {
        TRY(store_begin(w->reader, false));
        w->viewing = true;
    }
    *a = arena_of(w->arena, WORKER_ARENA);
    txn_init(t, w->reader, a, false);
    txn_enter(t, w->snap->roles[role].partition);
    return ERR_OK;
}

void worker_view_end(struct worker *w)
{
    if (w->viewing) {
        store_rollback(w->reader);
        w->viewing = false;
    }
}

/* Just before the loop sleeps: the view of this turn ends, and jobs of this turn leave together. */
static void turn_cb(uv_prepare_t *h)
{
    struct worker *w = h->data;
    worker_view_end(w);
    channel_flush(&w->channel);
}

/* -- fair shares --------------------------------------------------------------------------------------- */
void worker_again_cancel(struct conn *c)
{
    if (c->eager_at != NULL) {
        *c->eager_at = c->eager_next;
        if (c->eager_next != NULL) {
            c->eager_next->eager_at = c->eager_at;
        }
        c->eager_at = NULL;
    }
}

static void again_cb(uv_idle_t *h)
{
    struct worker *w = h->data;
    w->resumed = w->eager;
    w->eager = NULL;
    if (w->resumed != NULL) {
        w->resumed->eager_at = &w->resumed;
    }
    while (w->resumed != NULL) { /* one may close another: always from the front */
        struct conn *c = w->resumed;
        worker_again_cancel(c);
        conn_resume(c);
    }
    if (w->eager == NULL) {
        (void)uv_idle_stop(h);
    }
}

void worker_again(struct worker *w, struct conn *c)
{
    if (c->eager_at != NULL) {
        return;
    }
    c->eager_next = w->eager;
    c->eager_at = &w->eager;
    if (c->eager_next != NULL) {
        c->eager_next->eager_at = &c->eager_next;
    }
    w->eager = c;
    (void)uv_idle_start(&w->again, again_cb);
}

/* -- deadlines ----------------------------------------------------------------------------------------- */
void worker_list_remove(struct worker *w, struct conn *c)
{
    struct worker_list *l = &w->lists[c->class];
    *(c->prev != NULL ? &c->prev->next : &l->first) = c->next;
    *(c->next != NULL ? &c->next->prev : &l->last) = c->prev;
    c->prev = NULL;
    c->next = NULL;
}

void worker_list_move(struct worker *w, struct conn *c, enum worker_class to)
{
    const usec_t time[WORKER_CLASSES] = {
        [WORKER_HANDSHAKE] = w->snap->limits.handshake_time,
        [WORKER_SERVE] = w->snap->limits.idle_time,
        [WORKER_LINGER] = LINGER_TIME,
    };
    struct worker_list *l = &w->lists[to];
    if (c->prev != NULL || c->next != NULL || w->lists[c->class].first == c) {
        worker_list_remove(w, c);
    }
    c->class = to;
    c->deadline = clock_monotonic() + time[to];
    c->prev = l->last;
    *(l->last != NULL ? &l->last->next : &l->first) = c;
    l->last = c;
}

static void sweep_associations(struct worker *w, usec_t now)
{
    struct conn *next = NULL;
    for (struct conn *c = w->lists[WORKER_SERVE].first; c != NULL; c = next) {
        next = c->next;
        if (c->assoc.not_after <= now && !c->busy) { /* R004-21 */
            conn_end(c);
        }
    }
}

static void sweep_cb(uv_timer_t *h)
{
    struct worker *w = h->data;
    usec_t now = clock_monotonic();
    for (size_t i = 0; i < WORKER_CLASSES; i++) {
        struct conn *c = NULL;
        while ((c = w->lists[i].first) != NULL && c->deadline <= now) {
            if (i == WORKER_HANDSHAKE) {
                metrics_refused(w->metrics, ERR_LIMIT_TIME);
                w->metrics->handshakes_failed++;
                char name[64];
                log_refusal(ERR_LIMIT_TIME, conn_name(c, name, sizeof(name)), text_empty());
            }
            conn_close(c); /* takes it off the list */
        }
    }
    if (now - w->swept >= ASSOCIATION_SWEEP) {
        w->swept = now;
        sweep_associations(w, clock_now());
        peers_sweep(&w->peers, now);
        log_tick();
    }
}

/* -- draining ------------------------------------------------------------------------------------------ */
void worker_conn_gone(struct worker *w)
{
    w->conns--;
    w->conns_closing--;
    w->metrics->connections_now--;
    if (w->draining && w->conns == 0 && w->drained != NULL) {
        w->drained(w);
    }
}

static void for_each(struct worker *w, void (*fn)(struct conn *c))
{
    for (size_t i = 0; i < WORKER_CLASSES; i++) {
        struct conn *next = NULL;
        for (struct conn *c = w->lists[i].first; c != NULL; c = next) {
            next = c->next;
            fn(c);
        }
    }
}

void worker_drain(struct worker *w)
{
    if (w->draining) {
        return;
    }
    w->draining = true;
    for (size_t i = 0; i < w->listeners_n; i++) {
        listener_close(w->listeners[i]);
    }
    w->listeners_n = 0;
    if (w->conns == 0 && w->drained != NULL) {
        w->drained(w);
        return;
    }
    for_each(w, conn_drain);
}

void worker_cut(struct worker *w)
{
    for_each(w, conn_close);
}

/* -- life ---------------------------------------------------------------------------------------------- */
static err_t allocate(struct worker *w)
{
    w->arena = malloc(WORKER_ARENA);
    w->body = malloc(WORKER_BODY_MAX);
    w->out = malloc(WORKER_OUT_MAX);
    w->chunk = malloc(WORKER_TLS_CHUNK);
    w->scratch = malloc(w->snap->limits.message + SCRATCH_EXTRA);
    w->datagram = malloc(WORKER_DATAGRAM);
    bool ok = w->datagram != NULL && w->arena != NULL && w->body != NULL && w->out != NULL && w->chunk != NULL && w->scratch != NULL;
    return ok ? ERR_OK : ERR_LIMIT_CAPACITY;
}

err_t worker_start(struct worker *w, uv_loop_t *loop, const struct snapshot *snap, struct metrics *metrics,
                   struct intake *local)
{
    *w = (struct worker){.loop = loop, .snap = snap, .metrics = metrics};
    uint64_t seed = 0;
    TRY(snap->env.crypto->random((uint8_t *)&seed, sizeof(seed)));
    TRY(allocate(w));
    TRY(tls_thread_init(snap->limits.waiting));
    peers_init(&w->peers, seed,
               &(struct peers_limits){.most = snap->limits.connections_per_peer, .rate = snap->limits.rate_per_peer});
    channel_init(&w->channel, local);
    TRY(ask_start(&w->ask, loop, snap, &w->channel, metrics));
    w->turn.data = w;
    w->sweep.data = w;
    w->again.data = w;
    bool ok = uv_prepare_init(loop, &w->turn) == 0 && uv_idle_init(loop, &w->again) == 0 &&
              uv_timer_init(loop, &w->sweep) == 0 &&
              uv_prepare_start(&w->turn, turn_cb) == 0 && uv_timer_start(&w->sweep, sweep_cb, SWEEP_MS, SWEEP_MS) == 0;
    return ok ? ERR_OK : ERR_IO;
}

err_t worker_open(struct worker *w, const int *fds)
{
    struct store *inner = NULL;
    TRY(store_sqlite_open(w->snap->store, STORE_SQLITE_READER, NULL, &inner));
    TRY(store_cached_open(inner, CACHE_OCTETS, &w->reader));
    for (size_t i = 0; i < w->snap->listeners_n; i++) {
        TRY(listener_new(w, &w->snap->listeners[i], fds[i], &w->listeners[i]));
        w->listeners_n++;
    }
    return ERR_OK;
}
