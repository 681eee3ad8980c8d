/*
 * One arena a request: a bump allocator over the caller's memory that is released as a whole.
 * Nothing in it is freed singly. Secrets do not live here (they are struct secret on a stack).
 */
#ifndef KEYSTEAD_BASE_ARENA_H
#define KEYSTEAD_BASE_ARENA_H

#include "base/text.h"

struct arena {
    uint8_t *buf;
    size_t cap;
    size_t used;
};

struct arena arena_of(void *buf, size_t cap);
void arena_reset(struct arena *a);

/* Aligned for any type, zeroed; NULL when the arena is full (the caller answers ERR_LIMIT_CAPACITY). */
void *arena_alloc(struct arena *a, size_t n);

/* Copies into the arena; false when it is full. */
bool arena_dup(struct arena *a, struct bytes in, struct bytes *out);

#endif
