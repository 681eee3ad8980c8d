#include "shell/http_exchange.h"

#include "base/ct.h"
#include "shell/exchange.h"
#include "shell/log.h"
#include "shell/ua_gate.h"
#include "wire/http_binding.h"

#include <stdlib.h>
#include <string.h>

#define IN_KEEP (16u << 10)

static struct http_exchange *http_of(struct conn *c)
{
    return (struct http_exchange *)((char *)c - offsetof(struct http_exchange, conn));
}

err_t http_exchange_octets(struct conn *c, struct bytes *out)
{
    *out = bytes_of(c->in.p, http_of(c)->request_n);
    return ERR_OK;
}

/* -- the answer -------------------------------------------------------------------------------------- */
static void consume(struct conn *c)
{
    growing_drop(&c->in, http_of(c)->request_n);
    http_of(c)->request_n = 0;
    http_of(c)->tried = 0;
    c->admitted = false;
    if (c->in.n == 0 && c->in.cap > IN_KEEP) {
        growing_wipe(&c->in);
    }
}

void http_exchange_answer(struct conn *c, const struct primitive_response *r)
{
    struct worker *w = c->w;
    bool close = !http_of(c)->keep_alive || c->last || w->draining;
    struct writer out = writer_of(w->out, WORKER_OUT_MAX);
    metrics_answered(w->metrics, c->role, (unsigned)c->op, r->rsc);
    if (http_binding_write(r, close, &out) != ERR_OK) {
        log_event(ERR_LEVEL_ERROR, "answer-unwritable", NULL, 0);
        conn_close(c);
        return;
    }
    consume(c);
    conn_send(c, writer_view(&out));
    ct_wipe(w->out, out.n); /* an answer may carry a key */
    if (c->state != CONN_OPEN) {
        return;
    }
    if (close) {
        conn_end(c);
    } else {
        worker_list_move(w, &c->member, WORKER_SERVE);
    }
}

/* -- parsing ----------------------------------------------------------------------------------------- */
static void request(struct conn *c, const struct http1_request *http)
{
    char detail[96] = "";
    SCOPED(http_binding_wipe) struct primitive prim;
    struct writer scratch = worker_scratch(c->w);
    err_t e = http_binding_parse(http, &scratch, &prim, detail);
    c->in_place = scratch.n == 0;
    exchange_remember(c, &prim);
    if (e != ERR_OK) {
        exchange_refuse(c, e, detail);
        return;
    }
    if (ua_gate_pass(c, &prim)) {
        exchange_serve(c, &prim);
    }
}

/* Octets that cannot complete anything are not parsed again: a peer that drips one octet a packet costs little. */
static bool is_worth_parsing(struct conn *c)
{
    if (c->in.n == 0) {
        return false;
    }
    return http_of(c)->tried == 0 || c->in.n - http_of(c)->tried >= 1024 || memchr(c->in.p, '\n', c->in.n) == NULL ||
           memmem(c->in.p, c->in.n, "\r\n\r\n", 4) != NULL;
}

void http_exchange_again(struct conn *c)
{
    (void)http_exchange_next(c); /* its octets are still the first */
}

bool http_exchange_next(struct conn *c)
{
    struct http1_request http;
    size_t used = 0;
    if (!is_worth_parsing(c)) {
        return false;
    }
    err_t e = http1_parse(bytes_of(c->in.p, c->in.n), c->w->snap->limits.message, &http, &used);
    if (e != ERR_OK) { /* where the next request begins is unknown: answer once and close */
        http_of(c)->request_n = c->in.n;
        http_of(c)->keep_alive = false;
        c->op = OP_NONE;
        c->accept = MEDIA_JSON;
        c->rqi[0] = '\0';
        c->rvi[0] = '\0';
        exchange_refuse(c, e, "");
        return false;
    }
    if (used == 0) {
        http_of(c)->tried = c->in.n;
        return false;
    }
    http_of(c)->request_n = used;
    http_of(c)->keep_alive = http.keep_alive;
    request(c, &http);
    return c->state == CONN_OPEN && !c->busy;
}
