/* Base64 (RFC 4648 section 4, padded, canonical); constant time in the value. */
#ifndef KEYSTEAD_BASE_BASE64_H
#define KEYSTEAD_BASE_BASE64_H

#include "base/writer.h"

#define BASE64_LEN(octets) (((octets) + 2) / 3 * 4)

void base64_write(struct writer *w, struct bytes b);
MUST_USE err_t base64_parse(struct text t, struct writer *out); /* ERR_MALFORMED_BASE64 */

/* The same in lines of 64 symbols, each ended by a line feed. */
void base64_write_lines(struct writer *w, struct bytes b);
/* Line ends, spaces and tabs count for nothing; `scratch` needs room for what is left of t. */
MUST_USE err_t base64_parse_lines(struct text t, struct writer *scratch, struct writer *out);

#endif
