#include "shell/conn.h"

#include "base/ct.h"
#include "shell/exchange.h"
#include "shell/handshake.h"
#include "shell/log.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#define IN_FIRST 4096
#define HEAD_ROOM (16u << 10)
#define TURN_REQUESTS 32 /* of one connection in one turn of the loop: a pipeline without end delays nobody else */

struct conn_write {
    uv_write_t req;
    struct conn *c;
    size_t n;
    uint8_t octets[];
};

static void process(struct conn *c);
static void reading(struct conn *c, bool on);

struct text conn_name(const struct conn *c, char *buf, size_t cap)
{
    struct text name = association_name(&c->assoc);
    if (c->state != CONN_HANDSHAKE && !text_eq_z(name, "-")) { /* before that it is only what somebody says */
        return name;
    }
    const char *z =
        c->ip.len == 0 ? NULL : inet_ntop(c->ip.len == 4 ? AF_INET : AF_INET6, c->ip.b, buf, (socklen_t)cap);
    return text_of(z == NULL ? "-" : z);
}

/* -- the end ----------------------------------------------------------------------------------------- */
static void release(struct conn *c)
{
    tls_free(c->tls);
    if (c->in != NULL) {
        ct_wipe(c->in, c->in_n); /* requests may carry keys */
        free(c->in);
    }
    free(c);
}

static void closed_cb(uv_handle_t *h)
{
    struct conn *c = (struct conn *)h;
    struct worker *w = c->w;
    c->tcp.data = NULL; /* the handle is done; the memory stays while somebody still holds it */
    if (!c->busy) {
        release(c);
    }
    worker_conn_gone(w);
}

void conn_close(struct conn *c)
{
    if (c->state == CONN_CLOSED) {
        return;
    }
    handshake_cancel(c);
    c->state = CONN_CLOSED;
    worker_list_remove(c->w, c);
    worker_again_cancel(c);
    peers_leave(&c->w->peers, c->peer);
    c->peer = NULL;
    c->w->conns_closing++;
    uv_close((uv_handle_t *)&c->tcp, closed_cb);
}

/* A job or an answer came back: false if the connection is gone, together with its memory. */
bool conn_unpin(struct conn *c)
{
    c->busy = false;
    if (c->state != CONN_CLOSED) {
        return true;
    }
    if (c->tcp.data == NULL) {
        release(c);
    }
    return false;
}

static void shutdown_cb(uv_shutdown_t *req, int status)
{
    (void)status;
    free(req);
}

/* Their unread octets would turn our close into a reset that eats the alert or the answer: read them first. */
static void shut(struct conn *c)
{
    if (c->shut) {
        return;
    }
    c->shut = true;
    uv_shutdown_t *req = c->eof ? NULL : malloc(sizeof(*req));
    if (req == NULL) {
        conn_close(c);
    } else if (uv_shutdown(req, (uv_stream_t *)&c->tcp, shutdown_cb) != 0) {
        free(req);
        conn_close(c);
    } else {
        worker_list_move(c->w, c, WORKER_LINGER);
        reading(c, true);
    }
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

void conn_drain(struct conn *c)
{
    c->last = true;
    if (c->state == CONN_OPEN && !c->busy && !c->writing && c->in_n == 0) {
        conn_end(c);
    }
}

/* -- writing ----------------------------------------------------------------------------------------- */
static void written_cb(uv_write_t *req, int status)
{
    struct conn_write *o = (struct conn_write *)req;
    struct conn *c = o->c;
    ct_wipe(o->octets, o->n);
    free(o);
    c->writing = false;
    if (status != 0) {
        conn_close(c);
        return;
    }
    conn_flush(c);
    if (!c->busy && !c->writing) {
        conn_resume(c);
    }
}

static void write_rest(struct conn *c, struct bytes rest)
{
    struct conn_write *o = malloc(sizeof(*o) + rest.n);
    if (o == NULL) {
        conn_close(c);
        return;
    }
    o->c = c;
    o->n = rest.n;
    memcpy(o->octets, rest.p, rest.n);
    uv_buf_t b = uv_buf_init((char *)o->octets, (unsigned)o->n);
    c->writing = true;
    if (uv_write(&o->req, (uv_stream_t *)&c->tcp, &b, 1, written_cb) != 0) {
        c->writing = false;
        free(o);
        conn_close(c);
    }
}

static void put(struct conn *c, struct bytes octets)
{
    uv_buf_t b = uv_buf_init((char *)(uintptr_t)octets.p, (unsigned)octets.n);
    int n = c->writing ? UV_EAGAIN : uv_try_write((uv_stream_t *)&c->tcp, &b, 1);
    if (n < 0 && n != UV_EAGAIN) {
        conn_close(c);
        return;
    }
    size_t at = n > 0 ? (size_t)n : 0;
    if (at < octets.n) {
        write_rest(c, bytes_of(octets.p + at, octets.n - at));
    }
}

/* Moves what TLS has ready to the socket; when the connection is ending and all is out, shuts our side. */
void conn_flush(struct conn *c)
{
    while (c->state != CONN_CLOSED && c->tls != NULL && !c->writing) {
        size_t n = tls_drain(c->tls, c->w->chunk, WORKER_TLS_CHUNK);
        if (n == 0) {
            break;
        }
        put(c, bytes_of(c->w->chunk, n));
    }
    if (c->state == CONN_ENDING && !c->writing) {
        shut(c);
    }
}

void conn_send(struct conn *c, struct bytes octets)
{
    if (c->state == CONN_CLOSED) {
        return;
    }
    if (c->tls == NULL) {
        put(c, octets);
        return;
    }
    if (tls_write(c->tls, octets) != ERR_OK) {
        conn_close(c);
        return;
    }
    conn_flush(c);
}

/* -- reading ----------------------------------------------------------------------------------------- */
static size_t in_max(const struct conn *c)
{
    return c->w->snap->limits.message + HEAD_ROOM;
}

/* Room behind c->in; never moves what a job under way looks at. */
static bool in_room(struct conn *c)
{
    if (c->in_n < c->in_cap) {
        return true;
    }
    size_t cap = c->in_cap == 0 ? IN_FIRST : c->in_cap * 2;
    if (c->busy || c->in_cap >= in_max(c)) {
        return false;
    }
    uint8_t *bigger = malloc(cap);
    if (bigger == NULL) {
        return false;
    }
    if (c->in_n > 0) {
        memcpy(bigger, c->in, c->in_n);
        ct_wipe(c->in, c->in_n);
    }
    free(c->in);
    c->in = bigger;
    c->in_cap = cap;
    return true;
}

static void alloc_cb(uv_handle_t *h, size_t suggested, uv_buf_t *buf)
{
    (void)suggested;
    struct conn *c = (struct conn *)h;
    if (c->tls != NULL || c->state == CONN_ENDING) {
        *buf = uv_buf_init((char *)c->w->chunk, WORKER_TLS_CHUNK);
    } else if (in_room(c)) {
        *buf = uv_buf_init((char *)c->in + c->in_n, (unsigned)(c->in_cap - c->in_n));
    } else {
        *buf = uv_buf_init(NULL, 0);
    }
}

static void read_cb(uv_stream_t *s, ssize_t n, const uv_buf_t *buf);

static void reading(struct conn *c, bool on)
{
    if (c->reading == on || c->state == CONN_CLOSED || c->eof) {
        return;
    }
    c->reading = on;
    if (on) {
        (void)uv_read_start((uv_stream_t *)&c->tcp, alloc_cb, read_cb);
    } else {
        (void)uv_read_stop((uv_stream_t *)&c->tcp);
    }
}

/* Plain text of TLS records to c->in; false when there is none. */
static bool decrypt(struct conn *c)
{
    size_t n = 0;
    if (!in_room(c)) {
        return false;
    }
    if (tls_read(c->tls, c->in + c->in_n, c->in_cap - c->in_n, &n) != ERR_OK) {
        c->state = CONN_ENDING; /* with the alert that says why */
        conn_flush(c);
        return false;
    }
    c->in_n += n;
    c->backlog = c->backlog && n > 0;
    if (n == 0 && tls_step(c->tls) == TLS_CLOSED) {
        c->eof = true;
    }
    return n > 0;
}

static void after_eof(struct conn *c)
{
    if (c->eof && c->state == CONN_OPEN && !c->busy && !c->writing) {
        conn_end(c);
    }
}

static void process(struct conn *c)
{
    for (unsigned i = 0; c->state == CONN_OPEN && !c->busy && !c->writing; i++) {
        if (i == TURN_REQUESTS) {
            reading(c, false);
            worker_again(c->w, c);
            return;
        }
        if (exchange_next(c)) {
            continue;
        }
        if (c->state != CONN_OPEN || c->busy || c->tls == NULL || !decrypt(c)) {
            break;
        }
    }
    after_eof(c);
    if (c->state == CONN_OPEN) {
        reading(c, !c->writing && !c->backlog);
    }
}

void conn_resume(struct conn *c)
{
    if (c->state == CONN_HANDSHAKE) {
        handshake_drive(c);
    }
    if (c->state == CONN_OPEN && !c->busy && !c->writing) {
        process(c);
    } else if (c->state == CONN_HANDSHAKE && !c->busy && !c->writing) {
        reading(c, true); /* never off while it waits: two calls of the kernel for octets that do not come */
    }
}

static void received_tls(struct conn *c, struct bytes b)
{
    if (tls_feed(c->tls, b) != ERR_OK) {
        conn_close(c);
        return;
    }
    if (c->busy || c->writing) {
        c->backlog = true; /* one chunk may wait, not more */
        reading(c, false);
        return;
    }
    conn_resume(c);
}

static void read_cb(uv_stream_t *s, ssize_t n, const uv_buf_t *buf)
{
    struct conn *c = (struct conn *)s;
    if (n == 0) {
        return;
    }
    if (n == UV_ENOBUFS) {
        reading(c, false);
        return;
    }
    if (n < 0) {
        c->reading = false;
        c->eof = true;
        (void)uv_read_stop(s);
        bool under_way = c->writing || (c->busy && c->state == CONN_OPEN);
        if (n != UV_EOF || !under_way) {
            conn_close(c);
        }
        return;
    }
    if (c->state == CONN_ENDING) {
        return; /* dropped */
    }
    if (c->tls != NULL) {
        received_tls(c, bytes_of(buf->base, (size_t)n));
        return;
    }
    c->in_n += (size_t)n;
    if (!c->busy && !c->writing) {
        process(c);
    }
}

void conn_open(struct conn *c)
{
    c->tcp.data = c;
    c->w->conns++;
    c->w->metrics->connections_now++;
    (void)uv_tcp_nodelay(&c->tcp, 1);
    if (c->tls == NULL) {
        c->state = CONN_OPEN;
        association_init_plain(&c->assoc);
    } else {
        c->state = CONN_HANDSHAKE;
        c->assoc.not_after = USEC_NEVER;
    }
    worker_list_move(c->w, c, c->tls == NULL ? WORKER_SERVE : WORKER_HANDSHAKE);
    reading(c, true);
}
