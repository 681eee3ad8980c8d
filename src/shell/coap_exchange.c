#include "shell/coap_exchange.h"

#include "base/ct.h"
#include "proto/coap_engine.h"
#include "shell/clock.h"
#include "shell/exchange.h"
#include "shell/log.h"
#include "wire/coap_binding.h"

#include <stdlib.h>

#define HEAD_ROOM (4u << 10) /* options of a message */
#define BLOCK_SZX 5          /* 512 octets: with every option an answer can have, less than a datagram */

struct session_coap {
    struct coap_engine engine;
    struct coap_engine_params params;
    struct coap_message request; /* under way; its views are the engine's */
    size_t body_n;
    uint8_t body[];
};

static struct session *session_of(struct conn *c)
{
    return (struct session *)((char *)c - offsetof(struct session, conn));
}

static err_t coap_ready(struct session *s)
{
    const struct snapshot *snap = s->conn.w->snap;
    size_t n = snap->limits.message;
    if (s->coap != NULL) {
        return ERR_OK;
    }
    struct session_coap *x = malloc(sizeof(*x) + n); /* the body is touched when one comes */
    if (x == NULL) {
        return ERR_LIMIT_CAPACITY;
    }
    x->params = coap_engine_defaults;
    x->params.szx = BLOCK_SZX;
    x->body_n = n;
    const struct coap_engine_memory memory = {.server = x->body, .server_n = n};
    err_t e = coap_engine_init(&x->engine, &x->params, &memory, snap->env.crypto);
    if (e != ERR_OK) {
        free(x);
        return e;
    }
    s->coap = x;
    return ERR_OK;
}

void coap_exchange_free(struct session *s)
{
    if (s->coap != NULL) {
        ct_wipe(s->coap, sizeof(*s->coap) + s->coap->body_n); /* requests and answers may carry keys */
        free(s->coap);
    }
}

static void say(struct session *s)
{
    uint8_t b[COAP_ENGINE_DATAGRAM];
    struct writer w = writer_of(b, sizeof(b));
    while (s->conn.state == CONN_OPEN && coap_engine_poll(&s->coap->engine, &w)) {
        conn_send(&s->conn, writer_view(&w));
        w = writer_of(b, sizeof(b));
    }
    ct_wipe(b, sizeof(b));
}

/* -- a request ------------------------------------------------------------------------------------------- */
static void primitive_scope(struct primitive *p)
{
    coap_binding_wipe(p);
}

static void serve(struct session *s, const struct coap_message *m)
{
    struct conn *c = &s->conn;
    char detail[96] = "";
    SCOPED(primitive_scope) struct primitive prim = {0};
    struct writer scratch = worker_scratch(c->w);
    s->coap->request = *m;
    err_t e = coap_binding_parse(m, &scratch, &prim, detail);
    exchange_remember(c, &prim);
    if (e != ERR_OK) {
        exchange_refuse(c, e, detail);
        return;
    }
    exchange_serve(c, &prim);
}

void coap_exchange_received(struct session *s, struct bytes datagram)
{
    struct coap_event ev;
    if (coap_ready(s) != ERR_OK) {
        conn_close(&s->conn);
        return;
    }
    coap_engine_recv(&s->coap->engine, datagram, clock_monotonic(), &ev);
    if (ev.kind == COAP_EVENT_REQUEST) {
        serve(s, &ev.message);
    }
    say(s);
}

void coap_exchange_tick(struct session *s)
{
    struct coap_event ev;
    if (s->coap != NULL) {
        coap_engine_tick(&s->coap->engine, clock_monotonic(), &ev); /* we ask nothing here: no event is for us */
        say(s);
    }
}

usec_t coap_exchange_left(const struct session *s)
{
    usec_t at = s->coap == NULL ? USEC_NEVER : coap_engine_deadline(&s->coap->engine);
    if (at == USEC_NEVER) {
        return at;
    }
    usec_t now = clock_monotonic();
    return at > now ? at - now : 0;
}

/* -- the writer's copy ------------------------------------------------------------------------------------- */
err_t coap_exchange_octets(struct conn *c, struct bytes *out)
{
    const struct coap_message *m = &session_of(c)->coap->request;
    size_t cap = m->payload.n + HEAD_ROOM;
    c->in = malloc(cap);
    if (c->in == NULL) {
        return ERR_LIMIT_CAPACITY;
    }
    c->in_cap = cap;
    struct writer w = writer_of(c->in, cap);
    err_t e = coap_write(m, &w);
    c->in_n = w.n;
    *out = writer_view(&w);
    return e;
}

static void consume(struct conn *c)
{
    if (c->in != NULL) {
        ct_wipe(c->in, c->in_n);
        free(c->in);
        c->in = NULL;
        c->in_n = 0;
        c->in_cap = 0;
    }
}

/* -- the answer ------------------------------------------------------------------------------------------- */
void coap_exchange_answer(struct conn *c, const struct primitive_response *r)
{
    struct session *s = session_of(c);
    struct worker *w = c->w;
    uint8_t room[COAP_BINDING_SCRATCH];
    struct writer scratch = writer_of(room, sizeof(room));
    struct coap_message m;
    metrics_answered(w->metrics, c->role, (unsigned)c->op, r->rsc);
    consume(c);
    err_t e = coap_binding_response(c->op, r, &scratch, &m);
    if (e == ERR_OK) {
        e = coap_engine_answer(&s->coap->engine, &m, clock_monotonic());
    }
    if (e != ERR_OK && e != ERR_LIMIT_SIZE) { /* then the engine has said 5.00 itself */
        log_event(ERR_LEVEL_ERROR, "answer-unwritable", NULL, 0);
        conn_close(c);
        return;
    }
    say(s);
    if (c->state != CONN_OPEN) {
        return;
    }
    if (c->last || w->draining) {
        conn_end(c);
    } else {
        worker_list_move(w, &c->member, WORKER_SERVE);
    }
}
