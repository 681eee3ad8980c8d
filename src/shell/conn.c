#include "shell/conn.h"

#include "shell/clock.h"
#include "shell/log.h"
#include "shell/ua_gate.h"

#include <arpa/inet.h>
#include <stdlib.h>

#define TURN_REQUESTS 32 /* of one connection in one turn of the loop: a pipeline without end delays nobody else */

struct conn *conn_of(struct worker_member *m)
{
    return (struct conn *)((char *)m - offsetof(struct conn, member));
}

struct text conn_where(const struct conn *c, char *buf, size_t cap)
{
    const char *z =
        c->ip.len == 0 ? NULL : inet_ntop(c->ip.len == 4 ? AF_INET : AF_INET6, c->ip.b, buf, (socklen_t)cap);
    return text_of(z == NULL ? "-" : z);
}

struct text conn_name(const struct conn *c, char *buf, size_t cap)
{
    struct text name = association_name(&c->assoc);
    bool known = c->state != CONN_HANDSHAKE && !text_eq_z(name, "-"); /* before that it is only what somebody says */
    return known ? name : conn_where(c, buf, cap);
}

const struct snapshot_role *conn_role(const struct conn *c)
{
    return &c->w->snap->roles[c->role];
}

err_t conn_alive(const struct conn *c)
{
    struct txn t;
    struct arena arena;
    const struct snapshot_role *r = conn_role(c);
    if (r->role->alive == NULL || c->assoc.peer == PEER_PLAIN) { /* nobody: there is no credential to look at */
        return ERR_OK;
    }
    TRY(worker_view(c->w, c->role, &t, &arena));
    return r->role->alive(r->ctx, &t, &c->assoc);
}

struct job conn_job(const struct conn *c, enum job_kind kind, usec_t now)
{
    return (struct job){
        .kind = kind,
        .role = (uint8_t)c->role,
        .now = now,
        .assoc = &c->assoc,
        .ip = c->ip,
        .binding = c->way->binding,
        .octets = bytes_empty(),
        .verified = c->verified,
    };
}

/* -- the beginning ------------------------------------------------------------------------------------- */
void conn_address(struct conn *c, const struct sockaddr *a)
{
    c->ip = (struct ipaddr){0};
    if (a->sa_family == AF_INET) {
        const struct sockaddr_in *v4 = (const struct sockaddr_in *)(const void *)a;
        c->ip = ipaddr_of_octets(bytes_of(&v4->sin_addr, 4));
    } else if (a->sa_family == AF_INET6) {
        const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)(const void *)a;
        c->ip = ipaddr_of_octets(bytes_of(&v6->sin6_addr, 16));
    }
}

static err_t make_room(struct worker *w)
{
    if (w->conns - w->conns_closing < w->snap->limits.connections) {
        return ERR_OK;
    }
    struct worker_member *told = w->lists[WORKER_LINGER].first;
    struct worker_member *oldest = told != NULL ? told : w->lists[WORKER_HANDSHAKE].first;
    if (oldest == NULL) {
        return ERR_LIMIT_BUSY;
    }
    w->metrics->connections_refused += told == NULL;
    conn_close(conn_of(oldest)); /* who fills all places with handshakes loses them to who comes next */
    return ERR_OK;
}

/* The limits of its own address first: who has no right to a place takes none from another. */
err_t conn_admit(struct conn *c)
{
    struct worker *w = c->w;
    c->role = c->listener->role;
    w->metrics->connections++;
    TRY(peers_enter(&w->peers, &c->ip, clock_monotonic(), &c->peer));
    err_t e = make_room(w);
    if (e == ERR_OK && c->listener->tls) {
        e = tls_new(c->listener->tls_ctx, &c->tls);
    }
    if (e != ERR_OK) {
        peers_leave(&w->peers, c->peer);
        c->peer = NULL;
    }
    return e;
}

void conn_refuse(struct conn *c, err_t e)
{
    char name[64];
    c->w->metrics->connections_refused++;
    metrics_refused(c->w->metrics, e);
    log_refusal(e, conn_name(c, name, sizeof(name)), text_of(c->listener->name));
}

void conn_open(struct conn *c)
{
    c->w->conns++;
    c->w->metrics->connections_now++;
    if (c->tls == NULL) {
        c->state = CONN_OPEN;
        association_init_plain(&c->assoc);
    } else {
        c->state = CONN_HANDSHAKE;
        c->assoc.not_after = USEC_NEVER;
    }
    worker_list_move(c->w, &c->member, c->tls == NULL ? WORKER_SERVE : WORKER_HANDSHAKE);
    c->way->reading(c, true);
}

/* -- the end ----------------------------------------------------------------------------------------- */
static void release(struct conn *c)
{
    tls_free(c->tls);
    ua_gate_free(c);
    growing_wipe(&c->in);
    c->way->release(c);
}

void conn_gone(struct conn *c)
{
    struct worker *w = c->w;
    c->gone = true;
    if (!c->busy) {
        release(c);
    }
    w->conns--;
    w->conns_closing--;
    w->metrics->connections_now--;
}

bool conn_park(struct conn *c, usec_t time, const struct role_wait *wait)
{
    struct worker *w = c->w;
    usec_t now = clock_monotonic();
    usec_t most = w->snap->limits.idle_time / 2; /* its place among the connections that serve ends with the idle time */
    bool may = c->way->binding == JOB_HTTP && !w->draining && w->parked < w->snap->limits.connections / 2;
    c->park_until = c->park_until == 0 ? now + (time < most ? time : most) : c->park_until;
    if (!may || c->park_until <= now) {
        c->park_until = 0;
        return false;
    }
    worker_list_move(w, &c->member, WORKER_SERVE);
    c->busy = true;
    c->parked = true;
    c->wait = *wait;
    c->park_round = w->park_round;
    w->parked++;
    return true;
}

void conn_unpark(struct conn *c)
{
    if (c->parked) {
        c->parked = false;
        c->busy = false;
        c->w->parked--;
    }
}

void conn_close(struct conn *c)
{
    if (c->state == CONN_CLOSED) {
        return;
    }
    conn_unpark(c);
    c->way->cancel(c);
    c->busy = c->busy && !c->again;
    c->again = false;
    c->state = CONN_CLOSED;
    worker_list_remove(c->w, &c->member);
    worker_again_cancel(&c->member);
    peers_leave(&c->w->peers, c->peer);
    c->peer = NULL;
    c->w->conns_closing++;
    c->way->close(c);
}

/* A job or an answer came back: false if the connection is gone, together with its memory. */
bool conn_unpin(struct conn *c)
{
    c->busy = false;
    if (c->state != CONN_CLOSED) {
        return true;
    }
    if (c->gone) {
        release(c);
    }
    return false;
}

void conn_end(struct conn *c)
{
    if (c->state >= CONN_ENDING) {
        return;
    }
    if (c->tls != NULL && c->state == CONN_OPEN) {
        tls_close(c->tls);
    }
    c->state = CONN_ENDING;
    conn_flush(c);
}

static bool is_idle(const struct conn *c)
{
    return c->state == CONN_OPEN && !c->busy && !c->writing && c->in.n == 0;
}

void conn_drain(struct conn *c)
{
    c->last = true;
    if (is_idle(c) && (c->served || c->way->dies_when_deaf)) {
        conn_end(c); /* one that is new has its request on the way: to close it would be no answer */
    } else if (c->state == CONN_HANDSHAKE && !c->busy && c->way->dies_when_deaf) {
        conn_close(c);
    }
}

void conn_settle(struct conn *c)
{
    if (c->state == CONN_HANDSHAKE) {
        conn_close(c);
    } else if (is_idle(c)) {
        conn_end(c);
    }
}

/* -- writing ----------------------------------------------------------------------------------------- */
/* Moves what TLS has ready to the peer; when the connection is ending and all is out, shuts our side. */
void conn_flush(struct conn *c)
{
    while (c->state != CONN_CLOSED && c->tls != NULL && !c->writing) {
        size_t n = tls_drain(c->tls, c->w->chunk, WORKER_TLS_CHUNK);
        if (n == 0) {
            break;
        }
        c->way->put(c, bytes_of(c->w->chunk, n));
    }
    if (c->state == CONN_ENDING && !c->writing) {
        c->way->shut(c);
    }
    if (c->state < CONN_ENDING && c->way->settle != NULL) {
        c->way->settle(c);
    }
}

void conn_send(struct conn *c, struct bytes octets)
{
    if (c->state == CONN_CLOSED) {
        return;
    }
    if (c->tls == NULL) {
        c->way->put(c, octets);
        return;
    }
    if (tls_write(c->tls, octets) != ERR_OK) {
        conn_close(c);
        return;
    }
    conn_flush(c);
}

/* -- reading ----------------------------------------------------------------------------------------- */
void conn_process(struct conn *c)
{
    bool more = true;
    for (unsigned i = 0; more && c->state == CONN_OPEN && !c->busy && !c->writing; i++) {
        if (i == TURN_REQUESTS) {
            c->way->reading(c, false);
            worker_again(c->w, &c->member);
            return;
        }
        more = c->way->next(c);
    }
    if (c->eof && c->state == CONN_OPEN && !c->busy && !c->writing) {
        conn_end(c);
    }
    if (c->state == CONN_OPEN) {
        c->way->reading(c, !c->writing && !c->backlog);
    }
}

void conn_again(struct conn *c)
{
    c->again = true;
    worker_again(c->w, &c->member);
}

void conn_resume(struct conn *c)
{
    if (c->again && c->state == CONN_OPEN) {
        c->busy = false;
        worker_view_renew(c->w);
        c->way->again(c);
        c->again = false;
    }
    if (c->state == CONN_HANDSHAKE) {
        c->way->handshake(c);
    }
    if (c->state == CONN_OPEN && !c->busy && !c->writing) {
        conn_process(c);
    } else if (c->state == CONN_HANDSHAKE && !c->busy && !c->writing) {
        c->way->reading(c, true); /* never off while it waits: two calls of the kernel for octets that do not come */
    }
}
