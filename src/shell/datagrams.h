/*
 * A listener of datagrams: the socket, the door with its cookies, and the sessions by peer address. Who has not passed
 * the door is in no table. The kernel's hash over SO_REUSEPORT sockets brings one address and port always to the
 * same worker, as long as the number of workers stays.
 */
#ifndef KEYSTEAD_SHELL_DATAGRAMS_H
#define KEYSTEAD_SHELL_DATAGRAMS_H

#include "shell/session.h"

#define DATAGRAMS_BUCKETS 4096
struct datagrams {
    uv_udp_t udp;
    struct worker *w;
    const struct snapshot_listener *l;
    struct cookie_door door;
    uint64_t seed;
    size_t held; /* sessions whose memory points here */
    bool closing;
    struct session *bucket[DATAGRAMS_BUCKETS];
};

MUST_USE err_t datagrams_new(struct worker *w, const struct snapshot_listener *l, int fd, struct datagrams **out);
/* No more datagrams are read; the socket stays for what sessions still have to say. */
void datagrams_close(struct datagrams *d);

/* -- for session --------------------------------------------------------------------------------------- */
void datagrams_put(struct datagrams *d, struct session *s);
void datagrams_take(struct datagrams *d, struct session *s); /* out of the table */
void datagrams_let(struct datagrams *d);                     /* its memory is gone */
void datagrams_send(struct datagrams *d, const union session_address *to, struct bytes datagram);

#endif
