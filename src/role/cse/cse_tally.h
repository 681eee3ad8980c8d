/*
 * How many AEs with names of the provider each field CSE has announced at this IN-CSE, for itself and for the CSEs below it,
 * so that one of them does not fill the store with names that nobody uses. Counted where the records come and go; those past
 * their time go a few at a time here.
 */
#ifndef KEYSTEAD_ROLE_CSE_CSE_TALLY_H
#define KEYSTEAD_ROLE_CSE_CSE_TALLY_H

#include "role/cse/cse_ops.h"

/* One more of the CSE that is registered here and speaks, which `r` then names; ERR_ANNOUNCED_FULL, but not if it counted
 * there `before`. To be asked before anything else is staged: what is past its time goes all the same. */
MUST_USE err_t cse_tally_take(const struct cse_ask *ask, struct text before, struct cse_res *r,
                              char detail[static ROLE_DETAIL_MAX]);
/* Where an announcement counts. */
struct text cse_tally_of(const struct cse_res *r);
/* One less of this CSE, absolute. */
MUST_USE err_t cse_tally_give(struct txn *t, struct text cse);
/* The record under `ri`, if it is such an announcement and stands at this place among the children, is about to go. */
MUST_USE err_t cse_tally_gone(struct txn *t, struct bytes key, struct text ri);

#endif
