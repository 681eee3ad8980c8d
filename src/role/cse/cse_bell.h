/*
 * Who waits here for something to come (a polling channel, the answer of an AE) is told that it has: what he waits for is a topic, and
 * the last topics that something came for stand in one record of the store, so that any worker learns of them by one read. Two topics
 * that are alike wake somebody for nothing, once.
 */
#ifndef KEYSTEAD_ROLE_CSE_CSE_BELL_H
#define KEYSTEAD_ROLE_CSE_CSE_BELL_H

#include "role/role.h"

/* "A:" and the resource identifier of an AE: its polling channel; or the name of a relayed request (cse_relay.h): its answers. */
uint64_t cse_bell_topic(struct text name);

/* In the transaction of what has come. */
MUST_USE err_t cse_bell_ring(struct txn *t, struct text name);

/* Role function: role.h. */
MUST_USE err_t cse_bell_heard(const void *ctx, struct txn *t, struct role_bell *b);

#endif
