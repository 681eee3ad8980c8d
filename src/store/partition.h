/*
 * Several instances of one role in one store: each has a partition, and nothing in a handler can name a record of another
 * one. Records of the partition "" stand under their bare ids, as they always did; those of partition P under 0xFF, P,
 * NUL, id. No id of a role begins with 0xFF (it begins no UTF-8 text), and txn.c lets none through.
 */
#ifndef KEYSTEAD_STORE_PARTITION_H
#define KEYSTEAD_STORE_PARTITION_H

#include "base/writer.h"

#define PARTITION_MARK 0xFF

/* What stands before the ids of this partition; nothing for "". */
void partition_prefix(struct text partition, struct writer *w);
bool partition_is_marked(struct bytes id); /* as the store keeps it: of some partition that has a name */

#endif
