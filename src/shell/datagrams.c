#include "shell/datagrams.h"

#include "shell/clock.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ADDRESS_MAX 24 /* octets of address and port, and the scope of a link-local one */

static struct bytes address_octets(const union session_address *a, uint8_t out[static ADDRESS_MAX])
{
    struct writer w = writer_of(out, ADDRESS_MAX);
    if (a->any.sa_family == AF_INET6) {
        writer_u16(&w, a->v6.sin6_port);
        writer_bytes(&w, bytes_of(&a->v6.sin6_addr, 16));
        writer_u32(&w, a->v6.sin6_scope_id);
    } else {
        writer_u16(&w, a->v4.sin_port);
        writer_bytes(&w, bytes_of(&a->v4.sin_addr, 4));
    }
    return writer_view(&w);
}

/* Only who received a cookie gets into the table, so a seed is enough against chosen addresses. */
static struct session **bucket_of(struct datagrams *d, const union session_address *a)
{
    uint8_t b[ADDRESS_MAX];
    struct bytes octets = address_octets(a, b);
    uint64_t h = d->seed;
    for (size_t i = 0; i < octets.n; i++) {
        h = (h ^ octets.p[i]) * UINT64_C(0x9e3779b97f4a7c15);
        h ^= h >> 29;
    }
    return &d->bucket[h % DATAGRAMS_BUCKETS];
}

static bool is_same(const union session_address *a, const union session_address *b)
{
    uint8_t x[ADDRESS_MAX];
    uint8_t y[ADDRESS_MAX];
    return bytes_eq(address_octets(a, x), address_octets(b, y));
}

static struct session *find(struct datagrams *d, const union session_address *peer)
{
    struct session *s = *bucket_of(d, peer);
    while (s != NULL && !is_same(&s->peer, peer)) {
        s = s->chain;
    }
    return s;
}

/* -- for session --------------------------------------------------------------------------------------- */
void datagrams_put(struct datagrams *d, struct session *s)
{
    struct session **at = bucket_of(d, &s->peer);
    s->chain = *at;
    *at = s;
    d->held++;
}

void datagrams_take(struct datagrams *d, struct session *s)
{
    for (struct session **at = bucket_of(d, &s->peer); *at != NULL; at = &(*at)->chain) {
        if (*at == s) {
            *at = s->chain;
            return;
        }
    }
}

static void closed_cb(uv_handle_t *h)
{
    struct datagrams *d = (struct datagrams *)h;
    cookie_wipe(&d->door);
    free(d);
}

static void close_if_done(struct datagrams *d)
{
    if (d->closing && d->held == 0 && !uv_is_closing((uv_handle_t *)&d->udp)) {
        uv_close((uv_handle_t *)&d->udp, closed_cb);
    }
}

void datagrams_let(struct datagrams *d)
{
    d->held--;
    close_if_done(d);
}

void datagrams_send(struct datagrams *d, const union session_address *to, struct bytes datagram)
{
    uv_buf_t b = uv_buf_init((char *)(uintptr_t)datagram.p, (unsigned)datagram.n);
    (void)uv_udp_try_send(&d->udp, &b, 1, &to->any); /* what the kernel does not take is lost, and sent again */
}

/* -- receiving ----------------------------------------------------------------------------------------- */
static void begin(struct datagrams *d, const union session_address *peer, const struct cookie_hello *hello,
                  struct bytes datagram)
{
    struct session *old = find(d, peer);
    if (old != NULL && session_is_of(old, hello)) {
        session_received(old, datagram);
        return;
    }
    if (old != NULL) {
        conn_close(&old->coap.conn); /* its client has begun anew, and has proved its address (RFC 6347 4.2.8) */
    }
    struct session *s = session_new(d, peer, hello);
    if (s != NULL) {
        session_received(s, datagram);
    }
}

static void judge(struct datagrams *d, const union session_address *peer, struct bytes datagram)
{
    uint8_t name[ADDRESS_MAX];
    uint8_t answer[COOKIE_ANSWER_MAX];
    struct writer w = writer_of(answer, sizeof(answer));
    struct cookie_hello hello;
    struct session *s = NULL;
    switch (cookie_judge(&d->door, address_octets(peer, name), datagram, clock_monotonic(), &hello, &w)) {
    case COOKIE_OTHER:
        s = find(d, peer);
        if (s != NULL) {
            session_received(s, datagram);
        }
        return;
    case COOKIE_VERIFY:
        datagrams_send(d, peer, writer_view(&w));
        return;
    case COOKIE_ADMIT:
        begin(d, peer, &hello, datagram);
        return;
    }
}

static void alloc_cb(uv_handle_t *h, size_t suggested, uv_buf_t *buf)
{
    (void)suggested;
    *buf = uv_buf_init((char *)((struct datagrams *)h)->w->datagram, WORKER_DATAGRAM);
}

static void recv_cb(uv_udp_t *h, ssize_t n, const uv_buf_t *buf, const struct sockaddr *from, unsigned flags)
{
    union session_address peer;
    if (n <= 0 || from == NULL || (flags & UV_UDP_PARTIAL) != 0) {
        return; /* nothing, or longer than any datagram of this protocol */
    }
    memset(&peer, 0, sizeof(peer));
    memcpy(&peer, from, from->sa_family == AF_INET6 ? sizeof(peer.v6) : sizeof(peer.v4));
    judge((struct datagrams *)h, &peer, bytes_of(buf->base, (size_t)n));
}

/* -- life ---------------------------------------------------------------------------------------------- */
static err_t start(struct datagrams *d, int fd)
{
    const struct crypto *crypto = d->w->snap->env.crypto;
    TRY(cookie_init(&d->door, crypto));
    TRY(crypto->random((uint8_t *)&d->seed, sizeof(d->seed)));
    if (uv_udp_open(&d->udp, fd) != 0) { /* from now on libuv's; the supervisor has its own */
        return ERR_IO;
    }
    return uv_udp_recv_start(&d->udp, alloc_cb, recv_cb) == 0 ? ERR_OK : ERR_IO;
}

err_t datagrams_new(struct worker *w, const struct snapshot_listener *l, int fd, struct datagrams **out)
{
    struct datagrams *d = calloc(1, sizeof(*d));
    if (d == NULL) {
        return ERR_LIMIT_CAPACITY;
    }
    d->w = w;
    d->l = l;
    if (uv_udp_init(w->loop, &d->udp) != 0) {
        free(d);
        return ERR_IO;
    }
    err_t e = start(d, fd);
    if (e != ERR_OK) {
        datagrams_close(d);
        return e;
    }
    *out = d;
    return ERR_OK;
}

void datagrams_close(struct datagrams *d)
{
    (void)uv_udp_recv_stop(&d->udp);
    d->closing = true;
    close_if_done(d);
}
