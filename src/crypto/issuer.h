/*
 * The issuing CA as the core sees it: what it reads in a certificate signing request and what it signs. X.509, PKCS#10
 * and PKCS#7 are known below this table only (shell/issuer_openssl.c); names, lifetimes and serial numbers are chosen
 * above it, by a role. Every octet string is DER.
 */
#ifndef KEYSTEAD_CRYPTO_ISSUER_H
#define KEYSTEAD_CRYPTO_ISSUER_H

#include "base/text.h"
#include "base/writer.h"

#define ISSUER_NAMES_MAX 4
#define ISSUER_CSR_TEXT_MAX 1024
#define ISSUER_CHALLENGE_MAX 64
#define ISSUER_SERIAL_LEN 16

/* A subjectAltName of the flavours that a MEF provisions [TS-0003 10.1.4, table 5.4]. */
enum issuer_name_kind { ISSUER_DNS = 1, ISSUER_URI = 2 };
struct issuer_name {
    enum issuer_name_kind kind;
    struct text value;
};

/* What a CSR asks for. Not to be copied: names are views into `text`. */
struct issuer_csr {
    struct issuer_name names[ISSUER_NAMES_MAX];
    size_t names_n;
    char challenge[ISSUER_CHALLENGE_MAX]; /* challengePassword, or empty */
    char text[ISSUER_CSR_TEXT_MAX];
};

struct issuer_order {
    struct bytes csr; /* whose key is certified */
    const struct issuer_name *names;
    size_t names_n;
    uint8_t serial[ISSUER_SERIAL_LEN];
    usec_t not_before, not_after;
};

struct issuer {
    /* ERR_MALFORMED: no PKCS#10, or more than one meaning. ERR_DENIED_CERT_PROOF: not signed with its own key.
     * ERR_DENIED_CERT_PROFILE: not P-256 with SHA-256, or it asks for more than an end entity may have.
     * ERR_DENIED_CERT_NAME: a name of another type or with unprintable octets. */
    MUST_USE err_t (*csr_parse)(struct bytes csr, struct issuer_csr *out);

    /* CsrAttrs [RFC 7030 4.5.2]: challengePassword and subjectAltName with their values, P-256, ECDSA with SHA-256. */
    MUST_USE err_t (*csr_attrs)(const struct issuer_name *names, size_t n, struct text challenge, struct writer *out);

    /* A certificate of the profile [10.1.1]. ERR_DENIED_CERT_NAME: the name constraints of the CA forbid a name. */
    MUST_USE err_t (*issue)(const struct issuer *self, const struct issuer_order *order, struct writer *out);

    /* PKCS#7 "certs-only": this certificate alone, or those of the CA if it is empty [RFC 7030 4.1.3, 4.2.3]. */
    MUST_USE err_t (*certs_only)(const struct issuer *self, struct bytes cert, struct writer *out);

    usec_t not_after; /* of the CA: nothing it issues outlives it */
    void *state;      /* of the provider */
};

#endif
