/* The self-test of what provider.h puts in OpenSSL's place: the PRF of TLS 1.2 and the MAC of its records, with published octets. */
#ifndef KEYSTEAD_SHELL_PROVIDER_SELFTEST_H
#define KEYSTEAD_SHELL_PROVIDER_SELFTEST_H

#include "base/err.h"

/* ERR_CRYPTO_SELFTEST: do not serve; *failed says what is wrong. `context`: an OSSL_LIB_CTX; NULL: that of this thread, as libssl
 * asks it. */
MUST_USE err_t provider_selftest_run(void *context, const char **failed);

#endif
