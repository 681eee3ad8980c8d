#include "shell/serving.h"

#include "shell/clock.h"
#include "shell/conn.h"
#include "shell/listener.h"
#include "shell/log.h"
#include "role/withdraw.h"

#define SWEEP_MS 100
#define ASSOCIATION_SWEEP USEC_PER_SEC

/* Safe against one that leaves its list, not against one that takes another along. */
static void for_each(struct worker *w, enum worker_class class, void (*fn)(struct conn *c))
{
    struct worker_member *next = NULL;
    for (struct worker_member *m = w->lists[class].first; m != NULL; m = next) {
        next = m->next;
        fn(conn_of(m));
    }
}

static void for_all(struct worker *w, void (*fn)(struct conn *c))
{
    for (size_t i = 0; i < WORKER_CLASSES; i++) {
        for_each(w, (enum worker_class)i, fn);
    }
}

/* -- what has had its time -------------------------------------------------------------------------------- */
static void end_if_expired(struct conn *c)
{
    if (c->assoc.not_after <= clock_now() && !c->busy) { /* R004-21 */
        conn_end(c);
    }
}

/* -- what nobody uses --------------------------------------------------------------------------------------- */
static void rest(struct conn *c)
{
    if (c->tls != NULL && !c->busy) {
        tls_rest(c->tls);
    }
}

/* -- what was withdrawn ------------------------------------------------------------------------------------- */
static void end_if_withdrawn(struct conn *c)
{
    struct worker *w = c->w;
    if (!w->looking[c->role]) {
        return;
    }
    err_t e = conn_alive(c);
    if (e == ERR_OK) {
        return;
    }
    if (c->busy) { /* its answer goes out first; the writer judges what it asks for */
        w->held_back[c->role] = true;
        return;
    }
    log_event(ERR_LEVEL_NOTICE, "association-ended",
              (struct log_field[]){{"peer", association_name(&c->assoc)}, {"id", text_of(c->assoc.id)},
                                   {"code", text_of(err_code(e))}}, 3);
    conn_end(c);
}

static err_t last_of(struct worker *w, size_t role, uint64_t *out)
{
    struct txn t;
    struct arena arena;
    *out = w->withdrawn[role];
    const struct withdraw_kind *k = w->snap->roles[role].role->withdraw;
    if (k == NULL) {
        return ERR_OK;
    }
    TRY(worker_view(w, role, &t, &arena));
    return withdraw_last(k, &t, out);
}

/* One read an instance; only when something was withdrawn since are the connections looked at. */
static void look(struct worker *w)
{
    uint64_t last[SNAPSHOT_ROLES_MAX];
    bool any = false;
    for (size_t i = 0; i < w->snap->roles_n; i++) {
        w->looking[i] = last_of(w, i, &last[i]) == ERR_OK && last[i] != w->withdrawn[i];
        w->held_back[i] = false;
        any = any || w->looking[i];
    }
    if (!any) {
        return;
    }
    for_each(w, WORKER_SERVE, end_if_withdrawn);
    for (size_t i = 0; i < w->snap->roles_n; i++) {
        w->withdrawn[i] = w->looking[i] && !w->held_back[i] ? last[i] : w->withdrawn[i];
    }
}

static void note_late(struct conn *c)
{
    char name[64];
    metrics_refused(c->w->metrics, ERR_LIMIT_TIME);
    c->w->metrics->handshakes_failed++;
    log_refusal_of(ERR_LIMIT_TIME, &(struct log_refused){.instance = conn_role(c)->partition,
                                                         .peer = conn_name(c, name, sizeof(name)),
                                                         .detail = text_empty()});
}

/* -- who waits for something to come ------------------------------------------------------------------------- */
static void wake(struct conn *c)
{
    if (c->parked && c->park_round != c->w->park_round) { /* who parks again stands at the end of the list */
        conn_unpark(c);
        conn_resume(c);
    }
}

static bool is_meant(const struct conn *c)
{
    const struct role_bell *b = &c->w->bells[c->role];
    bool found = b->all;
    for (size_t i = 0; i < b->n && !found; i++) {
        found = b->topics[i] == c->wait.topic;
    }
    return found;
}

static void wake_if_due(struct conn *c)
{
    if (c->parked && (is_meant(c) || c->park_until <= clock_monotonic() || c->wait.due <= clock_now())) {
        wake(c);
    }
}

/* What came for whom since the last look: one read an instance, each time, since what changed may not be in this turn's view yet. */
static void hear(struct worker *w, bool changed)
{
    for (size_t i = 0; i < w->snap->roles_n; i++) {
        const struct snapshot_role *r = &w->snap->roles[i];
        struct role_bell *b = &w->bells[i];
        struct txn t;
        struct arena arena;
        b->n = 0;
        b->all = changed;
        if (r->role->bell != NULL && worker_view(w, i, &t, &arena) == ERR_OK) {
            b->all = r->role->bell(r->ctx, &t, b) != ERR_OK ? changed : b->all;
        }
    }
}

static void look_at_parked(struct worker *w)
{
    if (w->parked == 0) {
        return;
    }
    uint64_t changes = store_changes(w->reader);
    hear(w, changes != w->parked_at);
    w->parked_at = changes;
    w->park_round++;
    for_each(w, WORKER_SERVE, w->draining ? wake : wake_if_due);
}

static void sweep_cb(uv_timer_t *h)
{
    struct worker *w = h->data;
    usec_t now = clock_monotonic();
    look_at_parked(w);
    for (size_t i = 0; i < WORKER_CLASSES; i++) {
        struct worker_member *m = NULL;
        while ((m = w->lists[i].first) != NULL && m->deadline <= now) {
            if (i == WORKER_HANDSHAKE) {
                note_late(conn_of(m));
            }
            conn_close(conn_of(m)); /* takes it off the list */
        }
    }
    look(w);
    if (now - w->swept >= ASSOCIATION_SWEEP) {
        w->swept = now;
        for_each(w, WORKER_SERVE, end_if_expired);
        for_each(w, WORKER_SERVE, rest);
        peers_sweep(&w->peers, now);
        log_tick();
    }
}

/* -- the end -------------------------------------------------------------------------------------------- */
void serving_drain(struct worker *w)
{
    if (w->draining) {
        return;
    }
    w->draining = true;
    for (size_t i = 0; i < w->listeners_n; i++) {
        listener_close(w->listeners[i]);
    }
    w->listeners_n = 0;
    for_all(w, conn_drain);
}

void serving_settle(struct worker *w)
{
    for_all(w, conn_settle);
}

bool serving_is_settled(const struct worker *w)
{
    return w->draining && w->lists[WORKER_HANDSHAKE].first == NULL;
}

void serving_cut(struct worker *w)
{
    for_all(w, conn_close);
}

/* -- the beginning ---------------------------------------------------------------------------------------- */
static void resume(struct worker_member *m)
{
    conn_resume(conn_of(m));
}

err_t serving_start(struct worker *w, const int *fds)
{
    w->resume = resume;
    if (uv_timer_start(&w->sweep, sweep_cb, SWEEP_MS, SWEEP_MS) != 0) {
        return ERR_IO;
    }
    for (size_t i = 0; i < w->snap->listeners_n; i++) {
        TRY(listener_new(w, &w->snap->listeners[i], fds[i], &w->listeners[i]));
        w->listeners_n++;
    }
    return ERR_OK;
}
