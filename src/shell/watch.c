#include "shell/watch.h"

#include "shell/clock.h"
#include "shell/log.h"

#include <stdlib.h>
#include <string.h>

#define TICK_MS 25
#define ARENA_SIZE (64u << 10)
#define PATIENCE_MOST (5 * USEC_PER_SEC)   /* between two questions to an authority that is away */
#define PATIENCE_SILENT (60 * USEC_PER_SEC) /* to one that does not tell such things, or, by and by, that does not know this server */

struct watch_item {
    struct watch_item *next;
    struct watch *w;
    size_t role; /* instance of the snapshot */
    size_t i;    /* which of its authorities */
    usec_t poll, patience;
    usec_t due; /* clock_monotonic */
    bool under_way;
    err_t away; /* why it was the last time; ERR_OK: it was not */
    struct question q;
    struct answer a;
    uint8_t body[FETCH_BODY_MAX];
    char settled_path[sizeof(((struct question *)0)->path)]; /* the last exchange that led to nothing new */
    uint8_t settled[FETCH_BODY_MAX];
    size_t settled_n;
};

/* -- what it led to -------------------------------------------------------------------------------------- */
static void note(struct watch_item *it, err_t e)
{
    err_t away = e == ERR_DENIED_FETCH ? ERR_OK : e;
    if (away != it->away) { /* a word at each change, not at each try */
        it->away = away;
        log_event(away != ERR_OK ? ERR_LEVEL_WARN : ERR_LEVEL_INFO, away != ERR_OK ? "authority-away" : "authority-back",
                  (struct log_field[]){{"peer", text_of(it->q.peer)}, {"code", text_of(err_code(e))}}, 2);
    }
}

static void rest(struct watch_item *it, err_t e)
{
    usec_t longer = it->patience * 2 > it->poll ? it->patience * 2 : it->poll;
    bool refused = e == ERR_PEER_REFUSED || e == ERR_DENIED_CERT_INSTRUCTION; /* by somebody who writes a line about each try */
    usec_t most = refused ? PATIENCE_SILENT : PATIENCE_MOST;
    note(it, e);
    it->patience = e == ERR_OK ? it->poll : longer < most ? longer : most;
    it->patience = e == ERR_DENIED_FETCH ? PATIENCE_SILENT : it->patience;
    it->due = clock_monotonic() + it->patience;
    it->under_way = false;
}

static void submit(struct watch_item *it);

static void taken(void *arg, const struct job_result *r)
{
    struct watch_item *it = arg;
    if (r->err == ERR_OK && r->more) {
        submit(it);
        return;
    }
    if (r->err == ERR_OK) {
        memcpy(it->settled_path, it->q.path, sizeof(it->settled_path));
        memcpy(it->settled, it->body, it->a.body.n);
        it->settled_n = it->a.body.n;
    }
    rest(it, r->err);
}

static void submit(struct watch_item *it)
{
    struct job j;
    job_init(&j, JOB_HEARD, it->role, clock_now());
    j.question = &it->q;
    j.answer = it->a;
    err_t e = intake_submit(it->w->intake, &j, taken, it);
    if (e != ERR_OK) {
        rest(it, e);
    }
}

/* The same answer to the same question tells nothing new: that is how it is nearly always, and costs no transaction. */
static bool is_settled(const struct watch_item *it)
{
    return it->settled_n > 0 && it->settled_n == it->a.body.n && strcmp(it->settled_path, it->q.path) == 0 &&
           memcmp(it->settled, it->body, it->settled_n) == 0;
}

static void answered(void *owner, const struct answer *a)
{
    struct watch_item *it = owner;
    it->a = *a;
    if (a->err != ERR_OK || a->body.n > sizeof(it->body)) {
        rest(it, a->err != ERR_OK ? a->err : ERR_PEER_NONSENSE);
        return;
    }
    if (a->body.n > 0) {
        memcpy(it->body, a->body.p, a->body.n);
    }
    it->a.body = bytes_of(it->body, a->body.n);
    if (is_settled(it)) {
        rest(it, ERR_OK);
    } else {
        submit(it);
    }
}

/* -- asking ---------------------------------------------------------------------------------------------- */
/* The question of the moment: how far the role has read stands in the store. */
static err_t question(struct watch *w, size_t role, size_t i, struct question *q)
{
    static uint8_t memory[ARENA_SIZE];
    const struct snapshot_role *r = &w->snap->roles[role];
    struct store *store = w->intake->committer.store;
    struct arena arena = arena_of(memory, sizeof(memory));
    struct txn t;
    TRY(store_begin(store, false));
    txn_init(&t, store, &arena, false);
    txn_enter(&t, r->partition);
    err_t e = r->role->watch(r->ctx, &t, i, q);
    store_rollback(store);
    return e;
}

static void ask(struct watch_item *it)
{
    struct watch *w = it->w;
    it->under_way = true;
    err_t e = question(w, it->role, it->i, &it->q);
    if (e == ERR_OK && it->q.path[0] == '\0') { /* nothing for now */
        rest(it, ERR_OK);
        return;
    }
    e = e == ERR_OK ? fetch_get(w->fetch, &w->snap->roles[it->role], &it->q, answered, it) : e;
    if (e != ERR_OK) {
        rest(it, e);
    }
}

/* -- life ------------------------------------------------------------------------------------------------ */
static err_t add(struct watch *w, size_t role, size_t i, const struct question *q)
{
    const struct snapshot_peer *p = snapshot_peer_of(w->snap, q->peer);
    if (p == NULL || p->poll == 0) {
        return ERR_OK;
    }
    struct watch_item *it = calloc(1, sizeof(*it));
    if (it == NULL) {
        return ERR_LIMIT_CAPACITY;
    }
    it->w = w;
    it->role = role;
    it->i = i;
    it->q = *q;
    it->poll = it->patience = p->poll;
    it->next = w->items;
    w->items = it;
    return ERR_OK;
}

static err_t gather(struct watch *w)
{
    for (size_t role = 0; role < w->snap->roles_n; role++) {
        err_t e = w->snap->roles[role].role->watch == NULL ? ERR_NOT_FOUND : ERR_OK;
        for (size_t i = 0; e == ERR_OK; i++) {
            struct question q;
            e = question(w, role, i, &q);
            e = e == ERR_OK ? add(w, role, i, &q) : e;
        }
        TRY(e == ERR_NOT_FOUND ? ERR_OK : e);
    }
    return ERR_OK;
}

static void tick_cb(uv_timer_t *h)
{
    struct watch *w = h->data;
    usec_t now = clock_monotonic();
    if (!intake_is_open(w->intake)) { /* the writer of the generation before still has the store */
        return;
    }
    if (!w->ready) {
        err_t e = gather(w);
        w->ready = true;
        if (e != ERR_OK) {
            log_event(ERR_LEVEL_ERROR, "watch-failed", (struct log_field[]){{"code", text_of(err_code(e))}}, 1);
        }
    }
    for (struct watch_item *it = w->items; it != NULL; it = it->next) {
        if (!it->under_way && it->due <= now) {
            ask(it);
        }
    }
    if (w->items == NULL) {
        (void)uv_timer_stop(&w->tick);
    }
}

err_t watch_start(struct watch *w, uv_loop_t *loop, const struct snapshot *snap, struct intake *intake)
{
    *w = (struct watch){.loop = loop, .snap = snap, .intake = intake};
    TRY(fetch_new(loop, snap, &w->fetch));
    w->tick.data = w;
    bool ok = uv_timer_init(loop, &w->tick) == 0 && uv_timer_start(&w->tick, tick_cb, 0, TICK_MS) == 0;
    return ok ? ERR_OK : ERR_IO;
}

/* What is under way ends without a word; the store is closed after this. */
void watch_stop(struct watch *w)
{
    (void)uv_timer_stop(&w->tick);
    fetch_free(w->fetch);
}
