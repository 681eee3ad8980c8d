/*
 * Makes the keys and certificates that `keystead init` needs: a P-256 CA with name constraints and FQDN or
 * CSE-ID certificates with one exact subjectAltName each [TS-0003 10.1.1]. Files: keys 0600, never overwritten.
 */
#ifndef KEYSTEAD_SHELL_PKI_H
#define KEYSTEAD_SHELL_PKI_H

#include "base/text.h"

struct pki_ca_request {
    const char *name;          /* for people: the subject's common name */
    const char *permitted_dns; /* nameConstraints: permitted subtree, e.g. "keystead.test" */
    const char *cert_file;     /* out */
    const char *key_file;      /* out, mode 0600 */
    unsigned days;
};
struct pki_leaf_request {
    const char *ca_cert_file, *ca_key_file;
    const char *dns; /* subjectAltName dNSName: FQDN, or public domain name of a CSE-ID */
    const char *cert_file, *key_file;
    unsigned days;
};
MUST_USE err_t pki_ca_make(const struct pki_ca_request *rq);
MUST_USE err_t pki_leaf_make(const struct pki_leaf_request *rq);

#endif
