/*
 * A secret is a type: a fixed-capacity value that is wiped by scope, compared in constant
 * time and never formatted. `.b` may be touched only in the files that tools/rules lists.
 *
 *     SCOPED(secret_wipe) struct secret s = {0};
 */
#ifndef KEYSTEAD_BASE_SECRET_H
#define KEYSTEAD_BASE_SECRET_H

#include "base/bytes.h"

#define SECRET_MAX 64 /* octets: RFC 4279 obliges PSKs up to 64 */

struct secret {
    uint8_t b[SECRET_MAX];
    uint8_t n;
};

MUST_USE err_t secret_set(struct secret *s, struct bytes b); /* ERR_MALFORMED_KEY beyond SECRET_MAX */
struct bytes secret_view(const struct secret *s);            /* borrowed; valid while *s is */
bool secret_eq(const struct secret *a, const struct secret *b);
bool secret_is_set(const struct secret *s);
void secret_wipe(struct secret *s);

#endif
