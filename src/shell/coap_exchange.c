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

struct coap_exchange_engine {
    struct coap_engine engine;
    struct coap_engine_params params;
    struct coap_message request; /* under way; its views are the engine's */
    size_t body_n;
    uint8_t body[];
};

static struct coap_exchange *coap_of(struct conn *c)
{
    return (struct coap_exchange *)((char *)c - offsetof(struct coap_exchange, conn));
}

static err_t engine_ready(struct coap_exchange *x)
{
    const struct snapshot *snap = x->conn.w->snap;
    size_t n = snap->limits.message;
    if (x->engine != NULL) {
        return ERR_OK;
    }
    struct coap_exchange_engine *g = malloc(sizeof(*g) + n); /* the body is touched when one comes */
    if (g == NULL) {
        return ERR_LIMIT_CAPACITY;
    }
    g->params = coap_engine_defaults;
    g->params.szx = BLOCK_SZX;
    g->body_n = n;
    const struct coap_engine_memory memory = {.server = g->body, .server_n = n};
    err_t e = coap_engine_init(&g->engine, &g->params, &memory, snap->env.crypto);
    if (e != ERR_OK) {
        free(g);
        return e;
    }
    x->engine = g;
    return ERR_OK;
}

void coap_exchange_free(struct coap_exchange *x)
{
    if (x->engine != NULL) {
        ct_wipe(x->engine, sizeof(*x->engine) + x->engine->body_n); /* requests and answers may carry keys */
        free(x->engine);
    }
}

static void say(struct coap_exchange *x)
{
    uint8_t b[COAP_ENGINE_DATAGRAM];
    struct writer w = writer_of(b, sizeof(b));
    while (x->conn.state == CONN_OPEN && coap_engine_poll(&x->engine->engine, &w)) {
        conn_send(&x->conn, writer_view(&w));
        w = writer_of(b, sizeof(b));
    }
    ct_wipe(b, sizeof(b));
}

/* -- a request ------------------------------------------------------------------------------------------- */
static void serve(struct coap_exchange *x, const struct coap_message *m)
{
    struct conn *c = &x->conn;
    char detail[96] = "";
    SCOPED(coap_binding_wipe) struct primitive prim = {0};
    struct writer scratch = worker_scratch(c->w);
    x->engine->request = *m;
    err_t e = coap_binding_parse(m, &scratch, &prim, detail);
    exchange_remember(c, &prim);
    if (e != ERR_OK) {
        exchange_refuse(c, e, detail);
        return;
    }
    exchange_serve(c, &prim);
}

void coap_exchange_received(struct coap_exchange *x, struct bytes datagram)
{
    struct coap_event ev;
    if (engine_ready(x) != ERR_OK) {
        conn_close(&x->conn);
        return;
    }
    coap_engine_recv(&x->engine->engine, datagram, clock_monotonic(), &ev);
    if (ev.kind == COAP_EVENT_REQUEST) {
        serve(x, &ev.message);
    }
    say(x);
}

void coap_exchange_tick(struct coap_exchange *x)
{
    struct coap_event ev;
    if (x->engine != NULL) {
        coap_engine_tick(&x->engine->engine, clock_monotonic(), &ev); /* we ask nothing here: no event is for us */
        say(x);
    }
}

usec_t coap_exchange_left(const struct coap_exchange *x)
{
    usec_t at = x->engine == NULL ? USEC_NEVER : coap_engine_deadline(&x->engine->engine);
    if (at == USEC_NEVER) {
        return at;
    }
    usec_t now = clock_monotonic();
    return at > now ? at - now : 0;
}

void coap_exchange_again(struct conn *c)
{
    struct coap_exchange *x = coap_of(c);
    const struct coap_message m = x->engine->request;
    serve(x, &m);
    say(x);
}

/* -- the writer's copy ------------------------------------------------------------------------------------- */
err_t coap_exchange_octets(struct conn *c, struct bytes *out)
{
    const struct coap_message *m = &coap_of(c)->engine->request;
    size_t cap = m->payload.n + HEAD_ROOM;
    if (!growing_reserve(&c->in, cap)) {
        return ERR_LIMIT_CAPACITY;
    }
    struct writer w = writer_of(c->in.p, c->in.cap);
    err_t e = coap_write(m, &w);
    c->in.n = w.n;
    *out = writer_view(&w);
    return e;
}

/* -- the answer ------------------------------------------------------------------------------------------- */
void coap_exchange_answer(struct conn *c, const struct primitive_response *r)
{
    struct coap_exchange *x = coap_of(c);
    struct worker *w = c->w;
    uint8_t room[COAP_BINDING_SCRATCH];
    struct writer scratch = writer_of(room, sizeof(room));
    struct coap_message m;
    metrics_answered(w->metrics, c->role, (unsigned)c->op, r->rsc);
    growing_wipe(&c->in);
    err_t e = coap_binding_response(c->op, r, &scratch, &m);
    if (e == ERR_OK) {
        e = coap_engine_answer(&x->engine->engine, &m, clock_monotonic());
    }
    if (e != ERR_OK && e != ERR_LIMIT_SIZE) { /* then the engine has said 5.00 itself */
        log_event(ERR_LEVEL_ERROR, "answer-unwritable", NULL, 0);
        conn_close(c);
        return;
    }
    say(x);
    if (c->state != CONN_OPEN) {
        return;
    }
    if (c->last || w->draining) {
        conn_end(c);
    } else {
        worker_list_move(w, &c->member, WORKER_SERVE);
    }
}
