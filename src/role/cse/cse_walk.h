/*
 * The tree below a resource, depth first, resource by resource, for discovery and for results with children: by the child index, in
 * bounded memory and with bounded work. Each resource that comes out exists, meets the filter criteria and may be seen by
 * the originator. What lies below a resource that he may not see is walked all the same in a list, and not in a nested result.
 */
#ifndef KEYSTEAD_ROLE_CSE_CSE_WALK_H
#define KEYSTEAD_ROLE_CSE_CSE_WALK_H

#include "role/cse/cse_match.h"
#include "role/cse/cse_policy.h"

#define CSE_WALK_READ_MAX 12800000 /* octets of records that all lists of one request read, about: a fifth of a second */

struct cse_walk_frame;

struct cse_walk {
    const struct cse_ask *ask;
    const struct filter *filter;
    bool nested;       /* a resource that is not part of the result hides those below it; offset counts direct children */
    uint64_t position; /* of the entry that came out last, from 1: what an offset means */
    bool exhausted;    /* the work allowed to one request is done: the rest begins at `position` */
    uint64_t current, before; /* marks (cse_mark.h) of that entry, and of the one before it, after which the rest begins */
    uint64_t skip, work, work_end;
    size_t depth_max, depth;
    struct cse_walk_frame *at[CSE_RES_DEPTH_MAX + 1];
    struct cse_res pending; /* its children come next, if has_pending */
    bool has_pending, pending_seen;
    size_t mark;
};

struct cse_walk_hit {
    bool found;
    size_t level; /* 1: a direct child */
    struct cse_child child;
    bool has_res; /* not if the index said enough */
    struct cse_res res;
};

/* ERR_NOT_FOUND: the offset is a mark that leads nowhere. */
MUST_USE err_t cse_walk_open(struct cse_walk *w, const struct cse_ask *ask, const struct cse_res *target, bool nested);
/* The next one; not found at the end, or if w->exhausted. What it holds is valid until the next call. */
MUST_USE err_t cse_walk_next(struct cse_walk *w, struct cse_walk_hit *out);
/* What the next request gives as offset to go on with the entry at `position`: a count, or a mark if counting would be much work. */
uint64_t cse_walk_offset(const struct cse_walk *w);
/* Counts as work what was read for a hit since txn.read was `before`. */
void cse_walk_charge(struct cse_walk *w, uint64_t before);
/* The record of a hit of which only the index was read. */
MUST_USE err_t cse_walk_read(struct cse_walk *w, struct cse_walk_hit *hit);
/* Its address below `base`, the address of the target; unstructured if asked so, or if a name on the way is not for the originator. */
void cse_walk_address(const struct cse_walk *w, const struct cse_walk_hit *hit, struct text base, struct writer *out);

#endif
