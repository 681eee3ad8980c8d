/*
 * CoAP over the loop: to peers by DTLS (coaps), to points of access that the operator listed without (coap). Each request has a
 * session of its own: notifications to a device are rare, and it need not keep one for us.
 */
#include "shell/clock.h"
#include "shell/coap_link.h"
#include "shell/log.h"
#include "shell/outbound_engine.h"
#include "shell/outbound_said.h"

#include <stdlib.h>
#include <string.h>

struct ride { /* a request */
    struct outbound_transfer *t; /* NULL: it is over, only its handles are still to be closed */
    struct coap_link *link;
    struct client_tls tls;
    uv_poll_t poll;
    uv_timer_t timer;
    unsigned open; /* handles that libuv still knows */
    usec_t until;
    char address[OUTBOUND_TARGET_HOST];
    char path[OUTBOUND_PATH_MAX], from[M2MID_MAX], rqi[256], rvi[16];
    struct primitive request; /* views into this and `body` */
    uint8_t *body;
};

/* -- the end ---------------------------------------------------------------------------------------------- */
static void ride_free(struct ride *x)
{
    coap_link_free(x->link);
    free(x->body);
    free(x);
}

static void closed(uv_handle_t *h)
{
    struct ride *x = h->data;
    if (--x->open == 0) { /* the socket outlives its handle */
        ride_free(x);
    }
}

static void forget_one(struct outbound_transfer *t)
{
    struct ride *x = t->state;
    if (x == NULL) {
        return;
    }
    t->state = NULL;
    x->t = NULL;
    if (x->open == 0) {
        ride_free(x);
        return;
    }
    if (x->open > 1) {
        uv_close((uv_handle_t *)&x->poll, closed);
    }
    uv_close((uv_handle_t *)&x->timer, closed);
}

/* A plain CoAP server that knows no status code of oneM2M says yes and no by the code of CoAP, as one of HTTP does by that of HTTP. */
static err_t take_answer(struct ride *x, err_t outcome)
{
    struct outbound_reply *r = &x->t->reply;
    struct primitive_response p;
    uint8_t code = coap_link_answer(x->link, &p);
    if (outcome != ERR_OK && (code == 0 || p.rsc != 0)) {
        return outcome;
    }
    r->status = (code >> 5) * 100U + (code & 31U);
    r->rsc = p.rsc;
    r->next = p.next;
    r->media = p.rsc != 0 && p.body.n > 0 ? p.media : MEDIA_N;
    if (outbound_reply_rqi(r, p.rqi) != ERR_OK || TEXT_COPY(p.location, r->location) != ERR_OK) {
        return ERR_PEER_NONSENSE;
    }
    return outbound_reply_body(r, p.body) == ERR_OK ? ERR_OK : ERR_PEER_NONSENSE;
}

static void finish(struct ride *x, err_t outcome)
{
    err_t e = take_answer(x, outcome);
    if (x->tls.reason != ERR_OK || x->tls.alert != 0) {
        log_event(ERR_LEVEL_WARN, "peer-tls",
                  (struct log_field[]){{"peer", text_of(x->tls.fqdn)}, {"code", text_of(err_code(e))}}, 2);
    }
    outbound_finished(x->t, e); /* forgets it */
}

/* -- on the loop ------------------------------------------------------------------------------------------- */
static void timer_cb(uv_timer_t *h);

static void go_on(struct ride *x)
{
    err_t outcome = ERR_OK;
    if (x->t == NULL) {
        return;
    }
    if (coap_link_step(x->link, &outcome)) {
        finish(x, outcome);
        return;
    }
    usec_t now = clock_monotonic();
    if (x->until <= now) {
        finish(x, ERR_PEER_TIMEOUT);
        return;
    }
    usec_t next = coap_link_deadline(x->link);
    next = next < x->until ? next : x->until;
    (void)uv_timer_start(&x->timer, timer_cb, next <= now ? 1 : (uint64_t)((next - now) / 1000 + 1), 0);
}

static void timer_cb(uv_timer_t *h)
{
    go_on(h->data);
}

/* What is wrong with the socket, says the next call that reads it. */
static void poll_cb(uv_poll_t *h, int status, int events)
{
    (void)status;
    (void)events;
    go_on(h->data);
}

/* -- what is asked ------------------------------------------------------------------------------------------- */
static err_t copy_request(struct ride *x, const struct outbound_order *o)
{
    const struct outbound_request *rq = o->rq;
    char own[OUTBOUND_SAID_RQI];
    TRY(rq->authorization.n == 0 ? ERR_OK : ERR_NOT_IMPLEMENTED); /* the Authorization of HTTP: it would be lost */
    TRY(TEXT_COPY(text_of(o->url), x->path));
    TRY(TEXT_COPY(rq->has_from ? rq->from : text_empty(), x->from));
    TRY(TEXT_COPY(outbound_said_rqi(rq, o->serial, own), x->rqi));
    TRY(TEXT_COPY(rq->rvi.n > 0 ? rq->rvi : text_of("3"), x->rvi));
    x->body = malloc(rq->body.n + 1);
    if (x->body == NULL) {
        return ERR_LIMIT_BUSY;
    }
    if (rq->body.n > 0) {
        memcpy(x->body, rq->body.p, rq->body.n);
    }
    x->request = (struct primitive){
        .op = rq->op, .path = text_of(x->path), .has_from = rq->has_from, .from = text_of(x->from), .rqi = text_of(x->rqi),
        .rvi = text_of(x->rvi), .has_ty = rq->op == OP_CREATE, .ty = rq->ty, .media = rq->media, .accept = rq->accept,
        .expires = rq->expires == 0 ? USEC_NEVER : rq->expires, .content = bytes_of(x->body, rq->body.n)};
    return ERR_OK;
}

static err_t open_link(struct ride *x, struct outbound_site *s)
{
    struct coap_link_setup setup = {.address = x->address, .in_digits = true, .crypto = s->snap->env.crypto, .request = &x->request};
    TRY(TEXT_COPY(text_of(s->peer != NULL ? s->peer->address : s->host), x->address));
    if (s->peer != NULL) { /* R002-11: it leaves only when the association stands */
        TRY(outbound_key_tls(s->peer, s->as, setup.crypto, &s->key, &x->tls));
        setup.tls = &x->tls;
    }
    return coap_link_new(&setup, &x->link);
}

static err_t watch(struct ride *x, uv_loop_t *loop)
{
    x->poll.data = x->timer.data = x;
    if (uv_timer_init(loop, &x->timer) != 0) {
        return ERR_LIMIT_BUSY;
    }
    x->open = 1;
    if (uv_poll_init(loop, &x->poll, coap_link_fd(x->link)) != 0) {
        return ERR_LIMIT_BUSY;
    }
    x->open = 2;
    bool ok = uv_poll_start(&x->poll, UV_READABLE, poll_cb) == 0 &&
              uv_timer_start(&x->timer, timer_cb, 0, 0) == 0; /* never from within the call of who asks */
    return ok ? ERR_OK : ERR_LIMIT_BUSY;
}

static err_t send_one(struct outbound_transfer *t, const struct outbound_order *o)
{
    struct ride *x = calloc(1, sizeof(*x));
    t->state = x;
    if (x == NULL) {
        return ERR_LIMIT_BUSY;
    }
    x->t = t;
    x->until = clock_monotonic() + o->time;
    TRY(copy_request(x, o));
    TRY(open_link(x, t->site));
    return watch(x, t->site->loop);
}

/* -- a target ------------------------------------------------------------------------------------------------- */
static err_t open_site(struct outbound_site *s)
{
    (void)s;
    return ERR_OK;
}

static void close_site(struct outbound_site *s)
{
    outbound_site_gone(s); /* a ride that is over borrows nothing of it */
}

const struct outbound_engine outbound_coap_engine = {open_site, send_one, forget_one, close_site};
