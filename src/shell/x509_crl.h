/*
 * Revocation lists: read and verified once when the configuration is loaded, then searched. OpenSSL's own check verifies
 * the whole list again on each chain (docs/decisions/0008-crl.md).
 */
#ifndef KEYSTEAD_SHELL_X509_CRL_H
#define KEYSTEAD_SHELL_X509_CRL_H

#include "shell/x509.h"

struct x509_crl; /* immutable */

/* `files`: PEM files joined by ','. A list must be signed by one of the anchors, or by a CA below them whose certificate
 * stands beside it or among the anchors. ERR_CONFIG with a detail. */
MUST_USE err_t x509_crl_load(const char *files, X509_STORE *anchors, struct x509_crl **out,
                             char detail[static ROLE_DETAIL_MAX]);
void x509_crl_free(struct x509_crl *c); /* NULL is allowed */

/* ERR_DENIED_CERT_REVOKED; ERR_DENIED_CERT_STATUS: no list of this issuer, or none in force (unless stale_ok). */
MUST_USE err_t x509_crl_check(const struct x509_crl *c, X509 *cert, X509 *issuer, usec_t now, bool stale_ok);
usec_t x509_crl_end(const struct x509_crl *c);

#endif
