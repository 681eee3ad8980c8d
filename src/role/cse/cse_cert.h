/* Certificate-based Security Association Establishment at the CSE as entity B [TS-0003 8.2.2.2]: the role's cert. */
#ifndef KEYSTEAD_ROLE_CSE_CSE_CERT_H
#define KEYSTEAD_ROLE_CSE_CSE_CERT_H

#include "role/cse/cse_ctx.h"

/* Binds what the certificate says, or what the operator's table says of it (part 6.0.2). */
MUST_USE err_t cse_cert_bind(const void *ctx, struct txn *t, const struct role_cert *cert, usec_t now,
                             struct association *out);

#endif
