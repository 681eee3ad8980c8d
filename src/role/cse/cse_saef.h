/*
 * Security Association Establishment at the CSE as entity B: pre-provisioned symmetric key (part 6.1), certificate
 * (part 6.2) and MAF based (part 6.3, the key fetched in the middle of the handshake). The role's psk, cert, answer and
 * established.
 */
#ifndef KEYSTEAD_ROLE_CSE_CSE_SAEF_H
#define KEYSTEAD_ROLE_CSE_CSE_SAEF_H

#include "role/cse/cse_ctx.h"

MUST_USE err_t cse_saef_psk(const void *ctx, struct txn *t, struct text identity, usec_t now, struct role_psk *out);
/* cse_cert.c */
MUST_USE err_t cse_cert_identify(const void *ctx, struct txn *t, const struct role_cert *cert, usec_t now,
                             struct association *out);
MUST_USE err_t cse_saef_answer(const void *ctx, const struct question *q, const struct answer *a, struct txn *t,
                               usec_t now, struct role_psk *out);
MUST_USE err_t cse_saef_established(const void *ctx, struct association *a, const struct keys_export *x,
                                    struct txn *t, usec_t now);

#endif
