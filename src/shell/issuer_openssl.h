/* The issuing CA on libcrypto: a certificate file (the CA's own first, then its chain) and its private key. */
#ifndef KEYSTEAD_SHELL_ISSUER_OPENSSL_H
#define KEYSTEAD_SHELL_ISSUER_OPENSSL_H

#include "crypto/issuer.h"

/*
 * ERR_IO, ERR_FILE_MODE, ERR_CONFIG: unreadable, or the two do not belong together, or the certificate is no CA's.
 * ERR_DENIED_CERT_PROFILE: another key than P-256.
 */
MUST_USE err_t issuer_openssl_new(const char *cert_file, const char *key_file, struct issuer **out);
void issuer_openssl_free(struct issuer *i); /* NULL is allowed */

#endif
