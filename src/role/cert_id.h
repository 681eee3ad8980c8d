/*
 * What a certificate names, by flavour [TS-0003 8.1.2.1, table 5.4 of the facts], and the exact comparison with an
 * identity that somebody was configured with [8.1.2.5]. Pure; path, time and status are the shell's (shell/x509.h).
 */
#ifndef KEYSTEAD_ROLE_CERT_ID_H
#define KEYSTEAD_ROLE_CERT_ID_H

#include "role/role.h"

enum cert_id_flavour {
    CERT_ID_RAW,    /* public key identifier; nothing that the certificate says otherwise */
    CERT_ID_DEVICE, /* dotted OID */
    CERT_ID_CSE,    /* absolute CSE-ID, or its public domain name */
    CERT_ID_AE,     /* absolute AE-ID */
    CERT_ID_NODE,   /* M2M-Node-ID, or an FQDN */
    CERT_ID_FQDN,
    CERT_ID_FLAVOURS
};

const char *cert_id_name(enum cert_id_flavour f); /* "raw", "device", "cse-id", "ae-id", "node-id", "fqdn" */
MUST_USE err_t cert_id_of_name(struct text name, enum cert_id_flavour *out); /* ERR_NOT_FOUND */

/* Does the certificate name exactly this one? ERR_DENIED_CERT_NAME. */
MUST_USE err_t cert_id_check(const struct role_cert *cert, enum cert_id_flavour f, struct text id);

/*
 * The value of the subjectAltName that names `id`: of a dNSName if *is_dns, else of a URI; for a device the dotted OID.
 * ERR_MALFORMED_ID. Raw keys have none.
 */
MUST_USE err_t cert_id_write(enum cert_id_flavour f, struct text id, struct writer *out, bool *is_dns);

/* What a URI names, by its form alone: CERT_ID_AE (view of the absolute AE-ID), CERT_ID_NODE (the Node-ID), CERT_ID_FQDN
 * (the host). ERR_NOT_FOUND: nothing that this standard knows. */
MUST_USE err_t cert_id_of_uri(struct text uri, enum cert_id_flavour *f, struct text *id);

/*
 * Public key identifiers [10.1.2]: "sha-256;VALUE", "sha-256-128;VALUE", "sha-256-120;VALUE", with or without "ni:///"
 * before it [CHOICE-36]. `trusted` may be truncated; `key_id` is the whole of role_cert. ERR_MALFORMED_KEY_ID.
 */
MUST_USE err_t cert_id_key_check(struct text trusted); /* its form */
bool cert_id_key_same(struct text trusted, struct text key_id);
/* bits: 120, 128 or 256 */
void cert_id_key_write(struct writer *w, const uint8_t digest[CRYPTO_HASH_LEN], unsigned bits);

#endif
