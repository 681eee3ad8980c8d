#include "shell/exchange.h"

#include "base/ct.h"
#include "role/dispatch.h"
#include "shell/clock.h"
#include "shell/forward.h"
#include "shell/log.h"
#include "shell/ua_gate.h"
#include "shell/verify.h"
#include "wire/binding.h"

#include <stdlib.h>
#include <string.h>

enum { RSC_CHALLENGE = 4199 };
#define ASK_MOST 6 /* questions to authorities for one request */
#define POLL_TIME (20 * USEC_PER_SEC) /* that a request waits for something to come if it does not say how long */

/* -- the answer -------------------------------------------------------------------------------------- */
static void answer(struct conn *c, struct primitive_response *r)
{
    struct worker *w = c->w;
    struct writer room = writer_of(w->form, WORKER_BODY_MAX);
    char proof[UA_GATE_INFO_MAX];
    binding_answer(c->accept, r, &room);
    r->auth_info = ua_gate_answer(c, r->body, proof); /* over the octets that go out */
    c->way->answer(c, r);
    ct_wipe(w->form, room.n); /* an answer may carry a key */
}

static void note_refusal(struct conn *c, err_t e, const char *detail)
{
    char name[64];
    const bool by_nobody = c->listener->digest && !c->admitted; /* whoever proved the request before: this one is not his */
    metrics_refused(c->w->metrics, e);
    log_refusal_of(e, &(struct log_refused){.instance = conn_role(c)->partition,
                                            .peer = by_nobody ? conn_where(c, name, sizeof(name)) : conn_name(c, name, sizeof(name)),
                                            .detail = text_of(detail),
                                            .audited = !by_nobody && dispatch_is_audited(e, &c->assoc)});
}

static struct primitive_response reply(const struct conn *c, const struct response *rs)
{
    struct primitive prim = {.rqi = text_of(c->rqi), .rvi = text_of(c->rvi)};
    return dispatch_reply(&prim, rs);
}

static void refuse_as(struct conn *c, err_t e, const char *detail, const char *headers)
{
    struct response rs;
    rs.body = writer_of(c->w->body, WORKER_BODY_MAX);
    if (TEXT_COPY(text_take(text_of(detail), sizeof(rs.detail) - 1), rs.detail) != ERR_OK) {
        rs.detail[0] = '\0';
    }
    note_refusal(c, e, rs.detail);
    dispatch_refuse(&rs, e);
    if (headers != NULL && TEXT_COPY(text_of(headers), rs.headers) == ERR_OK) {
        rs.rsc = RSC_CHALLENGE;
    }
    struct primitive_response r = reply(c, &rs);
    answer(c, &r);
}

void exchange_refuse(struct conn *c, err_t e, const char *detail)
{
    refuse_as(c, e, detail, NULL);
}

void exchange_challenge(struct conn *c, err_t e, const char *headers)
{
    refuse_as(c, e, "", headers);
}

/* -- what somebody else must answer ------------------------------------------------------------------------ */
/* It is looked at once more in any case: what it waits for may have come before it waited. A binding that cannot wait is told so. */
static void wait_for_it(struct conn *c)
{
    static const struct role_wait soon = {.set = true, .due = 0};
    if (!conn_park(c, c->patience, &soon)) {
        exchange_refuse(c, ERR_TARGET_AWAY, "it cannot be waited for");
        conn_resume(c);
    }
}

/* -- in the writer ------------------------------------------------------------------------------------- */
/* A writer in this process need not parse what stays where it is until it is answered. */
static struct job_parsed *parsed_of(const struct conn *c, const struct primitive *p)
{
    bool stays = p != NULL && c->in_place && c->w->channel.local != NULL;
    struct job_parsed *parsed = stays ? malloc(sizeof(*parsed)) : NULL;
    if (parsed != NULL) {
        parsed->prim = *p;
        parsed->used = false;
        (void)json_incref(p->pc);
    }
    return parsed;
}

static void parsed_drop(struct conn *c)
{
    if (c->parsed != NULL) {
        json_decref(c->parsed->prim.pc);
        free(c->parsed);
        c->parsed = NULL;
    }
}

static void job_done(void *owner, const struct job_result *r)
{
    struct conn *c = owner;
    worker_view_renew(c->w);
    parsed_drop(c);
    if (!conn_unpin(c)) {
        return;
    }
    if (r == NULL) { /* nobody knows whether it was done: no answer */
        conn_close(c);
        return;
    }
    if (r->err == ERR_OK && r->rsc == ROLE_RSC_LATER) {
        wait_for_it(c);
        return;
    }
    c->park_until = 0;
    if (c->given_export && r->err == ERR_OK) {
        c->export_used = true;
    }
    if (r->err != ERR_OK) {
        note_refusal(c, r->err, r->detail);
    }
    struct primitive_response p = {
        .rsc = r->rsc,
        .rqi = text_of(c->rqi),
        .rvi = text_of(c->rvi),
        .location = text_of(r->location),
        .headers = text_of(r->headers),
        .ati = text_of(r->ati),
        .body = r->body,
        .media = r->media,
    };
    answer(c, &p);
    conn_resume(c);
}

/* `p`: the request, if no handler has seen it yet; or NULL. */
static void to_writer(struct conn *c, const struct primitive *p, const struct keys_export *x, usec_t now)
{
    SCOPED(job_wipe) struct job j = conn_job(c, JOB_REQUEST, now);
    j.exported = *x;
    err_t e = c->way->octets(c, &j.octets);
    c->busy = e == ERR_OK;
    if (e == ERR_OK) {
        j.parsed = c->parsed = parsed_of(c, p);
        e = channel_submit(&c->w->channel, &j, job_done, c);
    }
    if (e != ERR_OK) {
        parsed_drop(c);
        c->busy = false;
        c->park_until = 0; /* the next request is another one: it must not be served as one that has waited, which writes nothing */
        exchange_refuse(c, e, "");
    }
}

/* -- here -------------------------------------------------------------------------------------------- */
/* Without its export. */
static struct request request_of(const struct conn *c, const struct primitive *p, usec_t now)
{
    static const struct keys_export none;
    bool final = c->park_until != 0 && c->park_until <= clock_monotonic();
    return (struct request){.prim = p, .assoc = &c->assoc, .exported = &none, .ip = c->ip, .now = now, .final = final};
}

static err_t run_here(struct conn *c, const struct primitive *p, usec_t now, struct response *rs)
{
    struct txn t;
    struct arena arena;
    const struct request rq = request_of(c, p, now);
    rs->body = writer_of(c->w->body, WORKER_BODY_MAX);
    rs->detail[0] = '\0';
    err_t e = worker_view(c->w, c->role, &t, &arena);
    if (e != ERR_OK) {
        dispatch_refuse(rs, e);
        return e;
    }
    return dispatch_run(conn_role(c)->role, conn_role(c)->ctx, &rq, &t, rs);
}

/* The export is taken for the route that wants it, once a session (CHOICE-10); never where the handshake authenticated no client: who is in
 * the middle of such a session has it, too. */
static err_t take_export(struct conn *c, const struct route *route, struct keys_export *x)
{
    const char *label = conn_role(c)->role->export_label;
    c->given_export = false;
    if (route == NULL || (route->flags & ROUTE_EXPORT) == 0 || c->tls == NULL || label == NULL || c->export_used ||
        c->assoc.by_digest) {
        return ERR_OK;
    }
    TRY(tls_export(c->tls, label, x));
    c->given_export = true;
    return ERR_OK;
}

/* -- for another CSE --------------------------------------------------------------------------------------- */
static void forwarded(struct conn *c, err_t e, struct primitive_response *r)
{
    worker_view_renew(c->w);
    if (!conn_unpin(c)) {
        return;
    }
    if (e == ERR_OK) {
        r->rqi = text_of(c->rqi);
        r->rvi = text_of(c->rvi);
        answer(c, r);
    } else {
        exchange_refuse(c, e, "to whom it was sent on");
    }
    conn_resume(c);
}

/* True: it is answered already, or waits for the next CSE and goes on in forwarded(). */
static bool forwards(struct conn *c, const struct primitive *p, usec_t now)
{
    const struct snapshot_role *r = conn_role(c);
    const struct request rq = request_of(c, p, now);
    struct hop to = {.whole = false};
    struct txn t;
    struct arena arena;
    if (r->role->hop == NULL || worker_view(c->w, c->role, &t, &arena) != ERR_OK ||
        r->role->hop(r->ctx, &rq, &t, &to) != ERR_OK) {
        return false;
    }
    err_t e = forward_send(c, p, &to, now, forwarded);
    c->busy = e == ERR_OK;
    if (e != ERR_OK) {
        exchange_refuse(c, e, "to whom it was sent on");
    }
    return true;
}

/* -- what must be known first ------------------------------------------------------------------------------ */
/* Whether the answer came or not: the request is served once more, and the handler says what it thinks of it. */
static void asked(struct ask_waiter *waiter, err_t e, const struct secret *key, const struct association *a)
{
    (void)e;
    (void)key;
    (void)a;
    conn_again((struct conn *)((char *)waiter - offsetof(struct conn, waiter)));
}

/* True: the request waits for another authority, and goes on in asked(). What was answered already is not asked again. */
static bool asks(struct conn *c, const struct primitive *p, usec_t now)
{
    const struct snapshot_role *r = conn_role(c);
    const struct request rq = request_of(c, p, now);
    struct question q = {.suid = 0};
    struct txn t;
    struct arena arena;
    if (r->role->need == NULL || c->asked == ASK_MOST || worker_view(c->w, c->role, &t, &arena) != ERR_OK ||
        r->role->need(r->ctx, &rq, &t, &q) != ERR_OK ||
        (c->asked > 0 && strcmp(c->asked_last.z, q.key_id.z) == 0)) {
        return false;
    }
    c->busy = ask_key(&c->w->ask, c->role, &q, &c->waiter, asked) == ERR_OK;
    c->asked += c->busy ? 1 : 0;
    c->asked_last = q.key_id;
    return c->busy;
}

/* -- who must agree first ------------------------------------------------------------------------------------ */
static void verified(struct conn *c, err_t e, const char *detail)
{
    static const struct keys_export none;
    worker_view_renew(c->w);
    if (!conn_unpin(c)) {
        return;
    }
    c->verified = e == ERR_OK ? c->verified : 0;
    if (e == ERR_OK) {
        to_writer(c, NULL, &none, clock_now());
    } else {
        exchange_refuse(c, e, detail);
    }
    if (!c->busy) {
        conn_resume(c);
    }
}

/* True: it is answered already, or waits for them and goes on in verified(). */
static bool verifies(struct conn *c, const struct primitive *p, usec_t now)
{
    const struct snapshot_role *r = conn_role(c);
    const struct request rq = request_of(c, p, now);
    struct outbox_verify what; /* too large to be cleared for every request */
    what.n = 0;
    what.who = 0;
    what.detail[0] = '\0';
    struct txn t;
    struct arena arena;
    if (r->role->verify == NULL || r->role->verify(r->ctx, &rq, NULL, &what) != ERR_OK ||
        worker_view(c->w, c->role, &t, &arena) != ERR_OK) {
        return false;
    }
    c->in_place = false; /* what is rehearsed may change the content */
    err_t e = r->role->verify(r->ctx, &rq, &t, &what);
    if (e == ERR_NOT_FOUND) {
        return false;
    }
    e = e == ERR_OK ? verify_ask(c, &what, verified) : e;
    c->busy = e == ERR_OK;
    c->verified = e == ERR_OK ? what.who : 0; /* if they agree */
    if (e != ERR_OK) {
        exchange_refuse(c, e, what.detail);
    }
    return true;
}

static usec_t patience_of(const struct primitive *p, usec_t now)
{
    usec_t end = primitive_end(p, now);
    return end == USEC_NEVER ? POLL_TIME : end - now;
}

void exchange_serve(struct conn *c, const struct primitive *p)
{
    usec_t now = clock_now();
    const struct route *route = NULL;
    c->patience = patience_of(p, now);
    err_t e = dispatch_route(conn_role(c)->role, p, &c->assoc, &route);
    bool again = c->park_until != 0; /* it has waited for something: what was to be written was */
    bool write = e == ERR_OK && (route->flags & (ROUTE_WRITES | ROUTE_EXPORT)) != 0 && !again;
    if (c->assoc.not_after <= now) {
        c->last = true;
        write = false;
    }
    if (e == ERR_OK && !c->last && !again && forwards(c, p, now)) {
        return;
    }
    if (!write) {
        struct response rs;
        e = run_here(c, p, now, &rs);
        if (e != ERR_OK && rs.wait.set && !c->last && conn_park(c, c->patience, &rs.wait)) {
            return;
        }
        if (e == ERR_OK && rs.rsc == ROLE_RSC_NOW) {
            static const struct keys_export none;
            to_writer(c, NULL, &none, now);
            return;
        }
        c->park_until = 0;
        if (!dispatch_is_audited(e, &c->assoc)) {
            if (e != ERR_OK) {
                note_refusal(c, e, rs.detail);
            }
            struct primitive_response r = reply(c, &rs);
            answer(c, &r);
            return;
        }
    } /* a refusal that is audited is the writer's: it decides again and writes the event */
    bool lacks = write || e == ERR_DENIED_PRIVILEGE || e == ERR_TOKEN_UNKNOWN; /* what is only read is refused first: somebody else may permit it */
    if (lacks && route != NULL && (route->flags & ROUTE_ASKS) != 0 && asks(c, p, now)) {
        return;
    }
    if (write && verifies(c, p, now)) {
        return;
    }
    SCOPED(keys_export_wipe) struct keys_export x = {0};
    e = take_export(c, route, &x);
    if (e != ERR_OK) {
        exchange_refuse(c, e, "");
        return;
    }
    to_writer(c, write ? p : NULL, &x, now);
}

/* -- what was asked ----------------------------------------------------------------------------------------- */
void exchange_remember(struct conn *c, const struct primitive *p)
{
    c->op = p->op;
    c->accept = p->accept;
    c->served = true;
    c->verified = c->park_until != 0 ? c->verified : 0; /* one that has waited is the same one */
    c->asked = c->again ? c->asked : 0;
    if (TEXT_COPY(p->rqi, c->rqi) != ERR_OK) {
        c->rqi[0] = '\0';
    }
    if (TEXT_COPY(p->rvi, c->rvi) != ERR_OK) {
        c->rvi[0] = '\0';
    }
}
