#include "shell/committer.h"


#include "base/ct.h"
#include "role/naming.h"
#include "role/dispatch.h"
#include "shell/instances.h"
#include "shell/log.h"
#include "store/seal_proof.h"
#include "store/store_cached.h"
#include "store/store_sqlite.h"
#include "store/store_volatile.h"
#include "wire/coap_binding.h"
#include "wire/http_binding.h"

#include <stdlib.h>
#include <string.h>

#define CACHE_OCTETS (16u << 20)
#define ARENA_SIZE (4u << 20)
#define BODIES_SIZE (8u << 20)
#define SCRATCH_EXTRA (32u << 10)
#define WAL_PAGES_LONG 4000
#define SIGN_EVENTS 4096
#define SIGN_TIME (60 * USEC_PER_SEC)

err_t committer_init(struct committer *c, const struct snapshot *snap, struct metrics *metrics)
{
    *c = (struct committer){.snap = snap, .metrics = metrics};
    c->arena = malloc(ARENA_SIZE);
    c->bodies = malloc(BODIES_SIZE);
    c->scratch = malloc(snap->limits.message + SCRATCH_EXTRA);
    return c->arena == NULL || c->bodies == NULL || c->scratch == NULL ? ERR_LIMIT_CAPACITY : ERR_OK;
}

/* -- one job --------------------------------------------------------------------------------------- */
static const struct role *role_of(const struct committer *c, const struct job *j)
{
    return c->snap->roles[j->role].role;
}

/* As much as there is, not as much as there may be; both ends have the same room. */
static void keep(struct text t, char *to, size_t cap)
{
    if (text_copy(t, to, cap) != ERR_OK) {
        to[0] = '\0';
    }
}

static void set_object(struct committer *c, struct text t)
{
    keep(text_take(t, sizeof(c->object) - 1), c->object, sizeof(c->object));
}

static struct writer body_room(const struct committer *c)
{
    return writer_of(c->bodies + c->bodies_n, COMMITTER_BODY_MAX);
}

static void take_response(struct committer *c, const struct response *rs, struct job_result *r)
{
    r->rsc = rs->rsc;
    keep(text_of(rs->location), r->location, sizeof(r->location));
    keep(text_of(rs->headers), r->headers, sizeof(r->headers));
    keep(text_of(rs->ati), r->ati, sizeof(r->ati));
    keep(text_of(rs->detail), r->detail, sizeof(r->detail));
    r->body = writer_view(&rs->body);
    r->media = rs->media;
    if (rs->vector.asked) {
        r->vector = rs->vector;
    }
    c->bodies_n += rs->body.n;
}

static void primitive_scope(struct primitive *p)
{
    http_binding_wipe(p);
}

static err_t parse_http(const struct committer *c, struct bytes octets, struct writer *scratch, struct primitive *out)
{
    struct http1_request http;
    size_t used = 0;
    char detail[96] = "";
    TRY(http1_parse(octets, c->snap->limits.message, &http, &used));
    return used == 0 ? ERR_BUG : http_binding_parse(&http, scratch, out, detail);
}

static err_t parse_coap(const struct committer *c, struct bytes octets, struct writer *scratch, struct primitive *out)
{
    (void)c;
    struct coap_message coap;
    char detail[96] = "";
    TRY(coap_parse(octets, &coap));
    return coap_binding_parse(&coap, scratch, out, detail);
}

/* The worker has parsed the same octets already, so a failure here is a fault of ours. In this process it may have left what it found. */
static err_t primitive_of(struct committer *c, const struct job *j, struct primitive *own, struct primitive **out)
{
    static err_t (*const parse[])(const struct committer *, struct bytes, struct writer *, struct primitive *) = {
        [JOB_HTTP] = parse_http, [JOB_COAP] = parse_coap};
    if (j->parsed != NULL && !j->parsed->used) {
        j->parsed->used = true;
        *out = &j->parsed->prim;
        return ERR_OK;
    }
    struct writer scratch = writer_of(c->scratch, c->snap->limits.message + SCRATCH_EXTRA);
    *out = own;
    return parse[j->binding](c, j->octets, &scratch, own);
}

static err_t run_request(struct committer *c, const struct job *j, struct txn *t, struct job_result *r)
{
    SCOPED(primitive_scope) struct primitive own;
    struct primitive *prim = NULL;
    struct response rs;
    own.pc = NULL;
    rs.detail[0] = '\0';
    rs.location[0] = '\0';
    rs.headers[0] = '\0';
    rs.vector.asked = false;
    rs.ati[0] = '\0';
    rs.body = body_room(c);
    err_t e = primitive_of(c, j, &own, &prim);
    if (e != ERR_OK) {
        dispatch_refuse(&rs, e);
    } else {
        set_object(c, prim->path);
        prim->verified = j->verified;
        const struct request rq = {.prim = prim, .assoc = j->assoc, .exported = &j->exported, .ip = j->ip, .now = j->now,
                                   .vector = j->vector};
        e = dispatch_run(role_of(c, j), c->snap->roles[j->role].ctx, &rq, t, &rs);
    }
    take_response(c, &rs, r);
    return e;
}

static err_t run_established(struct committer *c, const struct job *j, struct txn *t, struct job_result *r)
{
    set_object(c, text_of(j->assoc->key_id.z));
    r->assoc = *j->assoc;
    return dispatch_established(role_of(c, j), c->snap->roles[j->role].ctx, &r->assoc, &j->exported, t, j->now);
}

static void role_psk_scope(struct role_psk *p)
{
    secret_wipe(&p->key);
}

static err_t run_answer(struct committer *c, const struct job *j, struct txn *t, struct job_result *r)
{
    set_object(c, text_of(j->question->key_id.z));
    SCOPED(role_psk_scope) struct role_psk psk = {0};
    const struct dispatch_asked asked = {j->question, &j->answer, j->now};
    TRY(dispatch_answer(role_of(c, j), c->snap->roles[j->role].ctx, &asked, t, &psk));
    r->assoc = psk.assoc;
    r->key = psk.key;
    return ERR_OK;
}

/* Of somebody who was refused in the handshake: the peer has proved nothing, so it is not a refusal of dispatch. */
static err_t run_refused(struct committer *c, const struct job *j, struct txn *t, struct job_result *r)
{
    (void)c;
    (void)r;
    struct audit_event e = {.kind = j->refusal.key ? AUDIT_HANDSHAKE_REFUSED : AUDIT_CERTIFICATE_REFUSED,
                            .time = j->now,
                            .outcome = j->refusal.why};
    memcpy(e.peer, j->refusal.peer, sizeof(j->refusal.peer));
    memcpy(e.object, j->refusal.shown, sizeof(e.object));
    return txn_audit(t, &e);
}

static err_t run_heard(struct committer *c, const struct job *j, struct txn *t, struct job_result *r)
{
    set_object(c, text_of(j->question->peer));
    return role_of(c, j)->heard(c->snap->roles[j->role].ctx, j->question, &j->answer, t, j->now, &r->more);
}

static err_t run_told(struct committer *c, const struct job *j, struct txn *t, struct job_result *r)
{
    (void)r;
    return role_of(c, j)->told(c->snap->roles[j->role].ctx, t, j->told, j->now);
}

static err_t run_returned(struct committer *c, const struct job *j, struct txn *t, struct job_result *r)
{
    set_object(c, text_of(j->errand->peer));
    return role_of(c, j)->returned(c->snap->roles[j->role].ctx, j->errand, j->returned, t, j->now, &r->why);
}

static err_t run_named(struct committer *c, const struct job *j, struct txn *t, struct job_result *r)
{
    (void)r;
    set_object(c, text_of(j->named->name.z));
    return role_of(c, j)->named(c->snap->roles[j->role].ctx, j->named, j->named_err, t, j->now);
}

static err_t run_ctl(struct committer *c, const struct job *j, struct txn *t, struct job_result *r)
{
    struct writer out = body_room(c);
    struct ctl_request rq = {j->ctl_args, j->now};
    TRY(j->ctl->handler(j->ctl_ctx, &rq, t, &out, r->detail));
    TRY(writer_finish(&out));
    r->body = writer_view(&out);
    c->bodies_n += out.n;
    return ERR_OK;
}

typedef err_t run_fn(struct committer *c, const struct job *j, struct txn *t, struct job_result *r);
static run_fn *const runs[] = {
    [JOB_REQUEST] = run_request,
    [JOB_ESTABLISHED] = run_established,
    [JOB_ANSWER] = run_answer,
    [JOB_CTL] = run_ctl,
    [JOB_REFUSED] = run_refused,
    [JOB_HEARD] = run_heard,
    [JOB_TOLD] = run_told,
    [JOB_RETURNED] = run_returned,
    [JOB_NAMED] = run_named,
};


/* Runs one job inside the open transaction; an error returned dooms the transaction, r->err is the job's own. */
static err_t run_one(struct committer *c, const struct job *j, struct job_result *r, bool *dirty)
{
    struct arena arena = arena_of(c->arena, ARENA_SIZE);
    struct txn t;
    job_result_init(j, r);
    txn_init(&t, c->store, &arena, true);
    c->object[0] = '\0';
    bool known = (unsigned)j->kind < ARRAY_LEN(runs) && runs[j->kind] != NULL && j->role < c->snap->roles_n;
    txn_enter(&t, known ? c->snap->roles[j->role].partition : text_empty());
    r->err = known ? runs[j->kind](c, j, &t, r) : ERR_BUG;
    bool peer = j->kind == JOB_REQUEST || j->kind == JOB_ESTABLISHED;
    struct dispatch_about about = {peer ? j->assoc : NULL, text_of(c->object), j->now};
    uint64_t before = c->chain.next;
    TRY(dispatch_keep(&t, r->err, &about, c->snap->env.crypto, &c->chain));
    *dirty = *dirty || ((r->err == ERR_OK || t.keep) && txn_is_durable(&t)) || c->chain.next != before;
    return ERR_OK;
}

/* -- a batch --------------------------------------------------------------------------------------- */
static void fail_one(struct committer *c, const struct job *j, struct job_result *r, err_t why)
{
    job_result_wipe(r);
    job_result_init(j, r);
    r->err = why;
    if (j->kind == JOB_REQUEST) {
        struct response rs;
        rs.detail[0] = '\0';
        rs.body = body_room(c);
        dispatch_refuse(&rs, why);
        take_response(c, &rs, r);
    }
}

static err_t finish(struct committer *c, bool dirty)
{
    if (!dirty) { /* nothing to make durable */
        store_rollback(c->store);
        return ERR_OK;
    }
    TRY(store_commit(c->store));
    c->metrics->batches++;
    c->unmoved++;
    return ERR_OK;
}

/* Runs jobs until all are done or the room for bodies is short; *n = how many. *own: one job could not be kept. */
static err_t transaction(struct committer *c, const struct job *jobs, size_t *n, struct job_result *results, bool *own)
{
    bool dirty = false;
    TRY(store_begin(c->store, true));
    size_t i = 0;
    for (; i < *n && (i == 0 || BODIES_SIZE - c->bodies_n >= COMMITTER_BODY_MAX); i++) {
        err_t e = run_one(c, &jobs[i], &results[i], &dirty);
        if (e != ERR_OK) {
            store_rollback(c->store);
            *n = i + 1;
            *own = true;
            return e;
        }
    }
    *n = i;
    return finish(c, dirty);
}

static err_t attempt(struct committer *c, const struct job *jobs, size_t *n, struct job_result *results, bool *own)
{
    struct audit_chain before = c->chain;
    size_t bodies = c->bodies_n;
    err_t e = transaction(c, jobs, n, results, own);
    if (e != ERR_OK) {
        c->chain = before;
        ct_wipe(c->bodies + bodies, c->bodies_n - bodies);
        c->bodies_n = bodies;
        c->metrics->batches_failed++;
    }
    return e;
}

static void fail_all(struct committer *c, const struct job *jobs, size_t n, struct job_result *results, err_t why)
{
    for (size_t i = 0; i < n; i++) {
        fail_one(c, &jobs[i], &results[i], why);
    }
}

/* A full disk under load is one line a second, not one a batch. */
static void log_failure(struct committer *c, err_t e, usec_t now)
{
    if (now - c->failed_at >= USEC_PER_SEC || now < c->failed_at) {
        c->failed_at = now;
        log_event(ERR_LEVEL_ERROR, "commit-failed",
                  (struct log_field[]){{"code", text_of(err_code(e))},
                                       {"text", text_of(err_info(e)->text)},
                                       {"hint", text_of(err_info(e)->hint)},
                                       {"store", text_of(c->snap->store)}},
                  4);
    }
}

size_t committer_run(struct committer *c, const struct job *jobs, size_t n, struct job_result *results)
{
    n = n < COMMITTER_BATCH_MAX ? n : COMMITTER_BATCH_MAX;
    bool own = false;
    err_t e = c->store == NULL ? ERR_STORE_LOCKED : attempt(c, jobs, &n, results, &own);
    if (e != ERR_OK && own && n > 1) { /* one job spoilt the transaction of the others: each gets its own */
        n = 1;
        own = false;
        e = attempt(c, jobs, &n, results, &own);
    }
    if (e != ERR_OK) {
        log_failure(c, e, jobs[0].now);
        fail_all(c, jobs, n, results, e);
    }
    c->metrics->jobs += n;
    c->metrics->batch_max = n > c->metrics->batch_max ? n : c->metrics->batch_max;
    return n;
}

void committer_forget(struct committer *c)
{
    ct_wipe(c->bodies, c->bodies_n);
    c->bodies_n = 0;
}

/* -- housekeeping ------------------------------------------------------------------------------------ */
/* One transaction of the role at a time is limited; all of them are one of the store. */
static err_t seed(struct committer *c, const struct snapshot_role *r, struct arena *arena, usec_t now)
{
    size_t staged = r->role->seed != NULL;
    while (staged > 0) {
        struct txn t;
        arena_reset(arena);
        txn_init(&t, c->store, arena, true);
        txn_enter(&t, r->partition);
        TRY(r->role->seed(r->ctx, &t, now));
        staged = t.staged_n;
        struct dispatch_about about = {NULL, text_empty(), now};
        TRY(dispatch_keep(&t, ERR_OK, &about, c->snap->env.crypto, &c->chain));
    }
    return ERR_OK;
}

static err_t take_over(struct committer *c, usec_t now)
{
    struct arena arena = arena_of(c->arena, ARENA_SIZE);
    const struct crypto *crypto = c->snap->env.crypto;
    char detail[ROLE_DETAIL_MAX];
    TRY(seal_proof_check(&c->snap->sealer, c->store, &arena));
    TRY(audit_chain_load(c->store, crypto, &arena, &c->chain));
    TRY(instances_check(c->snap, c->store, detail));
    TRY(instances_note(c->snap, c->store));
    for (size_t i = 0; i < c->snap->roles_n; i++) {
        const struct snapshot_role *r = &c->snap->roles[i];
        TRY(seed(c, r, &arena, now));
    }
    struct audit_event started = {.kind = AUDIT_STARTED, .time = now, .outcome = ERR_OK};
    return audit_chain_append(c->store, crypto, &c->chain, &started);
}

static err_t open_store(struct committer *c, usec_t now)
{
    uint64_t secret = 0;
    struct store *inner = NULL;
    TRY(c->snap->env.crypto->random((uint8_t *)&secret, sizeof(secret)));
    TRY(store_sqlite_open(c->snap->store, STORE_SQLITE_WRITER, NULL, &inner));
    TRY(store_cached_open(inner, CACHE_OCTETS, secret, &inner));
    TRY(store_volatile_open(inner, c->snap->limits.records_in_memory, secret, &c->store));
    TRY(store_begin(c->store, true));
    err_t e = take_over(c, now);
    if (e != ERR_OK) {
        store_rollback(c->store);
        return e;
    }
    return store_commit(c->store);
}

err_t committer_open(struct committer *c, usec_t now)
{
    err_t e = open_store(c, now);
    if (e != ERR_OK) {
        store_close(c->store);
        c->store = NULL;
        return e;
    }
    c->signed_at = now;
    return ERR_OK;
}

static err_t sign_chain(struct committer *c, usec_t now)
{
    TRY(store_begin(c->store, true));
    err_t e = audit_checkpoint(c->store, c->snap->env.crypto, &c->chain, secret_view(&c->snap->audit_key), now);
    if (e != ERR_OK) {
        store_rollback(c->store);
        return e;
    }
    return store_commit(c->store);
}

static void sign(struct committer *c, usec_t now)
{
    err_t e = sign_chain(c, now);
    c->signed_at = now; /* also after a failure: not again at once */
    if (e != ERR_OK) {
        log_event(ERR_LEVEL_ERROR, "audit-checkpoint-failed", (struct log_field[]){{"code", text_of(err_code(e))}}, 1);
        return;
    }
    c->signed_next = c->chain.next;
    c->metrics->checkpoints++;
}

static struct store *file_of(const struct committer *c)
{
    return store_cached_inner(store_volatile_inner(c->store));
}

void committer_rest(struct committer *c, bool idle, usec_t now)
{
    if (c->store == NULL) {
        return;
    }
    uint64_t unsigned_events = c->chain.next - c->signed_next;
    bool due = now - c->signed_at >= SIGN_TIME || now < c->signed_at || unsigned_events >= SIGN_EVENTS;
    if (unsigned_events > 0 && due) {
        sign(c, now);
    }
    if (c->unmoved > 0 && (idle || store_sqlite_wal_pages(file_of(c)) >= WAL_PAGES_LONG)) {
        err_t e = store_sqlite_checkpoint(file_of(c));
        c->unmoved = 0;
        if (e != ERR_OK) {
            log_event(ERR_LEVEL_WARN, "wal-checkpoint", (struct log_field[]){{"code", text_of(err_code(e))}}, 1);
        }
    }
}

void committer_close(struct committer *c, usec_t now)
{
    if (c->store == NULL) {
        return;
    }
    if (c->chain.next != c->signed_next) {
        sign(c, now);
    }
    store_close(c->store);
    c->store = NULL;
}
