/*
 * Where a cut result goes on, as a number: of the entry that came last, the microseconds of its creation and 12 random bits, which
 * is how its node begins. So it is found in the index by any worker, at no cost that grows with what lies before it, and nothing is
 * kept for those who never come back. It is larger than every count of entries (FILTER_OFFSET_MAX).
 */
#ifndef KEYSTEAD_ROLE_CSE_CSE_MARK_H
#define KEYSTEAD_ROLE_CSE_CSE_MARK_H

#include "role/cse/cse_res.h"

struct cse_mark_path {
    struct cse_res at[CSE_RES_DEPTH_MAX]; /* from the child of the target down to the entry itself */
    size_t n;
};

static inline bool cse_mark_is(uint64_t offset)
{
    return offset > FILTER_OFFSET_MAX;
}

/* Of an entry of the child index, by its key; 0: it has none. */
uint64_t cse_mark_of(struct bytes key, const struct cse_child *c);

/* ERR_NOT_FOUND: nothing below the target has it any more, or two have. What is past its time or dropped is found until it is swept. */
MUST_USE err_t cse_mark_find(struct txn *t, uint64_t mark, const struct cse_res *target, usec_t now, struct cse_mark_path *out);

#endif
