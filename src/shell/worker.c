#include "shell/worker.h"

#include "shell/outbound.h"

#include "shell/clock.h"
#include "store/store_cached.h"
#include "store/store_sqlite.h"

#include <stdlib.h>

#define CACHE_OCTETS (16u << 20)
#define SCRATCH_EXTRA (32u << 10)
#define LINGER_TIME USEC_PER_SEC

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

static void view_end(struct worker *w)
{
    if (w->viewing) {
        store_rollback(w->reader);
        w->viewing = false;
    }
}

void worker_view_renew(struct worker *w)
{
    uint64_t seen = channel_arrivals(&w->channel);
    if (seen != w->view_seen) {
        w->view_seen = seen;
        view_end(w);
    }
}

/* Just before the loop sleeps: the view of this turn ends, and jobs of this turn leave together. */
static void turn_cb(uv_prepare_t *h)
{
    struct worker *w = h->data;
    view_end(w);
    channel_flush(&w->channel);
}

/* -- fair shares --------------------------------------------------------------------------------------- */
void worker_again_cancel(struct worker_member *m)
{
    if (m->eager_at != NULL) {
        *m->eager_at = m->eager_next;
        if (m->eager_next != NULL) {
            m->eager_next->eager_at = m->eager_at;
        }
        m->eager_at = NULL;
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
        struct worker_member *m = w->resumed;
        worker_again_cancel(m);
        w->resume(m);
    }
    if (w->eager == NULL) {
        (void)uv_idle_stop(h);
    }
}

void worker_again(struct worker *w, struct worker_member *m)
{
    if (m->eager_at != NULL) {
        return;
    }
    m->eager_next = w->eager;
    m->eager_at = &w->eager;
    if (m->eager_next != NULL) {
        m->eager_next->eager_at = &m->eager_next;
    }
    w->eager = m;
    (void)uv_idle_start(&w->again, again_cb);
}

/* -- deadlines ----------------------------------------------------------------------------------------- */
void worker_list_remove(struct worker *w, struct worker_member *m)
{
    struct worker_list *l = &w->lists[m->class];
    *(m->prev != NULL ? &m->prev->next : &l->first) = m->next;
    *(m->next != NULL ? &m->next->prev : &l->last) = m->prev;
    m->prev = NULL;
    m->next = NULL;
}

void worker_list_move(struct worker *w, struct worker_member *m, enum worker_class to)
{
    const usec_t time[WORKER_CLASSES] = {
        [WORKER_HANDSHAKE] = w->snap->limits.handshake_time,
        [WORKER_SERVE] = w->snap->limits.idle_time,
        [WORKER_LINGER] = LINGER_TIME,
    };
    struct worker_list *l = &w->lists[to];
    if (m->prev != NULL || m->next != NULL || w->lists[m->class].first == m) {
        worker_list_remove(w, m);
    }
    m->class = to;
    m->deadline = clock_monotonic() + time[to];
    m->prev = l->last;
    *(l->last != NULL ? &l->last->next : &l->first) = m;
    l->last = m;
}

/* -- life ---------------------------------------------------------------------------------------------- */
static size_t scratch_size(const struct worker *w)
{
    return w->snap->limits.message + SCRATCH_EXTRA;
}

struct writer worker_scratch(struct worker *w)
{
    return writer_of(w->scratch, scratch_size(w));
}

static err_t open_reader(struct worker *w)
{
    uint64_t secret = 0;
    struct store *inner = NULL;
    TRY(w->snap->env.crypto->random((uint8_t *)&secret, sizeof(secret)));
    TRY(store_sqlite_open(w->snap->store, STORE_SQLITE_READER, NULL, &inner));
    return store_cached_open(inner, CACHE_OCTETS, secret, &w->reader);
}

static err_t allocate(struct worker *w)
{
    w->arena = malloc(WORKER_ARENA);
    w->body = malloc(WORKER_BODY_MAX);
    w->form = malloc(WORKER_BODY_MAX);
    w->out = malloc(WORKER_OUT_MAX);
    w->chunk = malloc(WORKER_TLS_CHUNK);
    w->scratch = malloc(scratch_size(w));
    w->datagram = malloc(WORKER_DATAGRAM);
    bool ok = w->datagram != NULL && w->arena != NULL && w->body != NULL && w->form != NULL && w->out != NULL &&
              w->chunk != NULL && w->scratch != NULL;
    return ok ? ERR_OK : ERR_LIMIT_CAPACITY;
}

err_t worker_start(struct worker *w, uv_loop_t *loop, const struct snapshot *snap, struct metrics *metrics,
                   struct intake *local)
{
    *w = (struct worker){.loop = loop, .snap = snap, .metrics = metrics};
    uint64_t seed = 0;
    TRY(snap->env.crypto->random((uint8_t *)&seed, sizeof(seed)));
    TRY(snap->env.crypto->random(w->ua_secret, sizeof(w->ua_secret)));
    TRY(allocate(w));
    TRY(tls_thread_init(snap->limits.waiting));
    peers_init(&w->peers, seed,
               &(struct peers_limits){.most = snap->limits.connections_per_peer, .rate = snap->limits.rate_per_peer});
    channel_init(&w->channel, local);
    TRY(ask_start(&w->ask, loop, snap, &w->channel, metrics));
    const struct outbound_limits limits = {snap->limits.outbound, snap->limits.outbound_per_target};
    TRY(outbound_new(loop, snap, &limits, &w->notices));
    w->turn.data = w;
    w->sweep.data = w;
    w->again.data = w;
    bool ok = uv_prepare_init(loop, &w->turn) == 0 && uv_idle_init(loop, &w->again) == 0 &&
              uv_timer_init(loop, &w->sweep) == 0 && uv_prepare_start(&w->turn, turn_cb) == 0;
    return ok ? open_reader(w) : ERR_IO;
}
