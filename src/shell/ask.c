#include "shell/ask.h"

#include "base/ct.h"
#include "shell/clock.h"
#include "shell/log.h"
#include "shell/outbound_target.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define REMEMBER USEC_PER_SEC /* a bad outcome; so that a stranger's retries cost the MEF one question a second */
#define REMEMBERED_MAX 1024   /* and how many: the oldest go first */

struct ask_entry {
    struct ask_entry *next;
    struct ask *a;
    size_t role;
    struct question q;
    struct ask_waiter *waiters;
    size_t waiters_n;
    bool under_way;
    err_t err;     /* remembered */
    usec_t until;  /* clock_monotonic */
    uint8_t *body; /* of the answer, while the writer looks at it */
    size_t body_n;
};

err_t ask_start(struct ask *a, uv_loop_t *loop, const struct snapshot *snap, struct channel *channel,
                struct metrics *metrics)
{
    *a = (struct ask){.snap = snap, .channel = channel, .metrics = metrics};
    return fetch_new(loop, snap, &a->fetch);
}

/* -- entries ------------------------------------------------------------------------------------------- */
static void forget_old(struct ask *a)
{
    usec_t now = clock_monotonic();
    size_t kept = 0;
    for (struct ask_entry **at = &a->entries; *at != NULL;) { /* the youngest is first */
        struct ask_entry *e = *at;
        kept += e->under_way ? 0 : 1;
        if (!e->under_way && (e->until <= now || kept > REMEMBERED_MAX)) {
            *at = e->next;
            free(e);
        } else {
            at = &e->next;
        }
    }
}

static struct ask_entry *find(struct ask *a, size_t role, const struct question *q)
{
    for (struct ask_entry *e = a->entries; e != NULL; e = e->next) {
        if (e->role == role && e->q.suid == q->suid && strcmp(e->q.key_id.z, q->key_id.z) == 0 /* folded: a B-TID has its case */ && strcasecmp(e->q.peer, q->peer) == 0) {
            return e;
        }
    }
    return NULL;
}

/* What a place is taken by: a handshake that waits, or a question whose handshakes have all gone away. Without the
 * second, a stranger who asks and hangs up would have any number of questions under way. */
static size_t places(const struct ask_entry *e)
{
    return e->waiters_n > 0 ? e->waiters_n : e->under_way ? 1 : 0;
}

static bool is_full(const struct ask *a, const char *peer)
{
    size_t all = 0;
    size_t of_peer = 0;
    for (const struct ask_entry *e = a->entries; e != NULL; e = e->next) {
        all += places(e);
        of_peer += strcasecmp(e->q.peer, peer) == 0 ? places(e) : 0;
    }
    return all >= a->snap->limits.waiting || of_peer >= a->snap->limits.waiting_per_peer;
}

/* -- waiters ------------------------------------------------------------------------------------------- */
static void unlink_waiter(struct ask *a, struct ask_waiter *w)
{
    *w->at = w->next;
    if (w->next != NULL) {
        w->next->at = w->at;
    }
    w->at = NULL;
    w->next = NULL;
    w->entry->waiters_n--;
    w->entry = NULL;
    a->waiting--;
    a->metrics->waiting_now--;
}

void ask_cancel(struct ask *a, struct ask_waiter *w)
{
    if (w->at != NULL) {
        unlink_waiter(a, w);
    }
}

static void wait_for(struct ask *a, struct ask_entry *e, struct ask_waiter *w, ask_fn *fn)
{
    w->fn = fn;
    w->entry = e;
    w->next = e->waiters;
    w->at = &e->waiters;
    if (w->next != NULL) {
        w->next->at = &w->next;
    }
    e->waiters = w;
    e->waiters_n++;
    a->waiting++;
    a->metrics->waiting_now++;
}

static void resolve(struct ask_entry *e, err_t err, const struct secret *key, const struct association *assoc)
{
    struct ask *a = e->a;
    if (e->body != NULL) {
        ct_wipe(e->body, e->body_n);
        free(e->body);
        e->body = NULL;
    }
    if (err != ERR_OK) {
        a->metrics->fetches_failed++;
    }
    e->under_way = false;
    e->err = err;
    e->until = err == ERR_OK ? 0 : clock_monotonic() + REMEMBER;
    while (e->waiters != NULL) { /* a waiter may cancel others: always from the front */
        struct ask_waiter *w = e->waiters;
        unlink_waiter(a, w);
        w->fn(w, err, key, assoc);
    }
}

/* -- answers ------------------------------------------------------------------------------------------- */
static void decided(void *owner, const struct job_result *r)
{
    struct ask_entry *e = owner;
    if (r == NULL) {
        resolve(e, ERR_STORE, NULL, NULL);
    } else {
        resolve(e, r->err, &r->key, &r->assoc);
    }
}

/* A word when a peer goes, and when it comes back: between them each handshake that it fails is a line of its own. */
static void note(struct ask *a, const char *peer, err_t e)
{
    const struct snapshot_peer *p = snapshot_peer_of(a->snap, peer);
    err_t *last = p == NULL ? NULL : &a->away[p - a->snap->peers];
    if (last == NULL || *last == e) {
        return;
    }
    bool back = e == ERR_OK;
    *last = e;
    log_event(back ? ERR_LEVEL_INFO : ERR_LEVEL_WARN, back ? "authority-back" : "authority-away",
              (struct log_field[]){{"peer", text_of(peer)}, {"code", text_of(err_code(e))}}, 2);
}

static void answered(void *owner, const struct answer *answer)
{
    struct ask_entry *e = owner;
    struct job j;
    job_init(&j, JOB_ANSWER, e->role, clock_now());
    j.question = &e->q;
    j.answer = *answer;
    note(e->a, e->q.peer, answer->err);
    if (answer->body.n > 0) {
        e->body = malloc(answer->body.n);
        if (e->body == NULL) {
            resolve(e, ERR_LIMIT_BUSY, NULL, NULL);
            return;
        }
        memcpy(e->body, answer->body.p, answer->body.n);
        e->body_n = answer->body.n;
        j.answer.body = bytes_of(e->body, e->body_n);
    }
    err_t err = channel_submit(e->a->channel, &j, decided, e);
    if (err != ERR_OK) {
        resolve(e, err, NULL, NULL);
    }
}

static err_t start(struct ask *a, size_t role, const struct question *q, struct ask_entry **out)
{
    struct ask_entry *e = calloc(1, sizeof(*e));
    if (e == NULL) {
        return ERR_LIMIT_BUSY;
    }
    e->a = a;
    e->role = role;
    e->q = *q;
    e->under_way = true;
    err_t err = fetch_get(a->fetch, &a->snap->roles[role], q, answered, e);
    e->q.body = bytes_empty(); /* it was borrowed */
    if (err != ERR_OK) {
        free(e);
        return err;
    }
    e->next = a->entries;
    a->entries = e;
    a->metrics->fetches++;
    *out = e;
    return ERR_OK;
}

err_t ask_key(struct ask *a, size_t role, const struct question *q, struct ask_waiter *w, ask_fn *fn)
{
    const bool notifies = q->body.n > 0 && !q->to_peer;
    if (!notifies && snapshot_peer_of(a->snap, q->peer) == NULL) {
        return ERR_DENIED_PEER;
    }
    TRY(notifies ? outbound_target_check(a->snap, q->peer) : ERR_OK);
    forget_old(a);
    struct ask_entry *e = find(a, role, q);
    if (e != NULL && !e->under_way) {
        return e->err;
    }
    if (is_full(a, q->peer)) {
        return ERR_LIMIT_BUSY;
    }
    if (e == NULL) {
        TRY(start(a, role, q, &e));
    } else {
        a->metrics->fetches_joined++;
    }
    wait_for(a, e, w, fn);
    return ERR_OK;
}
