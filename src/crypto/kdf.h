/* Key derivation by one HMAC-SHA-256: the shape that clauses 10.3.2, 10.3.3, 10.3.6, 10.3.7 and 10.3.8 share. */
#ifndef KEYSTEAD_CRYPTO_KDF_H
#define KEYSTEAD_CRYPTO_KDF_H

#include "crypto/crypto.h"

/* out = HMAC-SHA-256(key, parts one after another), 32 octets. On an error *out is empty. */
MUST_USE err_t kdf_hmac(const struct crypto *c, struct bytes key, const struct bytes *parts, size_t count,
                        struct secret *out);

/*
 * The generic derivation of 3GPP [TS 33.220 B.2]: out = HMAC-SHA-256(key, FC | P0 | L0 | P1 | L1 ...), lengths in two octets.
 * At most KDF_3GPP_PARTS parameters of at most 65535 octets: ERR_LIMIT_SIZE.
 */
#define KDF_3GPP_PARTS 8
MUST_USE err_t kdf_3gpp(const struct crypto *c, struct bytes key, uint8_t fc, const struct bytes *p, size_t count,
                        struct secret *out);

#endif
