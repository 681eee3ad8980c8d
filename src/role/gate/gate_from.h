/*
 * Who asks at the gate [TS-0003 7.2.1, part 12.2]: From is compared with the association and handed on in one spelling; the CSE
 * behind learns nobody whom the gate has not verified. It has no registrations, so a Credential-ID alone is nobody here, and
 * a CSE speaks for itself and for C-type AEs below it.
 */
#ifndef KEYSTEAD_ROLE_GATE_GATE_FROM_H
#define KEYSTEAD_ROLE_GATE_GATE_FROM_H

#include "role/gate/gate_ctx.h"

/* `from`: as the CSE behind is told it. The gate's own rules are asked too. */
MUST_USE err_t gate_from_check(const struct gate_ctx *g, const struct request *rq, struct txn *t, struct m2mid *from,
                               char detail[static ROLE_DETAIL_MAX]);

#endif
