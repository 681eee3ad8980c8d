/*
 * container and contentInstance [TS-0004 7.4.6, 7.4.7]: sizes, counters, eviction of the oldest beyond mni and mbs in
 * the transaction of the newest, maxInstanceAge as expiry.
 *
 * Evicting any number costs a bounded number of changes: `floor` moves up, what lies below it is gone at once, and a
 * few records are collected with each later CREATE.
 */
#ifndef KEYSTEAD_ROLE_CSE_CSE_CIN_H
#define KEYSTEAD_ROLE_CSE_CSE_CIN_H

#include "role/cse/cse_res.h"

/* The limits of a container's attributes into its header. */
void cse_cin_limits(struct cse_res *cnt, const json_t *attrs);

/* A new instance: contentSize, place, age; counts it in its container and makes room. ERR_CONTENT_SIZE (5207). */
MUST_USE err_t cse_cin_accept(struct txn *t, struct cse_res *cnt, struct cse_res *cin, json_t *attrs,
                              char detail[static ROLE_DETAIL_MAX]);

/* Drops the oldest until the limits hold, and what is past its age; collects a few that are gone. */
MUST_USE err_t cse_cin_evict(struct txn *t, struct cse_res *cnt, usec_t now);

/* One that is past its time gives its name to one that was counted. */
void cse_cin_replaced(struct cse_res *cnt, const struct cse_res *cin);

/* One instance was deleted. */
void cse_cin_forget(struct cse_res *cnt, const struct cse_res *cin, usec_t now);

#endif
