/*
 * What store_cached and store_volatile keep their records in. A record has STORE_WAYS places it may stand in, so that no lookup and no
 * insertion walks a chain, whatever ids a peer chooses. Which they are, nobody outside knows: else a few names that share their places
 * would push each other out whenever somebody likes.
 */
#ifndef KEYSTEAD_STORE_STORE_WAYS_H
#define KEYSTEAD_STORE_STORE_WAYS_H

#include "store/store.h"

#define STORE_WAYS 8

struct store_ways_entry {
    uint64_t version;
    uint64_t mark; /* the driver's own */
    enum store_table table;
    size_t id_n;
    size_t data_n;
    uint8_t b[]; /* id, then data */
};

/* The hash stands beside the pointer: of eight records that an id might be, seven are not looked at. */
struct store_ways_place {
    struct store_ways_entry *e; /* or NULL */
    uint64_t hash;
};

struct store_ways {
    void *room;      /* `at` begins in it: at a line of the processor's cache, so that a set is two of them and not three */
    struct store_ways_place *at;
    size_t sets;     /* a power of two; of STORE_WAYS places each */
    uint64_t secret; /* in each hash */
};

/* At least one set, and as many places as `places` or more. ERR_STORE: there is no room. */
MUST_USE err_t store_ways_init(struct store_ways *w, size_t places, uint64_t secret);
void store_ways_wipe(struct store_ways *w);
size_t store_ways_places(const struct store_ways *w);
/* What is forgotten may have held something sealed: it goes as keys go. */
void store_ways_drop(struct store_ways_place *place);

uint64_t store_ways_hash(const struct store_ways *w, enum store_table t, struct bytes id);
/* The first of the places that a record with this hash may stand in. */
struct store_ways_place *store_ways_set(const struct store_ways *w, uint64_t hash);
/* Where it stands, or NULL: there is one at the most. */
struct store_ways_place *store_ways_find(const struct store_ways *w, uint64_t hash, enum store_table t, struct bytes id);
/* Takes the place of what stood there. False: there is no room, and it stands there still. */
MUST_USE bool store_ways_put(struct store_ways_place *place, uint64_t hash, const struct store_ways_entry *head, struct bytes id,
                             struct bytes data);

size_t store_ways_size(size_t id_n, size_t data_n); /* octets that a record takes */
struct store_value store_ways_value(const struct store_ways_entry *e);

#endif
