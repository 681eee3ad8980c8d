/* Base64url (RFC 4648 section 5, without padding, canonical) as JOSE writes it; constant time in the value. */
#ifndef KEYSTEAD_BASE_BASE64URL_H
#define KEYSTEAD_BASE_BASE64URL_H

#include "base/writer.h"

#define BASE64URL_LEN(octets) (((octets) * 4 + 2) / 3)

void base64url_write(struct writer *w, struct bytes b);
MUST_USE err_t base64url_parse(struct text t, struct writer *out); /* ERR_MALFORMED_BASE64 */

#endif
