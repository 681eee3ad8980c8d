/*
 * A bounded cache of records: emptied when the store's change counter moved (looked at once per begin) and when changes
 * are rolled back; the writer's own changes pass through it. Only get is cached. Takes ownership of `inner`.
 */
#ifndef KEYSTEAD_STORE_STORE_CACHED_H
#define KEYSTEAD_STORE_STORE_CACHED_H
#include "store/store.h"
/* `secret`, drawn at random, decides which records share their room. */
MUST_USE err_t store_cached_open(struct store *inner, size_t capacity_bytes, uint64_t secret, struct store **out);
/* The store below, for what only its driver can do; `s` itself if it is no cache. */
struct store *store_cached_inner(struct store *s);
#endif
