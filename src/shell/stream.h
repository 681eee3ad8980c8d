/* The way of a connection over TCP: HTTP/1.1 in TLS records, or in the clear. */
#ifndef KEYSTEAD_SHELL_STREAM_H
#define KEYSTEAD_SHELL_STREAM_H

#include "shell/http_exchange.h"

struct stream {
    uv_tcp_t tcp;
    struct http_exchange http;
    bool reading, shut;
};

/* Takes the next connection of a listening socket, or refuses it. */
void stream_accept(struct worker *w, const struct snapshot_listener *l, uv_stream_t *server);

#endif
