/*
 * Keys, certificates, requests, revocation lists and OCSP responses by the profile of TS-0003 10.1.1: what `keystead pki` and `keystead
 * init` make. Private keys have mode 0600; no file is ever overwritten but lists and responses, which are replaced whole.
 * `detail` says what is wrong and with which file.
 */
#ifndef KEYSTEAD_SHELL_PKI_H
#define KEYSTEAD_SHELL_PKI_H

#include "role/cert_id.h"

struct pki_ca_request {
    const char *name;          /* for people: the subject's common name */
    const char *permitted_dns; /* the domain it may issue for: host names under it, and AE-IDs of it */
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

/* The CA that signs: its certificate (then the chain above it, if it is no anchor) and its key. */
struct pki_signer {
    const char *cert_file, *key_file;
};

struct pki_authority {
    const char *name;
    const char *permit_dns, *permit_uri; /* permitted subtrees, lists joined by ','; NULL: none */
    int path_length;                     /* how many CAs may stand below; -1: as many as a handshake takes */
    const struct pki_signer *parent;     /* NULL: self-signed */
    const char *cert_file, *key_file;
    unsigned days;
};
MUST_USE err_t pki_authority_make(const struct pki_authority *rq, char detail[static ROLE_DETAIL_MAX]);

/* Whom a certificate is to name. */
struct pki_holder {
    enum cert_id_flavour flavour;
    const char *id;  /* not for raw keys */
    const char *arc; /* of a device: its M2M Device Indication ID; NULL: all but the last three arcs */
};

/* Key and certificate in one go. A raw key gets a self-signed certificate, and needs no CA. */
MUST_USE err_t pki_issue(const struct pki_signer *ca, const struct pki_holder *to, const char *key_file,
                         const char *cert_file, unsigned days, char detail[static ROLE_DETAIL_MAX]);

/* PKCS#10 [10.1.4]; the key is made if its file is absent. */
MUST_USE err_t pki_request_make(const struct pki_holder *of, const char *key_file, const char *csr_file,
                                char detail[static ROLE_DETAIL_MAX]);

/*
 * Signs a request: proof of possession, profile and names are checked, and that it names exactly `expected` (NULL: any one
 * identity). Nothing but key and names is taken from it.
 */
MUST_USE err_t pki_sign(const struct pki_signer *ca, const char *csr_file, const struct pki_holder *expected,
                        const char *cert_file, unsigned days, char detail[static ROLE_DETAIL_MAX]);

/* Makes the list, or takes the one that is there and adds to it. An element of `revoke` is a certificate file of this CA or
 * a serial number in hexadecimal digits. */
struct pki_revocation {
    struct pki_signer ca;
    const char *crl_file;
    const char *const *revoke;
    size_t revoke_n;
    unsigned days; /* until nextUpdate */
};
MUST_USE err_t pki_crl_make(const struct pki_revocation *rq, char detail[static ROLE_DETAIL_MAX]);

/* An OCSP response (DER) of the CA about one of its certificates, as the list has it: good or revoked. It ends no later
 * than the list. Replaces the file whole. */
struct pki_ocsp {
    struct pki_signer ca;
    const char *cert_file, *crl_file;
    const char *response_file; /* out */
    unsigned days;             /* until nextUpdate */
};
MUST_USE err_t pki_ocsp_make(const struct pki_ocsp *rq, char detail[static ROLE_DETAIL_MAX]);

/* Tells what a certificate, request or revocation list (PEM) says; *verdict: does it keep the profile? */
typedef void pki_teller(void *ctx, const char *name, struct text value);
MUST_USE err_t pki_show(const char *file, pki_teller *tell, void *ctx, err_t *verdict);

/* Public key identifier of a certificate, request or private key; bits as cert_id_key_write. */
MUST_USE err_t pki_show_key_id(const char *file, unsigned bits, struct writer *out);

#endif
