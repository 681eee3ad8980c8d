/* Known answers of Milenage and TUAK, after those of the provider and of the key hierarchy. */
#ifndef KEYSTEAD_AKA_AKA_SELFTEST_H
#define KEYSTEAD_AKA_AKA_SELFTEST_H

#include "crypto/crypto.h"

/* ERR_CRYPTO_SELFTEST: do not serve; *failed (may be NULL) says what is wrong. Includes keys_selftest_run(). */
MUST_USE err_t aka_selftest_run(const struct crypto *c, const char **failed);

#endif
