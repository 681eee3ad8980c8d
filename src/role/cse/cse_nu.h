/* Who is told: the elements of nu, and su, from what an entity writes to targets of the outbox (cse_outbox.h) [TS-0001 9.6.8]. */
#ifndef KEYSTEAD_ROLE_CSE_CSE_NU_H
#define KEYSTEAD_ROLE_CSE_CSE_NU_H

#include "role/cse/cse_notify.h"

/* nu and su of a subscription; each is there once, and agreed (primitive.verified). The detail names what is wrong. */
MUST_USE err_t cse_nu_compile(const struct cse_ask *ask, const json_t *attrs, struct cse_notify *n,
                              char detail[static ROLE_DETAIL_MAX]);

/* May this URL be called: well formed, and listed by the operator? ERR_CONTENTS, ERR_DENIED_URL. */
MUST_USE err_t cse_nu_callable(const struct cse *cse, struct text url);
/* An element of nu, or su, as a target. ERR_CONTENTS, ERR_DENIED_URL, ERR_NOT_IMPLEMENTED: an AE-ID alone, of
 * an AE that is registered elsewhere. */
MUST_USE err_t cse_nu_target(const struct cse *cse, struct txn *t, struct text nu, usec_t now, struct writer *out);
/* Is it the originator himself? Then it needs no verification. */
bool cse_nu_is_own(const struct cse_from *from, struct text target);

#endif
