#include "proto/coap_client.h"

#include "proto/coap_out.h"

#include <string.h>

#define CONTINUE COAP_CODE(2, 31)

static void fail(struct coap_engine *e, err_t reason, struct coap_event *ev)
{
    struct coap_client *c = &e->client;
    c->busy = false;
    c->con.used = false;
    c->con.ready = false;
    ev->kind = COAP_EVENT_FAILED;
    ev->reason = reason;
}

/* -- a request goes ---------------------------------------------------------------------------------- */

/* Sends *m as a new message of the request under way. */
static err_t transmit(struct coap_engine *e, struct coap_message *m, usec_t now)
{
    struct coap_client *c = &e->client;
    uint64_t token = e->next_token++;
    m->token_n = sizeof(token);
    memcpy(m->token, &token, sizeof(token));
    TRY(coap_out_con(e, &c->con, m, now));
    c->message.token_n = m->token_n; /* what the response is matched to */
    memcpy(c->message.token, m->token, sizeof(token));
    c->acked = false;
    return ERR_OK;
}

/* The next block of the body [RFC 7959 2.3]; c->block1.szx says how large. */
static err_t send_block(struct coap_engine *e, usec_t now)
{
    struct coap_client *c = &e->client;
    struct coap_message m = c->message;
    uint8_t block[4];
    uint8_t total[4];
    size_t size = coap_block_size(&c->block1);
    size_t left = c->body.n - c->sent;
    c->block1.num = (uint32_t)(c->sent / size);
    c->block1.more = left > size;
    m.payload = bytes_of(c->body.buf + c->sent, c->block1.more ? size : left);
    TRY(coap_add(&m, COAP_OPT_BLOCK1, coap_block_write(&c->block1, block)));
    if (c->sent == 0) {
        TRY(coap_add(&m, COAP_OPT_SIZE1, coap_uint_write((uint32_t)c->body.n, total)));
    }
    return transmit(e, &m, now);
}

static err_t ask_block(struct coap_engine *e, uint8_t szx, usec_t now)
{
    struct coap_client *c = &e->client;
    struct coap_block b = {.szx = szx};
    struct coap_message m = c->message;
    uint8_t buf[4];
    b.num = (uint32_t)(c->body.n / coap_block_size(&b));
    TRY(coap_add(&m, COAP_OPT_BLOCK2, coap_block_write(&b, buf)));
    return transmit(e, &m, now);
}

/* Options in memory of the engine's own; they go with each block. */
static err_t keep_request(struct coap_client *c, const struct coap_message *request)
{
    struct coap_message bare = *request;
    bare.type = COAP_CON;
    bare.token_n = 0;
    bare.payload = bytes_empty();
    coap_remove(&bare, COAP_OPT_BLOCK1);
    coap_remove(&bare, COAP_OPT_BLOCK2);
    TRY(coap_out_text(&bare, &c->request));
    return coap_parse(bytes_of(c->request.b, c->request.n), &c->message);
}

err_t coap_client_request(struct coap_engine *e, const struct coap_message *request, usec_t now)
{
    struct coap_client *c = &e->client;
    if (c->busy) {
        return ERR_STATE;
    }
    TRY(keep_request(c, request));
    c->block1 = (struct coap_block){.szx = e->params->szx};
    c->sent = 0;
    c->receiving = false;
    c->uploading = request->payload.n > coap_block_size(&c->block1);
    if (c->uploading) {
        if (request->payload.n > c->body.cap) {
            return ERR_LIMIT_SIZE;
        }
        memcpy(c->body.buf, request->payload.p, request->payload.n);
        c->body.n = request->payload.n;
        TRY(send_block(e, now));
    } else {
        struct coap_message m = c->message;
        m.payload = request->payload;
        TRY(transmit(e, &m, now));
    }
    c->busy = true;
    return ERR_OK;
}

/* -- a response comes -------------------------------------------------------------------------------- */

static void deliver(struct coap_engine *e, const struct coap_message *m, struct coap_event *ev)
{
    struct coap_client *c = &e->client;
    c->busy = false;
    ev->kind = COAP_EVENT_RESPONSE;
    ev->message = *m;
    coap_remove(&ev->message, COAP_OPT_BLOCK1);
    coap_remove(&ev->message, COAP_OPT_BLOCK2);
    coap_remove(&ev->message, COAP_OPT_SIZE1);
    coap_remove(&ev->message, COAP_OPT_SIZE2);
    coap_remove(&ev->message, COAP_OPT_OBSERVE);
}

/* Copies the datagram and reads it again: the views of the event outlive the caller's buffer. */
static err_t keep_reply(struct coap_client *c, struct bytes datagram, struct coap_message *m)
{
    if (datagram.n > sizeof(c->reply.b)) {
        return ERR_LIMIT_SIZE;
    }
    memcpy(c->reply.b, datagram.p, datagram.n);
    c->reply.n = datagram.n;
    return coap_parse(bytes_of(c->reply.b, c->reply.n), m);
}

/* What was sent was taken: on with the next block, in the size the server wants. */
static err_t next_block(struct coap_engine *e, const struct coap_message *m, usec_t now)
{
    struct coap_client *c = &e->client;
    const struct coap_option *o = coap_find(m, COAP_OPT_BLOCK1);
    struct coap_block got;
    if (o == NULL || coap_block_parse(o, &got) != ERR_OK || got.num != c->block1.num || !c->block1.more) {
        return ERR_PEER_NONSENSE;
    }
    c->sent += coap_block_size(&c->block1);
    if (got.szx < c->block1.szx) {
        c->block1.szx = got.szx;
    }
    return send_block(e, now);
}

static bool is_same_answer(const struct coap_message *a, const struct coap_message *b)
{
    const struct coap_option *x = coap_find(a, COAP_OPT_ETAG);
    const struct coap_option *y = coap_find(b, COAP_OPT_ETAG);
    if (a->code != b->code || (x == NULL) != (y == NULL)) {
        return false;
    }
    return x == NULL || bytes_eq(x->value, y->value); /* [RFC 7959 2.4] */
}

/* A block of a response. *done when that was the last: *out is the whole then. */
static err_t take_block(struct coap_engine *e, struct bytes datagram, const struct coap_message *m,
                        const struct coap_block *b, bool *done, struct coap_message *out)
{
    struct coap_client *c = &e->client;
    struct coap_body *body = &c->body;
    size_t size = coap_block_size(b);
    if (!c->receiving) {
        body->n = 0;
        TRY(keep_reply(c, datagram, out));
        c->receiving = true;
    } else if (coap_parse(bytes_of(c->reply.b, c->reply.n), out) != ERR_OK || !is_same_answer(out, m)) {
        return ERR_PEER_NONSENSE;
    }
    if (b->num * size != body->n || (b->more ? m->payload.n != size : m->payload.n > size)) {
        return ERR_PEER_NONSENSE;
    }
    if (m->payload.n > body->cap - body->n) {
        return ERR_LIMIT_SIZE;
    }
    if (m->payload.n > 0) {
        memcpy(body->buf + body->n, m->payload.p, m->payload.n);
        body->n += m->payload.n;
    }
    *done = !b->more;
    out->payload = bytes_of(body->buf, body->n);
    return ERR_OK;
}

static err_t accept(struct coap_engine *e, struct bytes datagram, const struct coap_message *m, usec_t now,
                    struct coap_event *ev)
{
    struct coap_client *c = &e->client;
    struct coap_message whole;
    struct coap_block b;
    bool done = false;
    bool refused = m->code >> 5 != 2;
    if (coap_refusal(m) != 0) { /* a critical option that is not understood [RFC 7252 5.4.1] */
        return ERR_PEER_NONSENSE;
    }
    if (c->uploading && !refused && c->block1.more) {
        return m->code == CONTINUE ? next_block(e, m, now) : ERR_PEER_NONSENSE;
    }
    c->uploading = false;
    const struct coap_option *o = coap_find(m, COAP_OPT_BLOCK2);
    if (m->code == CONTINUE || (o != NULL && coap_block_parse(o, &b) != ERR_OK)) {
        return ERR_PEER_NONSENSE;
    }
    if (o != NULL && (c->receiving || b.num > 0 || b.more)) {
        TRY(take_block(e, datagram, m, &b, &done, &whole));
        if (!done) {
            return ask_block(e, b.szx, now);
        }
    } else if (c->receiving && !refused) {
        return ERR_PEER_NONSENSE; /* in the middle of blocks, one that is none */
    } else {
        TRY(keep_reply(c, datagram, &whole));
    }
    deliver(e, &whole, ev);
    return ERR_OK;
}

void coap_client_recv(struct coap_engine *e, struct bytes datagram, const struct coap_message *m, usec_t now,
                      struct coap_event *ev)
{
    struct coap_client *c = &e->client;
    if (m->type == COAP_CON && c->has_last && c->last == m->id) {
        coap_out_notice(e, COAP_ACK, m->id); /* once more: our acknowledgement was lost */
        return;
    }
    bool ours = c->busy && coap_is_same_token(m, &c->message) &&
                (m->type != COAP_ACK || (c->con.used && c->con.id == m->id));
    if (!ours) {
        if (m->type == COAP_CON) {
            coap_out_notice(e, COAP_RST, m->id); /* of nothing we asked [RFC 7252 5.2.2] */
        }
        return;
    }
    if (m->type == COAP_CON) {
        coap_out_notice(e, COAP_ACK, m->id);
        c->has_last = true;
        c->last = m->id;
    }
    c->con.used = false; /* a response acknowledges the request, however it comes [RFC 7252 5.2.2] */
    c->con.ready = false;
    err_t failed = accept(e, datagram, m, now, ev);
    if (failed != ERR_OK) {
        fail(e, failed, ev);
    }
}

void coap_client_acked(struct coap_engine *e, uint16_t id, usec_t now)
{
    struct coap_client *c = &e->client;
    if (c->busy && c->con.used && c->con.id == id) {
        c->con.used = false;
        c->con.ready = false;
        c->acked = true;
        c->give_up = now + e->params->answer_wait;
    }
}

void coap_client_reset(struct coap_engine *e, uint16_t id, struct coap_event *ev)
{
    struct coap_client *c = &e->client;
    if (c->busy && c->con.used && c->con.id == id) {
        fail(e, ERR_PEER_FAILING, ev); /* "usually caused when the receiving node has rebooted" [RFC 7252 1.2] */
    }
}

/* -- time -------------------------------------------------------------------------------------------- */

void coap_client_tick(struct coap_engine *e, usec_t now, struct coap_event *ev)
{
    struct coap_client *c = &e->client;
    if (c->busy && (coap_out_tick(e, &c->con, now) || (c->acked && now >= c->give_up))) {
        fail(e, ERR_PEER_TIMEOUT, ev);
    }
}

usec_t coap_client_deadline(const struct coap_engine *e)
{
    const struct coap_client *c = &e->client;
    if (!c->busy) {
        return USEC_NEVER;
    }
    return c->con.used ? c->con.next : c->acked ? c->give_up : USEC_NEVER;
}
