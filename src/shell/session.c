#include "shell/session.h"

#include "base/ct.h"
#include "shell/clock.h"
#include "shell/handshake.h"

#include <stdlib.h>
#include <string.h>

static struct session *session_of(struct conn *c)
{
    return (struct session *)((char *)c - offsetof(struct session, coap.conn));
}

/* -- the way --------------------------------------------------------------------------------------------- */
static void put(struct conn *c, struct bytes octets)
{
    datagrams_send(session_of(c)->at, &session_of(c)->entry.peer, octets);
}

static void reading(struct conn *c, bool on)
{
    (void)c; /* the listener reads for all; what is too much is dropped */
    (void)on;
}

static void timer_closed(uv_handle_t *h)
{
    struct session *s = h->data;
    conn_gone(&s->coap.conn);
}

static void close_handle(struct conn *c)
{
    struct session *s = session_of(c);
    datagrams_take(s->at, &s->entry);
    uv_close((uv_handle_t *)&s->timer, timer_closed);
}

static void release(struct conn *c)
{
    struct session *s = session_of(c);
    coap_exchange_free(&s->coap);
    datagrams_let(s->at);
    free(s);
}

/* -- time ------------------------------------------------------------------------------------------------ */
static void timer_cb(uv_timer_t *h)
{
    struct session *s = h->data;
    struct conn *c = &s->coap.conn;
    if (c->state == CONN_OPEN) {
        coap_exchange_tick(&s->coap);
    } else if (c->state == CONN_HANDSHAKE && !c->busy) {
        conn_resume(c);
    }
    conn_flush(c); /* and so settles */
}

static void settle(struct conn *c)
{
    struct session *s = session_of(c);
    usec_t left = c->state == CONN_OPEN ? coap_exchange_left(&s->coap) : tls_timeout(c->tls);
    if (left == USEC_NEVER || (c->state == CONN_HANDSHAKE && c->busy)) {
        (void)uv_timer_stop(&s->timer);
    } else {
        (void)uv_timer_start(&s->timer, timer_cb, (uint64_t)(left > 0 ? left / 1000 + 1 : 1), 0);
    }
}

/* -- what comes ------------------------------------------------------------------------------------------ */
static bool next(struct conn *c)
{
    struct session *s = session_of(c);
    size_t n = 0;
    if (tls_read(c->tls, c->w->chunk, WORKER_TLS_CHUNK, &n) != ERR_OK) {
        c->state = CONN_ENDING;
        conn_flush(c);
        return false;
    }
    if (n == 0) {
        c->eof = tls_step(c->tls) == TLS_CLOSED;
        c->last = c->last || c->w->draining;
        if (c->last && !c->busy) {
            conn_end(c); /* nobody reads for it any more */
        } else {
            conn_flush(c); /* the last flight of the handshake once more, if the client asked for it */
        }
        return false;
    }
    coap_exchange_received(&s->coap, bytes_of(c->w->chunk, n));
    return true;
}

static const struct conn_way way = {
    .binding = JOB_COAP,
    .handshake = handshake_drive,
    .cancel = handshake_cancel,
    .dies_when_deaf = true,
    .put = put,
    .reading = reading,
    .shut = conn_close,
    .settle = settle,
    .close = close_handle,
    .release = release,
    .next = next,
    .octets = coap_exchange_octets,
    .answer = coap_exchange_answer,
    .again = coap_exchange_again,
};

void session_received(struct session *s, struct bytes datagram)
{
    struct conn *c = &s->coap.conn;
    if (tls_feed(c->tls, datagram) != ERR_OK) {
        conn_close(c);
    } else if (c->state == CONN_OPEN && c->busy) {
        while (c->state == CONN_OPEN && next(c)) { /* acknowledgements and repetitions, while a request is under way */
            continue;
        }
    } else if (!c->busy) {
        conn_resume(c);
    }
}

void session_close(struct session *s)
{
    conn_close(&s->coap.conn);
}

struct session *session_find(struct datagrams *at, const union datagrams_address *peer)
{
    struct datagrams_entry *e = datagrams_find(at, peer);
    return e == NULL ? NULL : (struct session *)((char *)e - offsetof(struct session, entry));
}

bool session_is_of(const struct session *s, const struct cookie_hello *hello)
{
    return bytes_eq(BYTES_ARRAY(s->random), hello->random);
}

/* -- life ------------------------------------------------------------------------------------------------ */
struct session *session_new(struct datagrams *at, const struct snapshot_listener *l, const union datagrams_address *peer,
                            const struct cookie_hello *hello)
{
    struct session *s = calloc(1, sizeof(*s));
    if (s == NULL) {
        return NULL;
    }
    struct conn *c = &s->coap.conn;
    c->way = &way;
    c->w = at->w;
    c->listener = l;
    s->at = at;
    s->entry.peer = *peer;
    s->timer.data = s;
    memcpy(s->random, hello->random.p, sizeof(s->random));
    conn_address(c, &peer->any);
    err_t e = conn_admit(c);
    if (e != ERR_OK) {
        conn_refuse(c, e);
        free(s);
        return NULL;
    }
    (void)uv_timer_init(at->w->loop, &s->timer); /* cannot fail */
    datagrams_put(at, &s->entry);
    conn_open(c);
    return s;
}
