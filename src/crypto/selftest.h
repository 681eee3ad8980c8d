/*
 * Known answers of every function of a provider: published vectors only, so that a wrong library, a wrong
 * build of it or a wrong adapter is noticed before the first handshake and not by a peer.
 */
#ifndef KEYSTEAD_CRYPTO_SELFTEST_H
#define KEYSTEAD_CRYPTO_SELFTEST_H

#include "crypto/crypto.h"

/* ERR_CRYPTO_SELFTEST; *failed (may be NULL) names the function that is wrong, or NULL if all are right.
 * keys_selftest_run() runs this first: a server calls only that one. */
MUST_USE err_t selftest_run(const struct crypto *c, const char **failed);

#endif
