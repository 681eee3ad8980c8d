/* Counts per remote address, for limits: an IPv4 address, or an IPv6 /64, which is what one stranger has. */
#ifndef KEYSTEAD_SHELL_PEERS_H
#define KEYSTEAD_SHELL_PEERS_H

#include "wire/ipaddr.h"

struct peers_entry {
    struct peers_entry *next;
    uint64_t prefix[2];
    size_t n;
};

#define PEERS_BUCKETS 1024
struct peers {
    struct peers_entry *bucket[PEERS_BUCKETS];
    uint64_t seed;
};

void peers_init(struct peers *p, uint64_t seed);
/* One more from this address; ERR_LIMIT_BUSY if that exceeds `most` (0: no limit). *out is given back later. */
MUST_USE err_t peers_enter(struct peers *p, const struct ipaddr *ip, size_t most, struct peers_entry **out);
void peers_leave(struct peers *p, struct peers_entry *e); /* NULL is allowed */

#endif
