/*
 * Certificates: the profile every one must keep [TS-0003 10.1.1.1], path validation against configured
 * anchors, and the exact comparison of subjectAltName values [8.1.2.5]. Never the common name, never a wildcard.
 * Used by the TLS server and by the HTTPS client alike.
 */
#ifndef KEYSTEAD_SHELL_X509_H
#define KEYSTEAD_SHELL_X509_H

#include "role/role.h"
#include "shell/openssl.h" /* before any other header of OpenSSL */

#include <openssl/ssl.h>

/* P-256, uncompressed, ECDSA-SHA256, keyUsage with digitalSignature; ERR_DENIED_CERT_PROFILE. */
MUST_USE err_t x509_profile_check(X509 *cert);

/* The name strings are kept in *store (opaque GENERAL_NAMES) until x509_names_free. */
MUST_USE err_t x509_names(X509 *cert, struct role_cert *out, void **store);
void x509_names_free(void *store);

/* dNSName without case, or a URI whose host part (or whole text) equals it [table 5.4, CHOICE-41]; ERR_DENIED_CERT_NAME. */
MUST_USE err_t x509_fqdn_check(const struct role_cert *names, struct text fqdn);

/* Loads anchors into ctx and installs the verify callback that adds the profile check and keeps the reason. */
MUST_USE err_t x509_trust_install(SSL_CTX *ctx, const char *trust_file);
err_t x509_reason(int x509_v_err); /* X509_V_ERR_* to our error rows */

/* A PEM private key from a file that only its owner may read: ERR_FILE_MODE, ERR_IO, ERR_CONFIG. Never prompts. */
MUST_USE err_t x509_key_load(const char *file, EVP_PKEY **out);
/* One PEM certificate. */
MUST_USE err_t x509_cert_load(const char *file, X509 **out);

#endif
