/*
 * Tables with a number from STORE_VOLATILE on are kept here, in the memory of the one writer, and never on disk: what may be
 * forgotten at any time without harm, but not be shared with another process. A restart or a reload forgets all of it, want
 * of room the record that was not touched for longest, and a rollback leaves it as it is; so nobody may rely on what is there
 * without having something durable to compare it with. Such a table knows get, put (any) and del; a scan finds the one record whose
 * id is the prefix. Everything else goes to `inner`, which is owned.
 */
#ifndef KEYSTEAD_STORE_STORE_VOLATILE_H
#define KEYSTEAD_STORE_STORE_VOLATILE_H
#include "store/store.h"
/* `secret`, drawn at random, decides which ids share their room. */
MUST_USE err_t store_volatile_open(struct store *inner, size_t records, uint64_t secret, struct store **out);
/* The store below, for what only its driver can do; `s` itself if it is another driver's. */
struct store *store_volatile_inner(struct store *s);
void store_volatile_forget(struct store *s); /* what a restart does; for tests */
#endif
