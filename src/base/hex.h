/* Hexadecimal text; constant time in the value, so that keys may pass through it. */
#ifndef KEYSTEAD_BASE_HEX_H
#define KEYSTEAD_BASE_HEX_H

#include "base/writer.h"

void hex_write_upper(struct writer *w, struct bytes b); /* canonical hexBinary [CHOICE-14] */
void hex_write_lower(struct writer *w, struct bytes b);

/* Either case; ERR_MALFORMED_HEX for an odd length or another character. */
MUST_USE err_t hex_parse(struct text t, struct writer *out);
bool hex_is_text(struct text t); /* an even, non-zero number of hexadecimal digits */

#endif
