/*
 * The certificates' side of an EST client [TS-0003 8.3.6.2, RFC 7030]: key, request, and whether what came back is what
 * was asked for. DER in, DER out; files are PEM.
 */
#ifndef KEYSTEAD_SHELL_EST_PKI_H
#define KEYSTEAD_SHELL_EST_PKI_H

#include "crypto/issuer.h"
#include "shell/x509.h"

struct est_attrs { /* of /csrattrs */
    char challenge[ISSUER_CHALLENGE_MAX];
    GENERAL_NAMES *names;
};
void est_pki_attrs_wipe(struct est_attrs *a);

/* The key in this file; made, with mode 0600, if there is none. */
MUST_USE err_t est_pki_key(const char *file, EVP_PKEY **out);

/* ERR_PEER_NONSENSE: no challengePassword or no name, or not what RFC 7030 4.5.2 says. */
MUST_USE err_t est_pki_attrs(struct bytes der, struct est_attrs *out);
/* Is `id` (absolute AE-ID or CSE-ID) all that the MEF would have certified? ERR_DENIED_CSR_NAME. */
MUST_USE err_t est_pki_identity(const struct est_attrs *a, const char *id);
MUST_USE err_t est_pki_request(EVP_PKEY *key, const struct est_attrs *a, struct writer *der);

/* Certificates of a "certs-only" message into a PEM file, which is replaced. ERR_PEER_NONSENSE. */
MUST_USE err_t est_pki_anchors(struct bytes der, const char *file);
/* The one certificate of a "certs-only" message: of this key, with these names, valid under these anchors; then it replaces
 * the file. ERR_PEER_NONSENSE, or the reason of the path. */
struct est_expected {
    EVP_PKEY *key;
    const struct est_attrs *attrs;
    const char *anchors;
};
MUST_USE err_t est_pki_accept(struct bytes der, const struct est_expected *x, const char *file);

/* What the certificate in a file says. */
struct est_status {
    usec_t not_before, not_after;
    char serial[ASSOCIATION_SERIAL_MAX];
    char name[256]; /* its first subjectAltName */
};
MUST_USE err_t est_pki_status(const char *file, struct est_status *out);

#endif
