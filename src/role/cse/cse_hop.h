/*
 * Retargeting [TS-0001 10.2.6 of the published text, part 15.4]: a request for another CSE goes to the next one on the way:
 * that CSE itself if it is registered here or is the registrar, the registree that says it is below it, else the registrar.
 * Only over associations of our own making ([peer] of kind cse), never back to where it came from, and never up again once it
 * came down: the registrations are a tree, so it passes each CSE once at most.
 */
#ifndef KEYSTEAD_ROLE_CSE_CSE_HOP_H
#define KEYSTEAD_ROLE_CSE_CSE_HOP_H

#include "role/cse/cse_ctx.h"
#include "role/hop.h"

/* Role function: role.h says when it is called. ERR_NOT_FOUND also for what is refused: the handler says why. */
MUST_USE err_t cse_hop_next(const void *ctx, const struct request *rq, struct txn *t, struct hop *out);

/* The same for what this CSE itself says to an address of another one. ERR_NOT_FOUND: there is no way to it now. */
MUST_USE err_t cse_hop_own(const struct cse *cse, struct txn *t, struct text to, usec_t now, struct hop *out);

/* An address of another CSE in its absolute form, each segment of it checked, and how it is written as the path of a request. */
MUST_USE err_t cse_hop_absolute(const struct cse *cse, struct text to, struct writer *out); /* ERR_CONTENTS */
MUST_USE err_t cse_hop_path(const struct cse *cse, struct text absolute, struct writer *out);
/* The CSE-ID, in absolute form, that an address begins with; ERR_NOT_FOUND: an AE-ID alone is no address of one. */
MUST_USE err_t cse_hop_target(const struct cse *cse, struct text to, struct m2mid *out);

/* May the registrar speak for this entity? For everybody who is neither here nor below us. `id` is a CSE-ID, absolute. */
MUST_USE err_t cse_hop_is_above(const struct cse *cse, struct txn *t, struct text id, usec_t now, bool *out);

#endif
