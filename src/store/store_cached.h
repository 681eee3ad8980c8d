/*
 * A bounded cache of records in front of a reader: emptied when the store's change counter moved (looked at once
 * per begin). Only get is cached. Takes ownership of `inner`.
 */
#ifndef KEYSTEAD_STORE_STORE_CACHED_H
#define KEYSTEAD_STORE_STORE_CACHED_H
#include "store/store.h"
MUST_USE err_t store_cached_open(struct store *inner, size_t capacity_bytes, struct store **out);
#endif
