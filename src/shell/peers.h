/*
 * Counts and rates per remote address, for limits: an IPv4 address, or an IPv6 /64, which is what one stranger has. The
 * rate is a token bucket that holds one second's worth.
 */
#ifndef KEYSTEAD_SHELL_PEERS_H
#define KEYSTEAD_SHELL_PEERS_H

#include "wire/ipaddr.h"

struct peers_limits {
    size_t most; /* connections open; 0: no limit */
    size_t rate; /* new connections a second; 0: no limit */
};

struct peers_entry {
    struct peers_entry *next;
    uint64_t prefix[2];
    size_t n;
    usec_t tokens; /* each worth a second; not counted without a rate */
    usec_t at;     /* clock_monotonic when they were counted */
};

#define PEERS_BUCKETS 1024
struct peers {
    struct peers_entry *bucket[PEERS_BUCKETS];
    struct peers_limits limits;
    uint64_t seed;
};

void peers_init(struct peers *p, uint64_t seed, const struct peers_limits *limits);
/* One more from this address; ERR_LIMIT_BUSY if that exceeds a limit. *out is given back later. */
MUST_USE err_t peers_enter(struct peers *p, const struct ipaddr *ip, usec_t now, struct peers_entry **out);
void peers_leave(struct peers *p, struct peers_entry *e); /* NULL is allowed */
/* Forgets addresses that have no connection and a full bucket; now and then. */
void peers_sweep(struct peers *p, usec_t now);

#endif
