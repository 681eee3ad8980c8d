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
#include <openssl/x509v3.h>

/* -- x509.c: profile, files, the rest ---- */
/* P-256, uncompressed, ECDSA-SHA256, keyUsage with digitalSignature; ERR_DENIED_CERT_KEY, _PROFILE, _USAGE. */
MUST_USE err_t x509_profile_check(X509 *cert);
/* The key of a certificate or request: secp256r1 as a named curve, uncompressed. */
bool x509_key_is_p256(X509_PUBKEY *spki);
/* Of those above the leaf: key, and the signature on it. */
MUST_USE err_t x509_issuer_check(X509 *cert);

/* A private key, wherever it is (shell/key_source.h). */
MUST_USE err_t x509_key_load(const char *name, EVP_PKEY **out);
/* One PEM certificate. */
MUST_USE err_t x509_cert_load(const char *file, X509 **out);

/* dNSName without case, or a URI whose host part (or whole text) equals it [table 5.4, CHOICE-41]; ERR_DENIED_CERT_NAME. */
MUST_USE err_t x509_fqdn_check(const struct role_cert *names, struct text fqdn);

/* SHA-256 over the SubjectPublicKeyInfo. */
MUST_USE err_t x509_key_digest(const X509_PUBKEY *key, uint8_t digest[static CRYPTO_HASH_LEN]);

bool x509_time(const ASN1_TIME *t, usec_t *out); /* false: it cannot be read */
/* -- x509_file.c: what to do about a file that could not be read as what it should be ---- */
const char *x509_file_fault(const char *file);

err_t x509_reason(int x509_v_err); /* X509_V_ERR_* to our error rows */

/* -- x509_names.c ---- */
/* The name strings are kept in *store (opaque) until x509_names_free. */
MUST_USE err_t x509_names(X509 *cert, struct role_cert *out, void **store);
void x509_names_free(void *store); /* NULL is allowed */
bool x509_names_wild(const struct role_cert *names); /* one of the host names is a pattern: refused as a whole (5.4) */
void x509_names_raw(struct role_cert *names); /* leaves the key identifier alone */

/* -- x509_device.c: OID-based M2M Device IDs ---- */
#define X509_DEVICE_MAX 128
/* Dotted; ERR_NOT_FOUND: an otherName of another kind, ERR_DENIED_CERT_NAME: one that cannot be read. */
MUST_USE err_t x509_device_parse(const OTHERNAME *name, struct writer *out);
/* `arc` is the M2M Device Indication ID; empty: all but the last three arcs of `id`. ERR_MALFORMED_ID. */
MUST_USE err_t x509_device_make(struct text id, struct text arc, GENERAL_NAME **out);

/* -- x509_trust.c: whom to believe ---- */
#define X509_INTERMEDIATES_MAX 2 /* CAs between anchor and certificate [10.1.1.3: few] */

struct x509_trust {
    const char *anchors;      /* PEM; NULL: nobody is believed */
    const char *crls;         /* PEM files joined by ','; NULL or empty: revocation is not checked */
    bool crl_stale_ok;        /* a list past its nextUpdate still counts */
    bool unconstrained_ok;    /* CAs without name constraints are fine, but never for AE-IDs [CHOICE-40] */
    bool pinned;              /* self-signed certificates pass as raw keys: who they are, key_id alone says */
};
/* Anchors and lists are read and proved once. The store carries the rules and may be shared by many contexts; whoever has
 * it calls X509_STORE_free. ERR_CONFIG with a detail. */
MUST_USE err_t x509_trust_load(const struct x509_trust *t, X509_STORE **out, char detail[static ROLE_DETAIL_MAX]);
/* The peer must show a certificate that keeps the rules. Takes a reference of its own. */
MUST_USE err_t x509_trust_use(SSL_CTX *ctx, X509_STORE *store);
/* Both, with anchors alone. */
MUST_USE err_t x509_trust_install(SSL_CTX *ctx, const char *trust_file);
/* Checks one certificate as a handshake would; `more` (may be NULL) are certificates between it and an anchor. */
MUST_USE err_t x509_trust_check(X509_STORE *store, X509 *cert, STACK_OF(X509) *more);
/* What the lists say of a certificate that stands in no path; ERR_OK if there are none. */
MUST_USE err_t x509_trust_status(const X509_STORE *store, X509 *cert, X509 *issuer);
/* When the first of the lists ends; USEC_NEVER if there are none. */
usec_t x509_trust_crl_end(const X509_STORE *store);
bool x509_trust_is_raw(long verify_result); /* a pinned certificate was let through */

#endif
