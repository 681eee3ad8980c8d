#include "shell/notifier.h"

#include "role/outbox.h"
#include "shell/clock.h"
#include "shell/log.h"

#include <stdlib.h>
#include <string.h>

#define TICK_MS 25
#define HOST_MAX (NOTIFIER_SENDING_MAX / 4) /* events under way to one host: however many targets it has, one that hangs holds up no other */
#define LOOK_MAX 64 /* queues looked into in one turn */
#define PASS_MAX 1024 /* and passed by, so that who can be told does not wait for those who cannot */
#define ARENA_SIZE (4u << 20)
#define PATIENCE_FIRST (USEC_PER_SEC / 4)
#define PATIENCE_MOST (30 * USEC_PER_SEC)
#define HELD_TIME USEC_PER_SEC /* an AE may get a point of access, a CSE may come back */
#define HTTP_BUSY 429
#define HTTP_TIMEOUT 408
#define RSC_OK 2000
#define RSC_BAD_REQUEST 4000
#define RSC_TIMEOUT 4008 /* it came to a CSE on the way, and the AE did not answer in time */

struct notifier_sending { /* an event on its way, or one whose fate the writer is being told */
    bool used;
    struct notifier *n;
    size_t role;
    char target[512];
    struct outbox_done done;
};

struct notifier_target {
    struct notifier_target *next;
    size_t role;
    char name[512];
    usec_t due, patience;
};

/* -- targets ------------------------------------------------------------------------------------------------- */
static void target_name(const char *queue, char out[static 512])
{
    size_t n = strcspn(queue, " ");
    memcpy(out, queue, n);
    out[n] = '\0';
}

static struct notifier_target **find(struct notifier *n, size_t role, const char *name)
{
    struct notifier_target **at = &n->targets;
    while (*at != NULL && ((*at)->role != role || strcmp((*at)->name, name) != 0)) {
        at = &(*at)->next;
    }
    return at;
}

static void forget(struct notifier *n, size_t role, const char *name)
{
    struct notifier_target **at = find(n, role, name);
    struct notifier_target *t = *at;
    if (t != NULL) {
        *at = t->next;
        n->targets_n--;
        free(t);
    }
}

/* One word when it goes, one when it is back; not one a try. */
static void leave_alone(struct notifier *n, size_t role, const char *name)
{
    struct notifier_target *t = *find(n, role, name);
    if (t == NULL && n->targets_n < NOTIFIER_TARGETS_MAX && (t = calloc(1, sizeof(*t))) != NULL) {
        t->role = role;
        memcpy(t->name, name, strlen(name));
        t->next = n->targets;
        n->targets = t;
        n->targets_n++;
        log_event(ERR_LEVEL_WARN, "target-away", (struct log_field[]){{"target", text_of(name + 2)}}, 1);
    }
    if (t != NULL) {
        usec_t longer = t->patience * 2;
        t->patience = t->patience == 0 ? PATIENCE_FIRST : longer < PATIENCE_MOST ? longer : PATIENCE_MOST;
        t->due = clock_monotonic() + t->patience;
    }
}

static bool is_free(struct notifier *n, size_t role, const char *name, usec_t now)
{
    for (size_t i = 0; i < NOTIFIER_SENDING_MAX; i++) {
        const struct notifier_sending *s = &n->sending[i];
        if (s->used && s->role == role && strcmp(s->target, name) == 0) {
            return false;
        }
    }
    const struct notifier_target *t = *find(n, role, name);
    return t == NULL || t->due <= now;
}

/* -- queues that nobody can be told from ------------------------------------------------------------------------------ */
/* FNV-1a over the role and the name. */
static uint64_t hash(size_t role, const char *queue)
{
    uint64_t h = UINT64_C(14695981039346656037) ^ role;
    for (const char *p = queue; *p != '\0'; p++) {
        h = (h ^ (uint8_t)*p) * UINT64_C(1099511628211);
    }
    return h;
}

static void wake_at(struct notifier *n, usec_t t)
{
    n->wake = t < n->wake ? t : n->wake;
}

/* With a time of its own it is looked into when something has changed, too: it may be full now. */
static void hold(struct notifier *n, size_t role, const struct outbox_item *item)
{
    usec_t now = clock_monotonic();
    if (item->due != 0) {
        usec_t left = item->due - clock_now();
        wake_at(n, now + (left > 0 ? left : 0));
        return;
    }
    uint64_t h = hash(role, item->queue);
    n->held[h % NOTIFIER_HELD_MAX] = (struct notifier_held){h, now + HELD_TIME};
    wake_at(n, now + HELD_TIME);
}

struct wanting {
    struct notifier *n;
    size_t role;
    usec_t now;
};

static bool wanted(void *who, const char *queue)
{
    const struct wanting *w = who;
    char target[512];
    target_name(queue, target);
    uint64_t h = hash(w->role, queue);
    const struct notifier_held *held = &w->n->held[h % NOTIFIER_HELD_MAX];
    if (held->name == h && held->until > w->now) {
        wake_at(w->n, held->until);
        return false;
    }
    return is_free(w->n, w->role, target, w->now);
}

/* -- what became of it ------------------------------------------------------------------------------------------ */
enum outbox_outcome notifier_outcome(const struct outbound_answer *a)
{
    unsigned class = a->rsc != 0 ? a->rsc / 1000U : a->status / 100U;
    bool later = a->status == HTTP_BUSY || a->status == HTTP_TIMEOUT || a->rsc == RSC_TIMEOUT || class >= 5;
    return a->err != ERR_OK || later ? OUTBOX_AWAY : class == 2 ? OUTBOX_TOLD : OUTBOX_REFUSED;
}

/* An application that speaks plain HTTP says no more than yes or no. */
static uint16_t rsc_of(const struct outbound_answer *a, enum outbox_outcome outcome)
{
    return a->rsc != 0 ? a->rsc : outcome == OUTBOX_TOLD ? RSC_OK : outcome == OUTBOX_REFUSED ? RSC_BAD_REQUEST : 0;
}

static void tick_cb(uv_timer_t *h);

static void told(void *arg, const struct job_result *r)
{
    struct notifier_sending *s = arg;
    s->used = false;
    s->n->again = true;
    (void)uv_timer_start(&s->n->tick, tick_cb, 0, TICK_MS); /* the next event of its queue goes at once */
    if (r->err != ERR_OK && r->err != ERR_NOT_FOUND) { /* it will be told once more: better than never */
        leave_alone(s->n, s->role, s->target);
    }
}

static void settle(struct notifier_sending *s, enum outbox_outcome outcome)
{
    struct job j;
    s->done.outcome = outcome;
    job_init(&j, JOB_TOLD, s->role, clock_now());
    j.told = &s->done;
    if (intake_submit(s->n->intake, &j, told, s) != ERR_OK) {
        s->used = false;
        leave_alone(s->n, s->role, s->target);
    }
}

static void answered(void *owner, const struct outbound_answer *a)
{
    struct notifier_sending *s = owner;
    struct notifier *n = s->n;
    enum outbox_outcome outcome = notifier_outcome(a);
    if (outcome == OUTBOX_AWAY) {
        leave_alone(n, s->role, s->target);
    } else if (*find(n, s->role, s->target) != NULL) {
        forget(n, s->role, s->target);
        log_event(ERR_LEVEL_INFO, "target-back", (struct log_field[]){{"target", text_of(s->target + 2)}}, 1);
    }
    s->done.rsc = rsc_of(a, outcome);
    if (outcome == OUTBOX_REFUSED) {
        char status[8];
        struct writer w = WRITER_ARRAY(status);
        writer_decimal(&w, a->rsc != 0 ? a->rsc : a->status);
        log_event(ERR_LEVEL_NOTICE, "notification-refused",
                  (struct log_field[]){{"target", text_of(s->target + 2)}, {"status", writer_view_text(&w)}}, 2);
    }
    settle(s, outcome);
}

/* -- telling ----------------------------------------------------------------------------------------------------- */
static struct notifier_sending *take(struct notifier *n, size_t role, const struct outbox_item *item, const char *target)
{
    for (size_t i = 0; i < NOTIFIER_SENDING_MAX; i++) {
        struct notifier_sending *s = &n->sending[i];
        if (!s->used) {
            *s = (struct notifier_sending){.used = true, .n = n, .role = role, .done.number = item->number};
            memcpy(s->target, target, sizeof(s->target));
            memcpy(s->done.queue, item->queue, sizeof(s->done.queue));
            return s;
        }
    }
    return NULL;
}

static void tell(struct notifier *n, size_t role, const struct outbox_item *item)
{
    char target[512];
    target_name(item->queue, target);
    if (item->verdict == OUTBOX_HOLD) {
        hold(n, role, item);
    }
    if (item->verdict == OUTBOX_HOLD || item->verdict == OUTBOX_UNSEEN) {
        return;
    }
    struct notifier_sending *s = take(n, role, item, target);
    if (s == NULL) {
        n->again = true;
        return;
    }
    if (item->verdict == OUTBOX_DROP) {
        settle(s, OUTBOX_DROPPED);
        return;
    }
    struct outbound_request rq = outbound_request_to(&n->snap->roles[role], &item->to, item->path);
    rq.op = OP_NOTIFY;
    rq.rqi = text_of(item->rqi);
    rq.repeatable = true; /* what is not known to be told is told again anyway */
    rq.body = item->body;
    err_t e = outbound_send(n->out, &rq, answered, s);
    if (e == ERR_LIMIT_BUSY) { /* as many as its host may have at once: in its turn */
        s->used = false;
        n->again = true;
    } else if (e != ERR_OK) { /* not listed any more */
        s->used = false;
        leave_alone(n, role, target);
    }
}

/* The next few queues of one role; true when its last one was seen. */
static err_t look_at(struct notifier *n, size_t role, bool *last)
{
    static uint8_t memory[ARENA_SIZE];
    const struct snapshot_role *r = &n->snap->roles[role];
    struct store *store = n->intake->committer.store;
    struct txn t;
    err_t e = r->role->outbox == NULL ? ERR_NOT_FOUND : ERR_OK;
    struct wanting w = {n, role, clock_monotonic()};
    err_t bad = ERR_OK; /* of a queue that cannot be read: it keeps no other waiting */
    TRY(e == ERR_OK ? store_begin(store, false) : ERR_OK);
    size_t seen = 0;
    for (size_t i = 0; e == ERR_OK && seen < LOOK_MAX && i < PASS_MAX; i++) {
        struct outbox_item item = {.queue = ""};
        struct arena arena = arena_of(memory, sizeof(memory));
        txn_init(&t, store, &arena, false);
        txn_enter(&t, r->partition);
        const struct outbox_look look = {text_of(n->after), clock_now(), wanted, &w};
        e = r->role->outbox(r->ctx, &t, &look, &item);
        seen += item.verdict != OUTBOX_UNSEEN;
        if (e == ERR_OK) {
            memcpy(n->after, item.queue, sizeof(n->after));
            tell(n, role, &item);
        } else if (e != ERR_NOT_FOUND && item.queue[0] != '\0') {
            memcpy(n->after, item.queue, sizeof(n->after));
            bad = e;
            e = ERR_OK;
        }
    }
    if (r->role->outbox != NULL) {
        store_rollback(store);
    }
    *last = e != ERR_OK;
    return e == ERR_NOT_FOUND || e == ERR_OK ? bad : e;
}

/* Who was due long ago has nothing waiting for him any more: he is forgotten. */
static bool is_somebody_due(struct notifier *n)
{
    usec_t now = clock_monotonic();
    bool any = false;
    for (struct notifier_target *t = n->targets, *next = NULL; t != NULL; t = next) {
        next = t->next;
        any = any || (t->due <= now && is_free(n, t->role, t->name, now)); /* who is being asked will answer first */
        if (t->due + PATIENCE_MOST <= now && is_free(n, t->role, t->name, now)) {
            forget(n, t->role, t->name);
        }
    }
    return any;
}

static void tick_cb(uv_timer_t *h)
{
    struct notifier *n = h->data;
    bool last = false;
    if (!intake_is_open(n->intake)) { /* the writer of the generation before still has the store */
        return;
    }
    uint64_t changes = store_changes(n->intake->committer.store);
    if (n->role == 0 && n->after[0] == '\0' && changes == n->seen && !n->again && n->wake > clock_monotonic() &&
        !is_somebody_due(n)) {
        return;
    }
    if (n->role == 0 && n->after[0] == '\0') {
        n->seen = changes;
        n->again = false;
        n->wake = USEC_NEVER;
    }
    err_t e = look_at(n, n->role, &last);
    if (e != ERR_OK) {
        log_event(ERR_LEVEL_ERROR, "outbox-failed", (struct log_field[]){{"code", text_of(err_code(e))}}, 1);
    }
    if (last) {
        n->after[0] = '\0';
        n->role = n->role + 1 < n->snap->roles_n ? n->role + 1 : 0;
    }
}

static bool is_needed(const struct snapshot *snap)
{
    for (size_t i = 0; i < snap->roles_n; i++) {
        if (snap->roles[i].role->outbox != NULL) {
            return true;
        }
    }
    return false;
}

/* -- life --------------------------------------------------------------------------------------------------------- */
err_t notifier_start(struct notifier *n, uv_loop_t *loop, const struct snapshot *snap, struct intake *intake)
{
    *n = (struct notifier){.loop = loop, .snap = snap, .intake = intake, .again = true, .wake = USEC_NEVER};
    const size_t most = snap->limits.outbound_per_target;
    const struct outbound_limits limits = {snap->limits.outbound, most < HOST_MAX ? most : HOST_MAX};
    n->sending = calloc(NOTIFIER_SENDING_MAX, sizeof(*n->sending));
    n->held = calloc(NOTIFIER_HELD_MAX, sizeof(*n->held));
    if (n->sending == NULL || n->held == NULL) {
        return ERR_LIMIT_CAPACITY;
    }
    TRY(outbound_new(loop, snap, &limits, &n->out));
    n->tick.data = n;
    bool ok = uv_timer_init(loop, &n->tick) == 0 &&
              (!is_needed(snap) || uv_timer_start(&n->tick, tick_cb, 0, TICK_MS) == 0);
    return ok ? ERR_OK : ERR_IO;
}

/* What is under way ends without a word; it is told again. */
void notifier_stop(struct notifier *n)
{
    (void)uv_timer_stop(&n->tick);
    outbound_free(n->out);
}
