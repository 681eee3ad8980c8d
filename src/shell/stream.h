/* The way of a connection over TCP: HTTP/1.1 in TLS records, or in the clear. */
#ifndef KEYSTEAD_SHELL_STREAM_H
#define KEYSTEAD_SHELL_STREAM_H

#include "shell/conn.h"

struct stream {
    uv_tcp_t tcp;
    struct conn conn;
    bool reading, shut;
    bool keep_alive;  /* of the request under way */
    size_t request_n; /* its octets at the start of conn.in */
    size_t tried;     /* octets that were parsed in vain */
};

/* Takes the next connection of a listening socket, or refuses it. */
void stream_accept(struct worker *w, const struct snapshot_listener *l, uv_stream_t *server);

#endif
