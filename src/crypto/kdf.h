/* Key derivation by one HMAC-SHA-256: the shape that clauses 10.3.2, 10.3.3, 10.3.6, 10.3.7 and 10.3.8 share. */
#ifndef KEYSTEAD_CRYPTO_KDF_H
#define KEYSTEAD_CRYPTO_KDF_H

#include "crypto/crypto.h"

/* out = HMAC-SHA-256(key, parts one after another), 32 octets. On an error *out is empty. */
MUST_USE err_t kdf_hmac(const struct crypto *c, struct bytes key, const struct bytes *parts, size_t count,
                        struct secret *out);

#endif
