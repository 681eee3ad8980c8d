#include "shell/stream.h"

#include "base/ct.h"
#include "shell/handshake.h"

#include <stdlib.h>
#include <string.h>

#define IN_FIRST 4096
#define HEAD_ROOM (16u << 10)

struct stream_write {
    uv_write_t req;
    struct conn *c;
    size_t n;
    uint8_t octets[];
};

static void reading(struct conn *c, bool on);

static struct stream *stream_of(struct conn *c)
{
    return (struct stream *)((char *)c - offsetof(struct stream, http.conn));
}

static uv_stream_t *handle_of(struct conn *c)
{
    return (uv_stream_t *)&stream_of(c)->tcp;
}

/* -- the end ----------------------------------------------------------------------------------------- */
static void release(struct conn *c)
{
    free(stream_of(c));
}

static void closed_cb(uv_handle_t *h)
{
    conn_gone(&((struct stream *)h)->http.conn);
}

static void close_handle(struct conn *c)
{
    uv_close((uv_handle_t *)handle_of(c), closed_cb);
}

static void shutdown_cb(uv_shutdown_t *req, int status)
{
    (void)status;
    free(req);
}

/* Their unread octets would turn our close into a reset that eats the alert or the answer: read them first. */
static void shut(struct conn *c)
{
    if (stream_of(c)->shut) {
        return;
    }
    stream_of(c)->shut = true;
    uv_shutdown_t *req = c->eof ? NULL : malloc(sizeof(*req));
    if (req == NULL) {
        conn_close(c);
    } else if (uv_shutdown(req, handle_of(c), shutdown_cb) != 0) {
        free(req);
        conn_close(c);
    } else {
        worker_list_move(c->w, &c->member, WORKER_LINGER);
        reading(c, true);
    }
}

/* -- writing ----------------------------------------------------------------------------------------- */
static void written_cb(uv_write_t *req, int status)
{
    struct stream_write *o = (struct stream_write *)req;
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
    struct stream_write *o = malloc(sizeof(*o) + rest.n);
    if (o == NULL) {
        conn_close(c);
        return;
    }
    o->c = c;
    o->n = rest.n;
    memcpy(o->octets, rest.p, rest.n);
    uv_buf_t b = uv_buf_init((char *)o->octets, (unsigned)o->n);
    c->writing = true;
    if (uv_write(&o->req, handle_of(c), &b, 1, written_cb) != 0) {
        c->writing = false;
        free(o);
        conn_close(c);
    }
}

static void put(struct conn *c, struct bytes octets)
{
    uv_buf_t b = uv_buf_init((char *)(uintptr_t)octets.p, (unsigned)octets.n);
    int n = c->writing ? UV_EAGAIN : uv_try_write(handle_of(c), &b, 1);
    if (n < 0 && n != UV_EAGAIN) {
        conn_close(c);
        return;
    }
    size_t at = n > 0 ? (size_t)n : 0;
    if (at < octets.n) {
        write_rest(c, bytes_of(octets.p + at, octets.n - at));
    }
}

/* -- reading ----------------------------------------------------------------------------------------- */
static size_t in_max(const struct conn *c)
{
    return c->w->snap->limits.message + HEAD_ROOM;
}

/* Room behind c->in; never moves what a job under way looks at. */
static bool in_room(struct conn *c)
{
    if (c->in.n < c->in.cap) {
        return true;
    }
    size_t cap = c->in.cap == 0 ? IN_FIRST : c->in.cap * 2;
    if (c->busy || c->in.cap >= in_max(c)) {
        return false;
    }
    return growing_reserve(&c->in, cap);
}

static void alloc_cb(uv_handle_t *h, size_t suggested, uv_buf_t *buf)
{
    (void)suggested;
    struct conn *c = &((struct stream *)h)->http.conn;
    if (c->tls != NULL || c->state == CONN_ENDING) {
        *buf = uv_buf_init((char *)c->w->chunk, WORKER_TLS_CHUNK);
    } else if (in_room(c)) {
        *buf = uv_buf_init((char *)c->in.p + c->in.n, (unsigned)(c->in.cap - c->in.n));
    } else {
        *buf = uv_buf_init(NULL, 0);
    }
}

static void read_cb(uv_stream_t *s, ssize_t n, const uv_buf_t *buf);

static void reading(struct conn *c, bool on)
{
    if (stream_of(c)->reading == on || c->state == CONN_CLOSED || c->eof) {
        return;
    }
    stream_of(c)->reading = on;
    if (on) {
        (void)uv_read_start(handle_of(c), alloc_cb, read_cb);
    } else {
        (void)uv_read_stop(handle_of(c));
    }
}

/* Plain text of TLS records to c->in; false when there is none. */
static bool decrypt(struct conn *c)
{
    size_t n = 0;
    if (!in_room(c)) {
        return false;
    }
    if (tls_read(c->tls, c->in.p + c->in.n, c->in.cap - c->in.n, &n) != ERR_OK) {
        c->state = CONN_ENDING; /* with the alert that says why */
        conn_flush(c);
        return false;
    }
    c->in.n += n;
    c->backlog = c->backlog && n > 0;
    if (n == 0 && tls_step(c->tls) == TLS_CLOSED) {
        c->eof = true;
    }
    return n > 0;
}

static bool next(struct conn *c)
{
    if (http_exchange_next(c)) {
        return true;
    }
    return c->state == CONN_OPEN && !c->busy && c->tls != NULL && decrypt(c);
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
    struct conn *c = &((struct stream *)s)->http.conn;
    if (n == 0) {
        return;
    }
    if (n == UV_ENOBUFS) {
        reading(c, false);
        return;
    }
    if (n < 0) {
        stream_of(c)->reading = false;
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
    c->in.n += (size_t)n;
    if (!c->busy && !c->writing) {
        conn_process(c);
    }
}

/* -- life -------------------------------------------------------------------------------------------- */
static const struct conn_way way = {
    .binding = JOB_HTTP,
    .handshake = handshake_drive,
    .cancel = handshake_cancel,
    .put = put,
    .reading = reading,
    .shut = shut,
    .close = close_handle,
    .release = release,
    .next = next,
    .octets = http_exchange_octets,
    .answer = http_exchange_answer,
    .again = http_exchange_again,
};

static void free_handle(uv_handle_t *h)
{
    free(h);
}

static void peer_address(struct stream *s)
{
    struct sockaddr_storage a;
    int n = sizeof(a);
    if (uv_tcp_getpeername(&s->tcp, (struct sockaddr *)&a, &n) == 0) {
        conn_address(&s->http.conn, (const struct sockaddr *)&a);
    }
}

void stream_accept(struct worker *w, const struct snapshot_listener *l, uv_stream_t *server)
{
    struct stream *s = calloc(1, sizeof(*s));
    if (s == NULL) {
        return;
    }
    struct conn *c = &s->http.conn;
    c->way = &way;
    c->w = w;
    c->listener = l;
    if (uv_tcp_init(w->loop, &s->tcp) != 0) {
        free(s);
        return;
    }
    if (uv_accept(server, (uv_stream_t *)&s->tcp) != 0) {
        uv_close((uv_handle_t *)&s->tcp, free_handle);
        return;
    }
    peer_address(s);
    err_t e = conn_admit(c);
    if (e != ERR_OK) {
        conn_refuse(c, e);
        uv_close((uv_handle_t *)&s->tcp, free_handle);
        return;
    }
    conn_open(c);
}
