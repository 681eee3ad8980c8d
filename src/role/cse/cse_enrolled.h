/*
 * Bookkeeping of enrolments at the IN-CSE [TS-0003 8.3.1.2 notes 3 and 4; part 7.5.1]: when an AE has made its first association
 * with a key that was fetched for it, its Credential-ID and its AE-ID go into the application rule that the configuration
 * names, so that nobody has to write them down by hand. Which App-IDs it may use stands in that rule already.
 */
#ifndef KEYSTEAD_ROLE_CSE_CSE_ENROLLED_H
#define KEYSTEAD_ROLE_CSE_CSE_ENROLLED_H

#include "role/cse/cse_ctx.h"

/* Does nothing if no rule is configured or there is none of that name, if it has the two, or if it is full (200 each). */
MUST_USE err_t cse_enrolled_note(const struct cse *cse, const struct association *a, struct txn *t, usec_t now);

#endif
