/* The self-test that every server runs before it listens: the provider, then the derivations. */
#ifndef KEYSTEAD_KEYS_KEYS_SELFTEST_H
#define KEYSTEAD_KEYS_KEYS_SELFTEST_H

#include "crypto/crypto.h"

/* ERR_CRYPTO_SELFTEST: do not serve; *failed (may be NULL) says what is wrong. Includes selftest_run(). */
MUST_USE err_t keys_selftest_run(const struct crypto *c, const char **failed);

#endif
