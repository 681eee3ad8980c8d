/*
 * Protection of objects (JWE, JWS) as the core sees it. A JOSE library is known below this table only
 * (shell/object_jose.c); which algorithm, key and class is allowed is decided above it (proto/esdata.c).
 */
#ifndef KEYSTEAD_CRYPTO_OBJECT_H
#define KEYSTEAD_CRYPTO_OBJECT_H

#include "base/secret.h"
#include "base/writer.h"

enum object_kind { OBJECT_OCTETS = 1, OBJECT_EC = 2, OBJECT_RSA = 3 };

/* A key of one end: a secret, or text: PEM (private key, public key, certificate) or a JWK. Borrowed. */
struct object_key {
    struct text id; /* kid; empty: the object says none */
    const struct secret *symmetric;
    struct text text; /* if symmetric is NULL */
};

struct object_key_info {
    enum object_kind kind;
    unsigned size; /* octets of a symmetric key, bits of an EC or RSA key */
    bool has_private;
};

struct object_target {
    const struct object_key *key;
    const char *alg;
};

struct object_encrypt {
    const struct object_target *targets;
    size_t targets_n;
    const char *enc;
    struct text cty; /* or empty */
    unsigned form;   /* enum jose_form */
};

#define OBJECT_JWK_MAX 1600 /* octets of a public key as JWK: RSA of 8192 bits */

struct object_provider {
    /* ERR_MALFORMED_KEY: no key, not one of P-256, P-384, P-521, or RSA below 2048 bits. */
    MUST_USE err_t (*describe)(const struct object_key *k, struct object_key_info *out);
    /* The public part as JWK text, for who uses a key often: reading PEM costs more than checking a signature. */
    MUST_USE err_t (*jwk)(const struct object_key *k, struct writer *out);
    MUST_USE err_t (*encrypt)(const struct object_encrypt *in, struct bytes plain, struct writer *out);
    /* `part`: which recipient or signature. ERR_OBJECT_TAG: wrong key or changed. */
    MUST_USE err_t (*decrypt)(struct bytes object, size_t part, const struct object_key *k, struct writer *out);
    MUST_USE err_t (*sign)(const struct object_target *source, struct text cty, unsigned form, struct bytes payload,
                           struct writer *out);
    MUST_USE err_t (*verify)(struct bytes object, size_t part, const struct object_key *k, struct writer *out);
};

#endif
