/*
 * Security Association Establishment at the CSE as entity B: pre-provisioned symmetric key (part 6.1) and MAF
 * based (part 6.3, the key fetched in the middle of the handshake). The role's psk, answer and established. Certificates:
 * cse_cert.h.
 */
#ifndef KEYSTEAD_ROLE_CSE_CSE_SAEF_H
#define KEYSTEAD_ROLE_CSE_CSE_SAEF_H

#include "role/cse/cse_ctx.h"

MUST_USE err_t cse_saef_psk(const void *ctx, struct txn *t, struct text identity, usec_t now, struct role_psk *out);
/* The same for a B-TID. */
MUST_USE err_t cse_saef_ua(const void *ctx, struct txn *t, const struct role_ua *ua, usec_t now, struct role_psk *out);
MUST_USE err_t cse_saef_answer(const void *ctx, const struct question *q, const struct answer *a, struct txn *t,
                               usec_t now, struct role_psk *out);
/* The question to the MAF that an identifier names. ERR_NOT_FOUND: no configured one. */
MUST_USE err_t cse_saef_ask(const struct cse *cse, struct text identity, unsigned suid, struct question *q);
MUST_USE err_t cse_saef_established(const void *ctx, struct association *a, const struct keys_export *x,
                                    struct txn *t, usec_t now);

#endif
