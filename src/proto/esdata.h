/*
 * ESData: one piece of data protected end to end, whatever carries it [TS-0003 8.5]. Classes, algorithms, key usage and
 * every refusal are here; the cryptography is the provider's (crypto/object.h).
 */
#ifndef KEYSTEAD_PROTO_ESDATA_H
#define KEYSTEAD_PROTO_ESDATA_H

#include "crypto/object.h"
#include "wire/jose.h"

#define ESDATA_CONTENT_MAX (32U * 1024U) /* so that a nested object in base64 stays below JOSE_OBJECT_MAX */
#define ESDATA_TARGETS_MAX JOSE_PARTS_MAX
#define ESDATA_KID_MAX 256

enum esdata_class { ESDATA_ENCRYPTED = 1, ESDATA_SIGNED = 2, ESDATA_NESTED = 3 };

/* SUID 14, 24, 34: symmetric, for encryption; 15, 25, 35: symmetric, for signatures alone; 44, 45: the same with the
 * key of a certificate [TS-0004 6.3.4.2.39]. */
struct esdata_key {
    struct object_key key;
    unsigned suid;
    usec_t not_after;
};

struct esdata_order {
    enum esdata_class class;
    enum jose_form form;
    const struct esdata_key *targets; /* who may read it */
    size_t targets_n;
    const struct esdata_key *source; /* who signs it */
    const char *alg, *enc, *sign_alg; /* NULL: by the kind of the key; A256GCM */
    struct text cty;
};

/* ERR_OBJECT_ALG, ERR_DENIED_SUID, ERR_DENIED_EXPIRED, ERR_MALFORMED_KEY, ERR_LIMIT_SIZE, ERR_USAGE. */
MUST_USE err_t esdata_protect(const struct object_provider *p, const struct esdata_order *o, struct bytes content,
                              usec_t now, struct writer *out);

struct esdata_ring {
    const struct esdata_key *own; /* to decrypt */
    size_t own_n;
    const struct esdata_key *sources; /* to verify */
    size_t sources_n;
    enum esdata_class class; /* what is expected; 0: any, *what tells */
};

struct esdata_opened {
    enum esdata_class class;
    enum jose_form form;
    char alg[20], enc[12], sign_alg[20];
    char own_kid[ESDATA_KID_MAX], source_kid[ESDATA_KID_MAX];
    char cty[64];
};

/* ERR_OBJECT_*, ERR_DENIED_SUID, ERR_DENIED_EXPIRED. After an error nothing of the content is in *out. */
MUST_USE err_t esdata_open(const struct object_provider *p, const struct esdata_ring *ring, struct bytes object,
                           usec_t now, struct writer *out, struct esdata_opened *what);

/* The algorithms, for help and tests: NULL after the last. */
const char *esdata_algorithm(size_t i);

#endif
