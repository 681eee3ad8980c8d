#include "proto/coap_server.h"

#include "proto/coap_out.h"

#include <string.h>

#define ENTITY_TOO_LARGE COAP_CODE(4, 13)
#define INCOMPLETE COAP_CODE(4, 8)
#define BAD_REQUEST COAP_CODE(4, 0)
#define CONTINUE COAP_CODE(2, 31)
#define INTERNAL COAP_CODE(5, 0)

/* -- what came already ------------------------------------------------------------------------------- */

static bool is_seen(const struct coap_server *s, uint16_t id, usec_t now)
{
    for (size_t i = 0; i < COAP_ENGINE_SEEN; i++) {
        if (s->seen[i].id == id && s->seen[i].until > now) {
            return true;
        }
    }
    return false;
}

static struct coap_answer *answer_of(struct coap_server *s, uint16_t id)
{
    for (size_t i = 0; i < COAP_ENGINE_ANSWERS; i++) {
        if (s->answers[i].used && s->answers[i].id == id) {
            return &s->answers[i];
        }
    }
    return NULL;
}

static void remember(struct coap_engine *e, uint16_t id, usec_t now)
{
    struct coap_server *s = &e->server;
    struct coap_answer *old = answer_of(s, id);
    if (old != NULL) { /* of an exchange so long ago that its id may be used again */
        old->used = false;
        old->ready = false;
    }
    s->seen[s->seen_next] = (struct coap_seen){id, now + e->params->exchange_lifetime};
    s->seen_next = (s->seen_next + 1) % COAP_ENGINE_SEEN;
}

/* The place of the answer to `id`: it goes out, and again for each duplicate. */
static struct coap_answer *answer_place(struct coap_server *s, uint16_t id)
{
    struct coap_answer *a = answer_of(s, id);
    if (a == NULL) {
        a = &s->answers[s->answers_next];
        s->answers_next = (s->answers_next + 1) % COAP_ENGINE_ANSWERS;
    }
    a->used = true;
    a->ready = true;
    a->id = id;
    return a;
}

/* -- what goes out ----------------------------------------------------------------------------------- */

/*
 * Sends *m as the answer to the request rq: in its acknowledgement, or by itself when that has gone already
 * [RFC 7252 5.2.1, 5.2.2]; to a non-confirmable request non-confirmable [5.2.3].
 */
static err_t reply(struct coap_engine *e, const struct coap_message *rq, bool acked, struct coap_message *m, usec_t now)
{
    struct coap_server *s = &e->server;
    struct coap_datagram text;
    m->token_n = rq->token_n;
    memcpy(m->token, rq->token, sizeof(m->token));
    if (rq->type == COAP_CON && acked) {
        return coap_out_con(e, &s->con, m, now);
    }
    m->type = rq->type == COAP_CON ? COAP_ACK : COAP_NON;
    m->id = rq->type == COAP_CON ? rq->id : e->next_id;
    TRY(coap_out_text(m, &text));
    e->next_id = (uint16_t)(e->next_id + (m->type == COAP_NON));
    answer_place(s, rq->id)->dgram = text;
    return ERR_OK;
}

/* An answer of the engine's own. It always fits. */
static void send_code(struct coap_engine *e, const struct coap_message *rq, uint8_t code, const struct coap_block *block1,
                      usec_t now)
{
    uint8_t buf[4];
    uint8_t size[4];
    struct coap_message m = coap_blank(COAP_ACK, code);
    if (block1 != NULL && coap_add(&m, COAP_OPT_BLOCK1, coap_block_write(block1, buf)) != ERR_OK) {
        return;
    }
    if (code == ENTITY_TOO_LARGE) { /* says what would do [RFC 7959 4] */
        size_t cap = e->server.body.cap;
        uint32_t most = cap < UINT32_MAX ? (uint32_t)cap : UINT32_MAX;
        if (coap_add(&m, COAP_OPT_SIZE1, coap_uint_write(most, size)) != ERR_OK) {
            return;
        }
    }
    if (reply(e, rq, rq == &e->server.message && e->server.acked, &m, now) != ERR_OK) {
        return; /* four options at most: cannot happen */
    }
}

/* -- blocks ------------------------------------------------------------------------------------------ */

static bool is_of_blocks(uint16_t number)
{
    return number == COAP_OPT_BLOCK1 || number == COAP_OPT_BLOCK2 || number == COAP_OPT_SIZE1 ||
           number == COAP_OPT_SIZE2;
}

/*
 * Requests with the same key are blocks of one: the method and the critical options but those of blocks [RFC 7959 2.4,
 * 2.5]. Elective ones do not say what is asked for, and some clients send them with the first block only.
 */
static err_t key_of(const struct coap_engine *e, const struct coap_message *m, uint8_t key[CRYPTO_HASH_LEN])
{
    struct coap_message bare = coap_blank(COAP_CON, m->code);
    struct coap_datagram text;
    for (size_t i = 0; i < m->options_n; i++) {
        if (m->options[i].number % 2 == 1 && !is_of_blocks(m->options[i].number)) {
            TRY(coap_add(&bare, m->options[i].number, m->options[i].value));
        }
    }
    TRY(coap_out_text(&bare, &text));
    return e->crypto->sha256(bytes_of(text.b, text.n), key);
}

static bool has_key(const struct coap_engine *e, const struct coap_message *m)
{
    uint8_t key[CRYPTO_HASH_LEN];
    return key_of(e, m, key) == ERR_OK && bytes_eq(BYTES_ARRAY(key), BYTES_ARRAY(e->server.key));
}

static uint8_t smaller(uint8_t a, uint8_t b)
{
    return a < b ? a : b;
}

static err_t block_of(const struct coap_message *m, uint16_t number, bool *has, struct coap_block *out)
{
    const struct coap_option *o = coap_find(m, number);
    *has = o != NULL;
    return o == NULL ? ERR_OK : coap_block_parse(o, out);
}

/* Takes a block of a request in. 0: that was the last; else what to answer. */
static uint8_t take_block(struct coap_engine *e, const struct coap_message *m, const struct coap_block *b, usec_t now)
{
    struct coap_server *s = &e->server;
    struct coap_body *body = &s->body;
    size_t size = coap_block_size(b);
    size_t at = b->num * size;
    const struct coap_option *announced = coap_find(m, COAP_OPT_SIZE1);
    uint32_t total = 0;
    if (b->more ? m->payload.n != size : m->payload.n > size) {
        return BAD_REQUEST;
    }
    if (b->num == 0) {
        body->n = 0;
        s->use = COAP_BODY_IN; /* what was there is gone: the client has begun anew */
        if (key_of(e, m, s->key) != ERR_OK) {
            return INTERNAL;
        }
        if (announced != NULL && coap_uint(announced, &total) == ERR_OK && total > body->cap) {
            return ENTITY_TOO_LARGE;
        }
    } else if (s->use != COAP_BODY_IN || at != body->n || !has_key(e, m)) {
        return INCOMPLETE; /* not the next one [RFC 7959 2.9.2] */
    }
    if (m->payload.n > body->cap - body->n) {
        s->use = COAP_BODY_NONE;
        return ENTITY_TOO_LARGE;
    }
    if (m->payload.n > 0) {
        memcpy(body->buf + body->n, m->payload.p, m->payload.n);
        body->n += m->payload.n;
    }
    s->until = now + e->params->body_lifetime;
    return b->more ? CONTINUE : 0;
}

/* One block of the answer that is kept, into *m whose options are there. False: beyond its end. */
static bool put_block(struct coap_server *s, struct coap_block *b, uint8_t buf[static 4], struct coap_message *m)
{
    size_t size = coap_block_size(b);
    size_t at = b->num * size;
    if (at >= s->body.n) {
        return false;
    }
    size_t left = s->body.n - at;
    b->more = left > size;
    m->payload = bytes_of(s->body.buf + at, left < size ? left : size);
    return coap_add(m, COAP_OPT_BLOCK2, coap_block_write(b, buf)) == ERR_OK;
}

/* A later block of an answer: out of what is kept, or the client has to begin anew. */
static void send_later_block(struct coap_engine *e, const struct coap_message *rq, struct coap_block *b, usec_t now)
{
    struct coap_server *s = &e->server;
    struct coap_message m;
    uint8_t buf[4];
    if (s->use != COAP_BODY_OUT || !has_key(e, rq)) {
        send_code(e, rq, INCOMPLETE, NULL, now);
        return;
    }
    if (b->szx > e->params->szx) { /* the same place in smaller blocks */
        b->num <<= b->szx - e->params->szx;
        b->szx = e->params->szx;
    }
    err_t failed = coap_parse(bytes_of(s->head.b, s->head.n), &m);
    if (failed != ERR_OK || !put_block(s, b, buf, &m) || reply(e, rq, false, &m, now) != ERR_OK) {
        send_code(e, rq, BAD_REQUEST, NULL, now);
        return;
    }
    s->until = now + e->params->body_lifetime;
}

/* -- a request comes --------------------------------------------------------------------------------- */

/* The request as the caller sees it. */
static void present(struct coap_server *s, struct bytes payload, struct coap_event *ev)
{
    ev->kind = COAP_EVENT_REQUEST;
    ev->message = s->message;
    ev->message.payload = payload;
    for (size_t i = 0; i < s->message.options_n; i++) {
        uint16_t number = s->message.options[i].number;
        if (is_of_blocks(number) || number == COAP_OPT_OBSERVE) {
            coap_remove(&ev->message, number);
        }
    }
}

static void keep(struct coap_engine *e, struct bytes datagram, usec_t now, struct coap_event *ev)
{
    struct coap_server *s = &e->server;
    memcpy(s->request.b, datagram.p, datagram.n);
    s->request.n = datagram.n;
    if (coap_parse(bytes_of(s->request.b, s->request.n), &s->message) != ERR_OK) {
        return; /* it was parsed before: cannot happen */
    }
    s->busy = true;
    s->acked = false;
    s->ack_at = now + e->params->ack_delay;
    bool whole = s->has_block1 && s->block1.num > 0;
    present(s, whole ? bytes_of(s->body.buf, s->body.n) : s->message.payload, ev);
}

/* Refused before anybody sees it: its options, its size, its blocks. 0: go on. */
static uint8_t refusal(struct coap_server *s, struct bytes datagram, const struct coap_message *m)
{
    uint8_t code = coap_refusal(m);
    if (code != 0) {
        return code;
    }
    if (datagram.n > COAP_ENGINE_DATAGRAM) {
        return ENTITY_TOO_LARGE;
    }
    if (block_of(m, COAP_OPT_BLOCK1, &s->has_block1, &s->block1) != ERR_OK ||
        block_of(m, COAP_OPT_BLOCK2, &s->has_block2, &s->block2) != ERR_OK) {
        return BAD_REQUEST;
    }
    return 0;
}

void coap_server_recv(struct coap_engine *e, struct bytes datagram, const struct coap_message *m, usec_t now,
                      struct coap_event *ev)
{
    struct coap_server *s = &e->server;
    if (is_seen(s, m->id, now)) { /* sent again, not run again [RFC 7252 4.5] */
        struct coap_answer *a = answer_of(s, m->id);
        if (a != NULL) {
            a->ready = true;
        }
        return;
    }
    if (s->busy || s->con.used) {
        return; /* one at a time: the retransmission comes later */
    }
    remember(e, m->id, now);
    uint8_t code = refusal(s, datagram, m);
    if (code != 0) {
        if (m->type == COAP_CON) { /* a non-confirmable one is rejected in silence [RFC 7252 4.3, 5.4.1] */
            send_code(e, m, code, NULL, now);
        }
        return;
    }
    if (s->has_block1 && (s->block1.more || s->block1.num > 0)) {
        code = take_block(e, m, &s->block1, now);
        if (code != 0) {
            struct coap_block told = s->block1;
            told.szx = smaller(told.szx, e->params->szx);
            send_code(e, m, code, &told, now);
            return;
        }
    } else if (s->has_block2 && s->block2.num > 0) {
        send_later_block(e, m, &s->block2, now);
        return;
    }
    keep(e, datagram, now, ev);
}

/* -- its answer -------------------------------------------------------------------------------------- */

/* Keeps an answer that goes in blocks: its head and its body. */
static err_t keep_answer(struct coap_engine *e, const struct coap_message *m, struct bytes payload, usec_t now)
{
    struct coap_server *s = &e->server;
    struct coap_message head = *m;
    head.token_n = 0;
    head.payload = bytes_empty();
    s->use = COAP_BODY_NONE;
    if (payload.n > s->body.cap) {
        return ERR_LIMIT_SIZE;
    }
    TRY(key_of(e, &s->message, s->key));
    TRY(coap_out_text(&head, &s->head));
    memmove(s->body.buf, payload.p, payload.n); /* the answer may be made of the request */
    s->body.n = payload.n;
    s->use = COAP_BODY_OUT;
    s->until = now + e->params->body_lifetime;
    return ERR_OK;
}

static err_t answer(struct coap_engine *e, const struct coap_message *response, usec_t now)
{
    struct coap_server *s = &e->server;
    struct coap_block first = {.szx = e->params->szx};
    struct coap_message m = coap_blank(COAP_ACK, response->code);
    uint8_t buf1[4];
    uint8_t buf2[4];
    for (size_t i = 0; i < response->options_n; i++) {
        uint16_t number = response->options[i].number;
        if (!is_of_blocks(number) && number != COAP_OPT_OBSERVE) { /* nobody is observed here [RFC 7641 4.1] */
            TRY(coap_add(&m, number, response->options[i].value));
        }
    }
    m.payload = response->payload;
    if (s->has_block2) {
        first.szx = smaller(first.szx, s->block2.szx);
    }
    if (m.payload.n > coap_block_size(&first)) {
        TRY(keep_answer(e, &m, m.payload, now));
        if (!put_block(s, &first, buf2, &m)) {
            return ERR_BUG;
        }
    }
    if (s->has_block1) {
        struct coap_block told = s->block1;
        told.szx = smaller(told.szx, e->params->szx);
        TRY(coap_add(&m, COAP_OPT_BLOCK1, coap_block_write(&told, buf1)));
    }
    return reply(e, &s->message, s->acked, &m, now);
}

err_t coap_server_answer(struct coap_engine *e, const struct coap_message *response, usec_t now)
{
    struct coap_server *s = &e->server;
    if (!s->busy) {
        return ERR_STATE;
    }
    if (s->use == COAP_BODY_IN) {
        s->use = COAP_BODY_NONE;
    }
    err_t failed = answer(e, response, now);
    if (failed != ERR_OK) {
        send_code(e, &s->message, INTERNAL, NULL, now);
    }
    s->busy = false;
    return failed;
}

/* -- time -------------------------------------------------------------------------------------------- */

void coap_server_end(struct coap_engine *e, uint16_t id)
{
    if (e->server.con.used && e->server.con.id == id) {
        e->server.con.used = false;
        e->server.con.ready = false;
    }
}

void coap_server_tick(struct coap_engine *e, usec_t now)
{
    struct coap_server *s = &e->server;
    if (s->busy && !s->acked && s->message.type == COAP_CON && now >= s->ack_at) {
        struct coap_message ack = coap_blank(COAP_ACK, COAP_EMPTY);
        ack.id = s->message.id;
        s->acked = coap_out_text(&ack, &answer_place(s, ack.id)->dgram) == ERR_OK;
    }
    (void)coap_out_tick(e, &s->con, now); /* nobody to tell: the client has lost interest, or the session is dead */
    if (s->use != COAP_BODY_NONE && !s->busy && now >= s->until) {
        s->use = COAP_BODY_NONE;
    }
}

usec_t coap_server_deadline(const struct coap_engine *e)
{
    const struct coap_server *s = &e->server;
    usec_t next = s->con.used ? s->con.next : USEC_NEVER;
    if (s->busy && !s->acked && s->message.type == COAP_CON && s->ack_at < next) {
        next = s->ack_at;
    }
    if (s->use != COAP_BODY_NONE && !s->busy && s->until < next) {
        next = s->until;
    }
    return next;
}
