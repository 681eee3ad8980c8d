/*
 * Records of keys that are past their lifetime go a few at a time with later writes, so that a store grows with what is
 * alive and not with what ever was. A cursor in the store walks round the table; nothing waits for a whole pass.
 */
#ifndef KEYSTEAD_ROLE_EXPIRE_H
#define KEYSTEAD_ROLE_EXPIRE_H

#include "role/rec.h"

#define EXPIRE_BATCH 64 /* records looked at, once in 16 writes: the dead stay a small part of a table */

/* May this record go? What cannot be read stays, for an operator to see. */
typedef bool expire_fn(struct bytes record, usec_t now);

/* True for one in sixteen of random hexadecimal identifiers. Two tables take two digits: a transaction holds one pass. */
bool expire_is_due(struct text random_hex, char digit);

MUST_USE err_t expire_run(struct txn *t, enum store_table table, expire_fn *is_over, usec_t now);

#endif
