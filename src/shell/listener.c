#include "shell/listener.h"

#include "shell/clock.h"
#include "shell/conn.h"
#include "shell/log.h"

#include <stdlib.h>
#include <string.h>

#define BACKLOG 1024

struct listener {
    uv_tcp_t tcp;
    struct worker *w;
    const struct snapshot_listener *l;
};

static void free_handle(uv_handle_t *h)
{
    free(h);
}

static void peer_address(struct conn *c)
{
    struct sockaddr_storage a;
    int n = sizeof(a);
    c->ip = (struct ipaddr){0};
    if (uv_tcp_getpeername(&c->tcp, (struct sockaddr *)&a, &n) != 0) {
        return;
    }
    if (a.ss_family == AF_INET) {
        const struct sockaddr_in *v4 = (const struct sockaddr_in *)&a;
        c->ip = ipaddr_of_octets(bytes_of(&v4->sin_addr, 4));
    } else if (a.ss_family == AF_INET6) {
        const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)&a;
        c->ip = ipaddr_of_octets(bytes_of(&v6->sin6_addr, 16));
    }
}

static err_t make_room(struct worker *w)
{
    if (w->conns - w->conns_closing < w->snap->limits.connections) {
        return ERR_OK;
    }
    struct conn *told = w->lists[WORKER_LINGER].first;
    struct conn *oldest = told != NULL ? told : w->lists[WORKER_HANDSHAKE].first;
    if (oldest == NULL) {
        return ERR_LIMIT_BUSY;
    }
    w->metrics->connections_refused += told == NULL;
    conn_close(oldest); /* who fills all places with handshakes loses them to who comes next */
    return ERR_OK;
}

/* The limits of its own address first: who has no right to a place takes none from another. */
static err_t admit(struct worker *w, struct conn *c)
{
    TRY(peers_enter(&w->peers, &c->ip, clock_monotonic(), &c->peer));
    err_t e = make_room(w);
    if (e == ERR_OK && c->listener->tls) {
        e = tls_new(c->listener->tls_ctx, &c->tls);
    }
    if (e != ERR_OK) {
        peers_leave(&w->peers, c->peer);
        c->peer = NULL;
    }
    return e;
}

static void refuse(struct worker *w, struct conn *c, err_t e)
{
    char name[64];
    w->metrics->connections_refused++;
    metrics_refused(w->metrics, e);
    log_refusal(e, conn_name(c, name, sizeof(name)), text_of(c->listener->name));
    uv_close((uv_handle_t *)&c->tcp, free_handle);
}

static void connection_cb(uv_stream_t *server, int status)
{
    struct listener *l = (struct listener *)server;
    struct conn *c = status == 0 ? calloc(1, sizeof(*c)) : NULL;
    if (c == NULL) {
        return;
    }
    c->w = l->w;
    c->listener = l->l;
    if (uv_tcp_init(l->w->loop, &c->tcp) != 0) {
        free(c);
        return;
    }
    if (uv_accept(server, (uv_stream_t *)&c->tcp) != 0) {
        uv_close((uv_handle_t *)&c->tcp, free_handle);
        return;
    }
    l->w->metrics->connections++;
    peer_address(c);
    err_t e = admit(l->w, c);
    if (e != ERR_OK) {
        refuse(l->w, c, e);
        return;
    }
    conn_open(c);
}

err_t listener_new(struct worker *w, const struct snapshot_listener *sl, int fd, struct listener **out)
{
    struct listener *l = calloc(1, sizeof(*l));
    if (l == NULL || uv_tcp_init(w->loop, &l->tcp) != 0) {
        free(l);
        return ERR_IO;
    }
    l->w = w;
    l->l = sl;
    if (uv_tcp_open(&l->tcp, fd) != 0 || uv_listen((uv_stream_t *)&l->tcp, BACKLOG, connection_cb) != 0) {
        uv_close((uv_handle_t *)&l->tcp, free_handle);
        return ERR_IO;
    }
    *out = l;
    return ERR_OK;
}

void listener_close(struct listener *l)
{
    uv_close((uv_handle_t *)&l->tcp, free_handle);
}
