/*
 * Random octets. Nonces and names, which every request needs, come out of a few hundred octets that were drawn at once: a draw of 16
 * costs OpenSSL as much as one of 512. What waits there lies in a page that the kernel empties in a child (MADV_WIPEONFORK): so no
 * process hands out what another one has, and where the kernel does not promise that, nothing waits. Longer draws, keys among them,
 * never wait anywhere.
 */
#ifndef KEYSTEAD_SHELL_CRYPTO_RANDOM_H
#define KEYSTEAD_SHELL_CRYPTO_RANDOM_H

#include "base/bytes.h"

#define CRYPTO_RANDOM_SHORT 16 /* octets; what is longer is drawn for itself */

MUST_USE err_t crypto_random_octets(uint8_t *out, size_t n); /* ERR_CRYPTO; any thread */

#endif
