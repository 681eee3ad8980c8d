/*
 * Whether a credential may be used: withdrawn for good, or for a time by the operator here or by the authority that it came
 * from. Each has a bit of its own, so that neither takes back what the other did. On disk, in the octet that once was
 * "revoked"; TS-0001 11.2.1.
 */
#ifndef KEYSTEAD_ROLE_STANDING_H
#define KEYSTEAD_ROLE_STANDING_H

#include "role/role.h"

enum { STANDING_REVOKED = 1, STANDING_SUSPENDED = 2, STANDING_WITHHELD = 4 /* suspended by its authority */, STANDING_MAX = 7 };

struct standing_act { /* what `ctl credential revoke | suspend | resume` do */
    uint8_t bit;
    bool on;
    enum audit_kind kind;
};
extern const struct standing_act standing_revoke, standing_suspend, standing_resume;

MUST_USE err_t standing_check(uint8_t standing); /* ERR_DENIED_REVOKED, ERR_DENIED_SUSPENDED */
const char *standing_name(uint8_t standing, usec_t not_after, usec_t now); /* "valid", "expired", "suspended", "revoked" */

/* ERR_DENIED_REVOKED: what is revoked stays so; ERR_DENIED_SUSPENDED: only its authority can give it back. */
MUST_USE err_t standing_do(uint8_t *standing, const struct standing_act *act, bool *changed);
/* What the authority says now ("valid", "suspended", "revoked"); ERR_PEER_NONSENSE. True in *changed if it is news. */
MUST_USE err_t standing_told(uint8_t *standing, struct text word, bool *changed);

#endif
