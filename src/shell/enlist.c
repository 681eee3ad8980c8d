#include "shell/enlist.h"

#include "shell/clock.h"
#include "shell/log.h"

#include <stdlib.h>
#include <string.h>

#define TICK_MS 100
#define ARENA_SIZE (1u << 20)
#define PATIENCE_LEAST (USEC_PER_SEC / 4)
#define PATIENCE_MOST (30 * USEC_PER_SEC)

static void tick_cb(uv_timer_t *h);

/* -- what it led to -------------------------------------------------------------------------------------- */
static void note(struct enlist_item *it, err_t e)
{
    bool away = e != ERR_OK;
    if (away != it->away) { /* a word at each change, not at each try */
        it->away = away;
        const char *const words[2][2] = {{"registrar-back", "registrar-away"}, {"peer-back", "peer-away"}};
        log_event(away ? ERR_LEVEL_WARN : ERR_LEVEL_INFO, words[it->memory.lane > 0][away],
                  (struct log_field[]){{"peer", text_of(it->q.peer)}, {"code", text_of(err_code(e))},
                                       {"hint", text_of(err_info(e)->hint)}}, away ? 3 : 1);
    }
}

static void rest(struct enlist_item *it, err_t e)
{
    if (e == ERR_OK) {
        it->memory = (struct errand_memory){.lane = it->memory.lane, .checked = clock_now(), .mark = it->q.mark};
        it->patience = PATIENCE_LEAST;
        it->due = 0; /* the role says when */
        (void)uv_timer_start(&it->all->tick, tick_cb, 0, TICK_MS); /* what waits behind it goes at once */
    } else {
        it->due = clock_monotonic() + it->patience;
        it->patience = it->patience * 2 < PATIENCE_MOST ? it->patience * 2 : PATIENCE_MOST;
    }
    if (it->q.op != OP_NONE) { /* else nobody was asked */
        note(it, e);
    }
    it->under_way = false;
}

static void taken(void *arg, const struct job_result *r)
{
    rest(arg, r->err != ERR_OK ? r->err : r->why);
}

static void bring_back(struct enlist_item *it)
{
    struct job j;
    it->a.body = bytes_of(it->body.p, it->body.n);
    job_init(&j, JOB_RETURNED, it->role, clock_now());
    j.errand = &it->q;
    j.returned = &it->a;
    err_t e = intake_submit(it->all->intake, &j, taken, it);
    if (e != ERR_OK) {
        rest(it, e);
    }
}

static void answered(void *owner, const struct outbound_answer *a)
{
    struct enlist_item *it = owner;
    growing_wipe(&it->body);
    it->a = (struct errand_answer){.err = a->err, .rsc = a->rsc};
    if (a->err == ERR_OK && (a->rsc == 0 || !growing_reserve(&it->body, a->body.n + 1))) {
        it->a.err = a->rsc == 0 ? ERR_PEER_NONSENSE : ERR_LIMIT_BUSY;
    }
    if (it->a.err == ERR_OK && a->body.n > 0) {
        memcpy(it->body.p, a->body.p, a->body.n);
        it->body.n = a->body.n;
    }
    bring_back(it);
}

/* -- asking ---------------------------------------------------------------------------------------------- */
static err_t errand_of(struct enlist *e, size_t role, const struct errand_memory *m, struct errand *out)
{
    const struct snapshot_role *r = &e->snap->roles[role];
    struct store *store = e->intake->committer.store;
    struct arena arena = arena_of(e->arena, ARENA_SIZE);
    struct txn t;
    TRY(store_begin(store, false));
    txn_init(&t, store, &arena, false);
    txn_enter(&t, r->partition);
    err_t err = r->role->errand(r->ctx, &t, m, clock_now(), out);
    store_rollback(store);
    return err;
}

static void go(struct enlist_item *it)
{
    struct enlist *all = it->all;
    err_t e = errand_of(all, it->role, &it->memory, &it->q);
    if (e == ERR_NOT_FOUND) { /* it has no errands */
        it->due = USEC_NEVER;
        return;
    }
    if (e == ERR_OK && it->q.op == OP_NONE && it->q.about[0] != '\0') { /* something for the role alone */
        growing_wipe(&it->body);
        it->a = (struct errand_answer){.err = ERR_OK};
        it->under_way = true;
        bring_back(it);
        return;
    }
    if (e == ERR_OK && it->q.op == OP_NONE) { /* for now; to look costs a walk over who is registered */
        it->due = clock_monotonic() + PATIENCE_LEAST;
        return;
    }
    const struct outbound_request rq = {
        .as = &all->snap->roles[it->role], .peer = it->q.peer, .path = it->q.path, .op = it->q.op, .ty = it->q.ty,
        .has_from = true, .from = text_of(it->q.from), .media = MEDIA_JSON, .body = text_bytes(text_of(it->q.body))};
    it->under_way = true;
    e = e == ERR_OK ? outbound_send(all->out, &rq, answered, it) : e;
    if (e != ERR_OK) {
        rest(it, e);
    }
}

static void tick_cb(uv_timer_t *h)
{
    struct enlist *e = h->data;
    if (!intake_is_open(e->intake)) { /* the writer of the generation before still has the store */
        return;
    }
    bool any = false;
    for (size_t i = 0; i < e->items_n; i++) {
        any = any || e->items[i].due != USEC_NEVER;
        if (!e->items[i].under_way && e->items[i].due <= clock_monotonic()) {
            go(&e->items[i]);
        }
    }
    if (!any) {
        (void)uv_timer_stop(&e->tick);
    }
}

/* -- life ------------------------------------------------------------------------------------------------ */
static err_t gather(struct enlist *e)
{
    size_t n = 0;
    for (size_t i = 0; i < e->snap->roles_n; i++) {
        n += e->snap->roles[i].role->lanes;
    }
    e->items = calloc(n + 1, sizeof(*e->items));
    if (e->items == NULL) {
        return ERR_LIMIT_CAPACITY;
    }
    for (size_t i = 0; i < e->snap->roles_n; i++) {
        for (size_t lane = 0; lane < e->snap->roles[i].role->lanes; lane++) {
            e->items[e->items_n++] =
                (struct enlist_item){.all = e, .role = i, .patience = PATIENCE_LEAST, .memory = {.lane = lane}};
        }
    }
    return ERR_OK;
}

err_t enlist_start(struct enlist *e, uv_loop_t *loop, const struct snapshot *snap, struct intake *intake)
{
    const struct outbound_limits limits = {snap->limits.outbound, snap->limits.outbound_per_target};
    *e = (struct enlist){.loop = loop, .snap = snap, .intake = intake, .arena = malloc(ARENA_SIZE)};
    TRY(e->arena == NULL ? ERR_LIMIT_CAPACITY : outbound_new(loop, snap, &limits, &e->out));
    TRY(gather(e));
    e->tick.data = e;
    bool ok = uv_timer_init(loop, &e->tick) == 0 &&
              (e->items_n == 0 || uv_timer_start(&e->tick, tick_cb, 0, TICK_MS) == 0);
    return ok ? ERR_OK : ERR_IO;
}

/* What is under way ends without a word; the store is closed after this. The items stay: a job may still tell them its end. */
void enlist_stop(struct enlist *e)
{
    (void)uv_timer_stop(&e->tick);
    outbound_free(e->out);
    free(e->arena);
    e->arena = NULL;
}
