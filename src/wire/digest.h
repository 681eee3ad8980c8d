/*
 * HTTP Digest headers [RFC 7616 3.3 to 3.5, RFC 3310, TS 24.109 4]: WWW-Authenticate, Authorization and Authentication-Info as
 * tables of parameters. Grammar only: who may say what, and whether it is true, is decided above. No allocation.
 */
#ifndef KEYSTEAD_WIRE_DIGEST_H
#define KEYSTEAD_WIRE_DIGEST_H

#include "base/writer.h"

#define DIGEST_TEXT_MAX 4096 /* octets of a header */
#define DIGEST_PARAMS_MAX 32 /* in a header, with those that nobody knows */

enum digest_param {
    DIGEST_USERNAME, DIGEST_REALM, DIGEST_NONCE, DIGEST_URI, DIGEST_RESPONSE, DIGEST_ALGORITHM, DIGEST_CNONCE,
    DIGEST_OPAQUE, DIGEST_QOP, DIGEST_NC, DIGEST_AUTS, DIGEST_STALE, DIGEST_DOMAIN, DIGEST_NEXTNONCE, DIGEST_RSPAUTH,
    DIGEST_PARAMS
};
enum digest_header { DIGEST_CHALLENGE, DIGEST_AUTHORIZATION, DIGEST_INFO };

struct digest {
    struct text v[DIGEST_PARAMS]; /* without quotes and backslashes */
    bool given[DIGEST_PARAMS];    /* an empty value is given too: nonce="" opens Ub */
};

/*
 * Views into t, and into `scratch` where a backslash had to go; scratch needs room for t.n octets at most. Unknown parameters
 * are passed over. ERR_MALFORMED_DIGEST: not the grammar, another scheme, a second challenge behind the first, a parameter twice, one
 * that must be there missing, nc or response of a wrong form. ERR_LIMIT_SIZE: beyond the bounds above.
 */
MUST_USE err_t digest_parse(enum digest_header h, struct text t, struct writer *scratch, struct digest *out);

/* What is given and belongs into this header, in the order of the table. ERR_MALFORMED_DIGEST: what must be there is not, or a
 * value cannot be written (a control octet; a token with something else in it). */
MUST_USE err_t digest_write(enum digest_header h, const struct digest *d, struct writer *w);

struct digest digest_blank(void); /* nothing given; every value the empty text */
void digest_set(struct digest *d, enum digest_param p, struct text value);
bool digest_offers(const struct digest *d, const char *qop); /* in the list of a challenge */

/* MD5, SHA-256, AKAv1-MD5, AKAv2-MD5; absent means MD5. The session forms are not known (RFC 3310 3.1). */
enum digest_algorithm { DIGEST_MD5, DIGEST_SHA256, DIGEST_AKAV1_MD5, DIGEST_AKAV2_MD5, DIGEST_ALGORITHMS };
MUST_USE err_t digest_algorithm(const struct digest *d, enum digest_algorithm *out); /* ERR_NOT_IMPLEMENTED */
const char *digest_algorithm_name(enum digest_algorithm a);

#endif
