#include "shell/datagrams.h"

#include <stdlib.h>
#include <string.h>

struct bytes datagrams_address_octets(const union datagrams_address *a, uint8_t out[static DATAGRAMS_ADDRESS_MAX])
{
    struct writer w = writer_of(out, DATAGRAMS_ADDRESS_MAX);
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
static struct datagrams_entry **bucket_of(struct datagrams *d, const union datagrams_address *a)
{
    uint8_t b[DATAGRAMS_ADDRESS_MAX];
    struct bytes octets = datagrams_address_octets(a, b);
    uint64_t h = d->seed;
    for (size_t i = 0; i < octets.n; i++) {
        h = (h ^ octets.p[i]) * UINT64_C(0x9e3779b97f4a7c15);
        h ^= h >> 29;
    }
    return &d->bucket[h % DATAGRAMS_BUCKETS];
}

static bool is_same(const union datagrams_address *a, const union datagrams_address *b)
{
    uint8_t x[DATAGRAMS_ADDRESS_MAX];
    uint8_t y[DATAGRAMS_ADDRESS_MAX];
    return bytes_eq(datagrams_address_octets(a, x), datagrams_address_octets(b, y));
}

struct datagrams_entry *datagrams_find(struct datagrams *d, const union datagrams_address *peer)
{
    struct datagrams_entry *e = *bucket_of(d, peer);
    while (e != NULL && !is_same(&e->peer, peer)) {
        e = e->chain;
    }
    return e;
}

/* -- entries ----------------------------------------------------------------------------------------- */
void datagrams_put(struct datagrams *d, struct datagrams_entry *e)
{
    struct datagrams_entry **at = bucket_of(d, &e->peer);
    e->chain = *at;
    *at = e;
    d->held++;
}

void datagrams_take(struct datagrams *d, struct datagrams_entry *e)
{
    for (struct datagrams_entry **at = bucket_of(d, &e->peer); *at != NULL; at = &(*at)->chain) {
        if (*at == e) {
            *at = e->chain;
            return;
        }
    }
}

static void free_handle(uv_handle_t *h)
{
    free(h);
}

static void close_if_done(struct datagrams *d)
{
    if (d->closing && d->held == 0 && !uv_is_closing((uv_handle_t *)&d->udp)) {
        uv_close((uv_handle_t *)&d->udp, free_handle);
    }
}

void datagrams_let(struct datagrams *d)
{
    d->held--;
    close_if_done(d);
}

void datagrams_send(struct datagrams *d, const union datagrams_address *to, struct bytes datagram)
{
    uv_buf_t b = uv_buf_init((char *)(uintptr_t)datagram.p, (unsigned)datagram.n);
    (void)uv_udp_try_send(&d->udp, &b, 1, &to->any); /* what the kernel does not take is lost, and sent again */
}

/* -- receiving ----------------------------------------------------------------------------------------- */
static void alloc_cb(uv_handle_t *h, size_t suggested, uv_buf_t *buf)
{
    (void)suggested;
    *buf = uv_buf_init((char *)((struct datagrams *)h)->w->datagram, WORKER_DATAGRAM);
}

static void recv_cb(uv_udp_t *h, ssize_t n, const uv_buf_t *buf, const struct sockaddr *from, unsigned flags)
{
    struct datagrams *d = (struct datagrams *)h;
    union datagrams_address peer;
    if (n <= 0 || from == NULL || (flags & UV_UDP_PARTIAL) != 0) {
        return; /* nothing, or longer than any datagram of this protocol */
    }
    memset(&peer, 0, sizeof(peer));
    memcpy(&peer, from, from->sa_family == AF_INET6 ? sizeof(peer.v6) : sizeof(peer.v4));
    d->received(d->owner, &peer, bytes_of(buf->base, (size_t)n));
}

/* -- life ---------------------------------------------------------------------------------------------- */
static err_t start(struct datagrams *d, int fd)
{
    TRY(d->w->snap->env.crypto->random((uint8_t *)&d->seed, sizeof(d->seed)));
    if (uv_udp_open(&d->udp, fd) != 0) { /* from now on libuv's; the supervisor has its own */
        return ERR_IO;
    }
    return uv_udp_recv_start(&d->udp, alloc_cb, recv_cb) == 0 ? ERR_OK : ERR_IO;
}

err_t datagrams_new(struct worker *w, int fd, datagrams_fn *received, void *owner, struct datagrams **out)
{
    struct datagrams *d = calloc(1, sizeof(*d));
    if (d == NULL) {
        return ERR_LIMIT_CAPACITY;
    }
    d->w = w;
    d->received = received;
    d->owner = owner;
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
