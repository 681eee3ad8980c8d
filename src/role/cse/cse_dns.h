/*
 * The public domain name of a field CSE in the DNS (R002-28, R002-29, R002-30): a registration that names it in CSEBase leaves a
 * record here, and what the DNS has follows from that record and the registration, again and again until both agree. The
 * registration never waits for it.
 */
#ifndef KEYSTEAD_ROLE_CSE_CSE_DNS_H
#define KEYSTEAD_ROLE_CSE_CSE_DNS_H

#include "role/cse/cse_policy.h"
#include "role/naming.h"

struct cse_dns { /* one record a name */
    char csi[M2MID_MAX];                 /* absolute */
    char addresses[NAMING_ADDRESSES_MAX]; /* that the DNS has; empty: none that we know of */
    uint8_t gone;                         /* its registration names it no more */
    uint8_t refused;                      /* never to be had: not asked for again in this registration */
};

MUST_USE err_t cse_dns_parse(struct bytes b, struct cse_dns *out);

/* Is `cb` the public domain name of this CSE [TS-0001 6.5.1.1, CHOICE-03]? mn.sp or, below ours, mn.in.sp. */
bool cse_dns_is_name(const struct cse *cse, const struct cse_from *id, struct text cb);

/* With CREATE of the registration `r`: takes note of its name, or that it has none. */
MUST_USE err_t cse_dns_note(const struct cse_ask *ask, const struct cse_res *r, const json_t *attrs);

/* Role functions: role.h says when they are called. */
MUST_USE err_t cse_dns_next(const void *ctx, struct txn *t, struct text after, usec_t now, struct naming *out);
MUST_USE err_t cse_dns_done(const void *ctx, const struct naming *n, err_t what, struct txn *t, usec_t now);

#endif
