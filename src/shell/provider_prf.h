/*
 * The PRF of TLS 1.2 with SHA-256 [RFC 5246 5] as OpenSSL asks its provider for it. OpenSSL's own makes and frees a dozen
 * contexts for a few blocks of SHA-256: 3 to 5 us each time, four times a handshake and once more for an export; this one
 * takes 0.4 to 0.9. docs/decisions/0010-speed.md
 */
#ifndef KEYSTEAD_SHELL_PROVIDER_PRF_H
#define KEYSTEAD_SHELL_PROVIDER_PRF_H

#include "base/bytes.h"

#include <openssl/core_dispatch.h>

/* What takes the place of `theirs`, OpenSSL's table for TLS1-PRF; whatever is not SHA-256 still goes there. NULL if a function
 * that we need is not in it. */
const OSSL_DISPATCH *provider_prf_over(const OSSL_DISPATCH *theirs);

/*
 * A pre-shared key that is elsewhere, in a card: what OpenSSL was given as the key is only a name for it, of NAME_LEN random octets, and
 * the master secrets that would be derived from it are asked for here. n is 48; an error fails the handshake. NULL: no
 * such key any more. One at a time, for the one thread of a device.
 */
#define PROVIDER_PRF_NAME_LEN 32
struct provider_prf_key {
    uint8_t name[PROVIDER_PRF_NAME_LEN];
    err_t (*master)(void *arg, struct bytes label, struct bytes seed, uint8_t *out, size_t n);
    void *arg;
    err_t outcome; /* of the last call */
};
void provider_prf_elsewhere(struct provider_prf_key *k);

#endif
