/*
 * One OCSP response [RFC 6960] about one certificate: what a server staples to its certificate, proved when it is loaded,
 * and what who asks a MEF or MAF checks on every new connection [TS-0003 8.1.2.2]. No network here.
 */
#ifndef KEYSTEAD_SHELL_X509_OCSP_H
#define KEYSTEAD_SHELL_X509_OCSP_H

#include "shell/x509.h"

#define X509_OCSP_MAX 16384 /* octets of a response that a handshake carries */

enum x509_ocsp { X509_OCSP_OFF, X509_OCSP_IF_GIVEN, X509_OCSP_REQUIRED };

struct x509_ocsp_ask {
    X509 *cert, *issuer;
    const X509_STORE *trust; /* its revocation lists speak of a responder's certificate too; NULL: none */
    usec_t now;
};
struct x509_ocsp_span {
    usec_t from, to; /* thisUpdate, nextUpdate */
};

/*
 * ERR_DENIED_OCSP_FORM, _OTHER, _SIGNER, _REVOKED (whatever its dates), _UNKNOWN, _STALE. *span is filled for ERR_OK and
 * ERR_DENIED_OCSP_STALE alone: all but the time is right; a response without nextUpdate is never in force.
 */
MUST_USE err_t x509_ocsp_check(struct bytes response, const struct x509_ocsp_ask *ask, struct x509_ocsp_span *span);

#endif
