/* HMAC-SHA-256 [RFC 2104] whose keyed state is copied by assignment: what the two replaced algorithms of the provider stand on. */
#ifndef KEYSTEAD_SHELL_PROVIDER_HMAC_H
#define KEYSTEAD_SHELL_PROVIDER_HMAC_H

#include "base/bytes.h"

#include <openssl/sha.h>

struct provider_hmac {
    SHA256_CTX in, out; /* both have had the key: wiped by who holds them */
};

void provider_hmac_key(struct provider_hmac *h, struct bytes key);
/* A message: copy h->in to *now, update it, and end it here. */
void provider_hmac_end(const struct provider_hmac *h, SHA256_CTX *now, uint8_t out[static SHA256_DIGEST_LENGTH]);

#endif
