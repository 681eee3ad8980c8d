#include "shell/listener.h"

#include "shell/door.h"
#include "shell/stream.h"

#include <stdlib.h>

#define BACKLOG 1024

struct listener {
    uv_tcp_t tcp;
    struct worker *w;
    const struct snapshot_listener *l;
    struct door *door; /* of datagrams, instead of tcp */
};

static void free_handle(uv_handle_t *h)
{
    free(h);
}

static void connection_cb(uv_stream_t *server, int status)
{
    struct listener *l = (struct listener *)server;
    if (status == 0) {
        stream_accept(l->w, l->l, server);
    }
}

static err_t listen_datagrams(struct listener *l, int fd, struct listener **out)
{
    err_t e = door_new(l->w, l->l, fd, &l->door);
    if (e != ERR_OK) {
        free(l);
        return e;
    }
    *out = l;
    return ERR_OK;
}

static err_t listen_stream(struct listener *l, int fd, struct listener **out)
{
    if (uv_tcp_init(l->w->loop, &l->tcp) != 0) {
        free(l);
        return ERR_IO;
    }
    if (uv_tcp_open(&l->tcp, fd) != 0 || uv_listen((uv_stream_t *)&l->tcp, BACKLOG, connection_cb) != 0) {
        uv_close((uv_handle_t *)&l->tcp, free_handle);
        return ERR_IO;
    }
    *out = l;
    return ERR_OK;
}

err_t listener_new(struct worker *w, const struct snapshot_listener *sl, int fd, struct listener **out)
{
    struct listener *l = calloc(1, sizeof(*l));
    if (l == NULL) {
        return ERR_LIMIT_CAPACITY;
    }
    l->w = w;
    l->l = sl;
    return sl->datagram ? listen_datagrams(l, fd, out) : listen_stream(l, fd, out);
}

void listener_close(struct listener *l)
{
    if (l->door != NULL) {
        door_close(l->door);
        free(l);
        return;
    }
    uv_close((uv_handle_t *)&l->tcp, free_handle);
}
