/* The crypto provider on libcrypto (and NFKC on libunistring). Stateless; returns a static table. */
#ifndef KEYSTEAD_SHELL_CRYPTO_OPENSSL_H
#define KEYSTEAD_SHELL_CRYPTO_OPENSSL_H

#include "crypto/crypto.h"

const struct crypto *crypto_openssl(void);

#endif
