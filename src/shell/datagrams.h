/*
 * A socket of datagrams and whoever has an entry in it, by peer address. It hands on what comes and knows nothing of
 * it. The kernel's hash over SO_REUSEPORT sockets brings one address and port always to the same worker, as long as
 * the number of workers stays.
 */
#ifndef KEYSTEAD_SHELL_DATAGRAMS_H
#define KEYSTEAD_SHELL_DATAGRAMS_H

#include "shell/worker.h"

#define DATAGRAMS_BUCKETS 4096
#define DATAGRAMS_ADDRESS_MAX 24 /* octets of address and port, and the scope of a link-local one */

union datagrams_address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};
struct bytes datagrams_address_octets(const union datagrams_address *a, uint8_t out[static DATAGRAMS_ADDRESS_MAX]);

struct datagrams_entry { /* part of a session */
    union datagrams_address peer;
    struct datagrams_entry *chain;
};

typedef void datagrams_fn(void *owner, const union datagrams_address *from, struct bytes datagram);
struct datagrams {
    uv_udp_t udp;
    struct worker *w;
    datagrams_fn *received;
    void *owner;
    uint64_t seed;
    size_t held; /* entries whose memory points here */
    bool closing;
    struct datagrams_entry *bucket[DATAGRAMS_BUCKETS];
};

MUST_USE err_t datagrams_new(struct worker *w, int fd, datagrams_fn *received, void *owner, struct datagrams **out);
/* No more datagrams are read, the owner may go; the socket stays for what its entries still have to say. */
void datagrams_close(struct datagrams *d);
void datagrams_send(struct datagrams *d, const union datagrams_address *to, struct bytes datagram);

/* -- entries ------------------------------------------------------------------------------------------- */
struct datagrams_entry *datagrams_find(struct datagrams *d, const union datagrams_address *peer); /* or NULL */
void datagrams_put(struct datagrams *d, struct datagrams_entry *e);
void datagrams_take(struct datagrams *d, struct datagrams_entry *e); /* out of the table */
void datagrams_let(struct datagrams *d);                             /* its memory is gone */

#endif
