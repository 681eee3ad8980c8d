/*
 * What the files of pki share: pki.c what is asked for, pki_build.c certificates, pki_csr.c requests, pki_file.c
 * files. Besides them only the issuing CA (issuer_openssl.c) and the EST client (est_*.c) include this.
 */
#ifndef KEYSTEAD_SHELL_PKI_IMPL_H
#define KEYSTEAD_SHELL_PKI_IMPL_H

#include "shell/pki.h"
#include "shell/x509.h"

#include <openssl/pkcs7.h>
#include <stdio.h>
#include <sys/types.h>

#define PKI_CLOCK_SKEW_SEC 300 /* a device whose clock is a little behind accepts what is new */
#define PKI_DAY_SEC 86400L
#define PKI_DAYS_MAX 36500

void pki_build_free_x509(X509 **p);
void pki_build_free_key(EVP_PKEY **p);
void pki_build_free_req(X509_REQ **p);
void pki_build_free_names(GENERAL_NAMES **p);
void pki_build_free_extension(X509_EXTENSION **p);
void pki_build_free_extensions(X509_EXTENSIONS **p);
void pki_build_free_attribute(X509_ATTRIBUTE **p);
void pki_build_free_pkcs7(PKCS7 **p);
void pki_build_free_octets(unsigned char **p);

/* "FILE: why" */
err_t pki_build_fail(char detail[static ROLE_DETAIL_MAX], err_t e, const char *file, const char *why);

/* -- pki_build.c ---- */
struct pki_ca {
    X509 *cert;
    EVP_PKEY *key;
};
void pki_build_ca_wipe(struct pki_ca *ca);
/* A CA, with its own key, that keeps the profile. */
MUST_USE err_t pki_build_ca_load(const struct pki_signer *s, struct pki_ca *out, char detail[static ROLE_DETAIL_MAX]);

struct pki_extension {
    int nid;
    const char *value; /* in the notation of x509v3_config(5) */
};
MUST_USE err_t pki_build_extensions_add(X509 *cert, X509 *issuer, const struct pki_extension *list, size_t count);
/* Version, serial, subject, dates and key. */
MUST_USE err_t pki_build_cert_begin(const char *name, unsigned days, EVP_PKEY *key, X509 **cert);
MUST_USE err_t pki_build_cert_sign(X509 *cert, X509 *issuer, EVP_PKEY *issuer_key);
MUST_USE err_t pki_build_names_make(const struct pki_holder *h, GENERAL_NAMES **out);
/* A certificate for `names` (NULL: a raw key): not beyond its CA, not outside its name constraints. */
MUST_USE err_t pki_build_leaf_sign(const struct pki_ca *ca, GENERAL_NAMES *names, X509 *cert);
/* What the CA's own certificate forbids no peer would accept; `cert` is signed. ERR_DENIED_CERT_NAME. */
MUST_USE err_t pki_build_limits_check(const X509 *ca, X509 *cert);

/* -- pki_crl.c ---- */
/* A list of this CA: ERR_IO, ERR_CONFIG, ERR_DENIED_CERT_CA. The caller frees *out in any case. */
MUST_USE err_t pki_crl_read(const char *file, X509 *ca, X509_CRL **out);

/* -- pki_csr.c: requests [10.1.4] ---- */
MUST_USE err_t pki_csr_parse(struct bytes der, X509_REQ **out);      /* nothing may follow it; ERR_MALFORMED */
MUST_USE err_t pki_csr_read(const char *pem_file, X509_REQ **out);   /* ERR_IO, ERR_MALFORMED */
bool pki_csr_is_profile(X509_REQ *req);                              /* P-256, ECDSA with SHA-256 */
bool pki_csr_is_proved(X509_REQ *req);                               /* signed with the key it is about */
MUST_USE err_t pki_csr_check(X509_REQ *req);                         /* both: ERR_DENIED_CERT_PROFILE, _PROOF */
/* subjectAltName among X509_REQ_get_extensions; NULL if it has none. ERR_MALFORMED: twice, or not DER. */
MUST_USE err_t pki_csr_names(const X509_EXTENSIONS *list, GENERAL_NAMES **out);

/* -- pki_file.c ---- */
/* The key of this name, made if it is a file that is not there yet. The caller frees *key in any case. */
MUST_USE err_t pki_file_key_take(const char *name, EVP_PKEY **key, bool *made);
typedef int pki_file_pem_writer(FILE *f, const void *what);
int pki_file_pem_cert(FILE *f, const void *cert);
int pki_file_pem_request(FILE *f, const void *req);
int pki_file_pem_crl(FILE *f, const void *crl);
/* ERR_EXISTS: never overwritten; taken away again when the work fails half way. */
MUST_USE err_t pki_file_create(const char *path, mode_t mode, pki_file_pem_writer *put, const void *what);
MUST_USE err_t pki_file_replace(const char *path, mode_t mode, pki_file_pem_writer *put, const void *what);
struct pki_chain { /* a certificate, then what stands between it and the anchor */
    X509 *cert;
    const char *ca_file; /* or NULL */
};
MUST_USE err_t pki_file_pair(const char *key_file, const EVP_PKEY *key, const char *cert_file,
                             const struct pki_chain *chain);
MUST_USE err_t pki_file_chain(const char *cert_file, const struct pki_chain *chain);

#endif
