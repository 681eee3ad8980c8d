/*
 * Does a resource meet the filter criteria [TS-0004 7.3.3.17]? A pure function of the record; a row a condition. Values of
 * one condition are alternatives; conditions are joined by `fo`: all, any, or an odd number of them (XOR). A resource without the
 * attribute that a condition is about does not meet it.
 */
#ifndef KEYSTEAD_ROLE_CSE_CSE_MATCH_H
#define KEYSTEAD_ROLE_CSE_CSE_MATCH_H

#include "role/cse/cse_res.h"
#include "wire/filter.h"

enum cse_match_verdict { CSE_MATCH_NO, CSE_MATCH_YES, CSE_MATCH_READ };

/* False if no resource of this type can meet it. */
bool cse_match_type(const struct filter *f, uint32_t ty);

/* What the child index alone can say of a contentInstance; CSE_MATCH_READ: its record must be read. */
enum cse_match_verdict cse_match_child(const struct filter *f, const struct cse_child *c);

MUST_USE err_t cse_match_res(struct txn *t, const struct filter *f, const struct cse_res *r, bool *out);

#endif
