#include "shell/handshake.h"

#include "role/dispatch.h"
#include "shell/clock.h"
#include "shell/refusal.h"

#include <string.h>

/* -- which key ------------------------------------------------------------------------------------- */
static void asked(struct ask_waiter *waiter, err_t e, const struct secret *key, const struct association *a)
{
    struct conn *c = (struct conn *)((char *)waiter - offsetof(struct conn, waiter));
    c->busy = false;
    if (e == ERR_OK) {
        c->assoc = *a;
        tls_answer(c->tls, key);
    } else {
        tls_refuse(c->tls, e);
    }
    conn_resume(c);
}

static void role_psk_scope(struct role_psk *p)
{
    secret_wipe(&p->key);
}

static err_t find_key(struct conn *c)
{
    struct txn t;
    struct arena arena;
    SCOPED(role_psk_scope) struct role_psk psk;
    TRY(worker_view(c->w, c->role, &t, &arena));
    const struct role_hello hello = {tls_identity(c->tls), tls_suite(c->tls)};
    TRY(dispatch_psk(conn_role(c)->role, conn_role(c)->ctx, &t, &hello, clock_now(), &psk));
    if (psk.verdict == ROLE_ASK) {
        TRY(ask_key(&c->w->ask, c->role, &psk.ask, &c->waiter, asked));
        c->busy = true;
        return ERR_OK;
    }
    c->assoc = psk.assoc;
    tls_answer(c->tls, &psk.key);
    return ERR_OK;
}

/* -- who is it ------------------------------------------------------------------------------------- */
static err_t identify(struct conn *c, usec_t now)
{
    if (tls_is_anonymous(c->tls)) { /* as on a plain listener: who it is, its messages have to prove */
        association_init_plain(&c->assoc);
    } else if (!tls_is_psk(c->tls)) {
        struct role_cert cert;
        struct txn t;
        struct arena arena;
        TRY(tls_peer(c->tls, &cert));
        TRY(worker_view(c->w, c->role, &t, &arena));
        TRY(dispatch_cert(conn_role(c)->role, conn_role(c)->ctx, &t, &cert, now, &c->assoc));
    }
    TRY(dispatch_associate(&c->assoc, c->w->snap->env.crypto, tls_version(c->tls), tls_suite(c->tls), now, USEC_NEVER));
    memcpy(c->session, c->assoc.id, sizeof(c->session));
    return ERR_OK;
}

static void open_for_requests(struct conn *c)
{
    tls_release(c->tls);
    c->w->metrics->handshakes++;
    c->state = CONN_OPEN;
    worker_list_move(c->w, &c->member, WORKER_SERVE);
}

static void abort_handshake(struct conn *c, err_t e)
{
    tls_abort(c->tls, e);
    /* the drive loop sees TLS_FAILED and ends the connection */
}

/* -- what must last ---------------------------------------------------------------------------------- */
static void kept(void *owner, const struct job_result *r)
{
    struct conn *c = owner;
    worker_view_renew(c->w);
    if (!conn_unpin(c)) {
        return;
    }
    err_t e = r == NULL ? ERR_STORE : r->err;
    if (e == ERR_OK) {
        c->assoc = r->assoc;
        e = conn_alive(c); /* withdrawn while the writer was at it: from here on the sweep looks after it */
    }
    if (e != ERR_OK) {
        abort_handshake(c, e);
    } else {
        open_for_requests(c);
        conn_flush(c);
    }
    conn_resume(c);
}

static err_t keep(struct conn *c, usec_t now)
{
    const struct role *role = conn_role(c)->role;
    SCOPED(job_wipe) struct job j = conn_job(c, JOB_ESTABLISHED, now);
    if (role->export_on_handshake) {
        TRY(tls_export(c->tls, role->export_label, &j.exported));
    }
    TRY(channel_submit(&c->w->channel, &j, kept, c));
    c->busy = true;
    return ERR_OK;
}

static void complete(struct conn *c)
{
    usec_t now = clock_now();
    err_t e = identify(c, now);
    e = e == ERR_OK ? conn_alive(c) : e; /* the key was looked up when the handshake began */
    if (e == ERR_OK && conn_role(c)->role->established != NULL && c->assoc.peer != PEER_PLAIN) {
        e = keep(c, now);
    } else if (e == ERR_OK) {
        open_for_requests(c);
    }
    if (e != ERR_OK) {
        abort_handshake(c, e);
    }
}

/* -- the engine -------------------------------------------------------------------------------------- */
static bool step_want_key(struct conn *c)
{
    c->role = tls_tag(c->tls);
    err_t e = find_key(c);
    if (e != ERR_OK) {
        tls_refuse(c->tls, e);
    }
    return !c->busy;
}

static bool step_established(struct conn *c)
{
    c->role = tls_tag(c->tls);
    complete(c);
    return !c->busy && c->state == CONN_HANDSHAKE;
}

static bool step_failed(struct conn *c)
{
    c->role = tls_tag(c->tls);
    refusal_note(c, tls_error(c->tls));
    c->state = CONN_ENDING;
    return false;
}

static bool step_closed(struct conn *c)
{
    c->state = CONN_ENDING;
    return false;
}

static bool step_wait(struct conn *c)
{
    (void)c;
    return false;
}

void handshake_drive(struct conn *c)
{
    static bool (*const steps[])(struct conn *) = {
        [TLS_HANDSHAKE] = step_wait, [TLS_WANT_KEY] = step_want_key, [TLS_ESTABLISHED] = step_established,
        [TLS_OPEN] = step_wait,      [TLS_CLOSED] = step_closed,     [TLS_FAILED] = step_failed,
    };
    while (c->state == CONN_HANDSHAKE && !c->busy && steps[tls_step(c->tls)](c)) {
        continue;
    }
    conn_flush(c);
}

void handshake_cancel(struct conn *c)
{
    if (c->waiter.at != NULL) {
        ask_cancel(&c->w->ask, &c->waiter);
        c->busy = false;
    }
}
