/*
 * The claims of a oneM2M JSON Web Token [TS-0003 7.3.2.4, 7.3.2.6.2, TS-0004 6.3.5.42]: structure only. Who signed it, for whom
 * it is and what it permits is for who takes it.
 */
#ifndef KEYSTEAD_WIRE_JWT_H
#define KEYSTEAD_WIRE_JWT_H

#include "wire/json.h"

#define JWT_MAX 8192 /* octets of a token, as it is sent */

struct jwt {
    json_t *root; /* the claim set; the others are views into it */
    struct text version, id, issuer, holder, name;
    usec_t not_before, not_after;
    const json_t *audience;    /* array of texts, or NULL */
    const json_t *permissions; /* tkps, or NULL */
};

/* ERR_TOKEN_FORM; *fault names the claim. Wiped or not, *out may be passed to jwt_wipe afterwards. A claim that is not of the
 * profile is passed over [RFC 7519 4]. */
MUST_USE err_t jwt_parse(struct bytes claims, struct jwt *out, const char **fault);
void jwt_wipe(struct jwt *j);

#endif
