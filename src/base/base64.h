/* Base64 (RFC 4648 section 4, padded, canonical); constant time in the value. */
#ifndef KEYSTEAD_BASE_BASE64_H
#define KEYSTEAD_BASE_BASE64_H

#include "base/writer.h"

#define BASE64_LEN(octets) (((octets) + 2) / 3 * 4)

void base64_write(struct writer *w, struct bytes b);
MUST_USE err_t base64_parse(struct text t, struct writer *out); /* ERR_MALFORMED_BASE64 */

#endif
