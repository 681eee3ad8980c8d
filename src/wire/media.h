/*
 * Media types of content, one row each. MEDIA_JSON is what every route takes and gives unless it says otherwise; the
 * others are octets that only a route with ROUTE_RAW takes (EST, RFC 7030).
 */
#ifndef KEYSTEAD_WIRE_MEDIA_H
#define KEYSTEAD_WIRE_MEDIA_H

#include "base/text.h"

enum media { MEDIA_JSON = 0, MEDIA_PKCS10, MEDIA_CERTS, MEDIA_CSR_ATTRS, MEDIA_N };

/* The type/subtype of a Content-Type, without parameters; ERR_MEDIA_TYPE. */
MUST_USE err_t media_parse(struct text type, enum media *out);
const char *media_name(enum media m); /* as a response names it, with parameters */

#endif
