/*
 * Key identifiers: RELATIVE@FQDN [TS-0003 10.3.4, 10.3.5, 10.5, 10.6]. The hexadecimal part is
 * emitted upper case [CHOICE-14]; comparing ignores case, so stores use the folded form:
 * everything lower case, but for the base64 of a B-TID, which is a key identifier too (R001-141).
 */
#ifndef KEYSTEAD_KEYS_KEYID_H
#define KEYSTEAD_KEYS_KEYID_H

#include "keys/keys.h"

#define KEYID_MAX 256 /* with the terminating NUL: psk_identity up to 255 octets [CHOICE-32] */

struct keyid {
    char z[KEYID_MAX];
};

struct keyid_parts {
    struct text relative;
    struct text fqdn;
};

/* hexBinary(id) "@" fqdn; ERR_LIMIT_SIZE if it exceeds KEYID_MAX - 1, ERR_MALFORMED_ID for a bad FQDN. */
MUST_USE err_t keyid_of_relative(const struct keys_relative *id, struct text fqdn, struct keyid *out);
/* name "@" fqdn with the checks of keyid_parse. */
MUST_USE err_t keyid_of_name(struct text name, struct text fqdn, struct keyid *out);

/* Exactly one '@', relative part of letters digits . _ - (1..), a valid FQDN; ERR_MALFORMED_KEY_ID. Views into t. */
MUST_USE err_t keyid_parse(struct text t, struct keyid_parts *out);

/* The lower-case form under which identifiers are stored and compared. */
MUST_USE err_t keyid_fold(struct text t, struct keyid *out);

/* A host name: labels of letters, digits, '-' (not at the ends), 1..63 each, 253 in all, no trailing dot. */
bool keyid_is_fqdn(struct text t);

#endif
