/* JSON strings without a library: what the device library needs, and the rest of the program uses too. */
#ifndef KEYSTEAD_WIRE_JSON_TEXT_H
#define KEYSTEAD_WIRE_JSON_TEXT_H

#include "base/writer.h"

/* With quotes and escapes; invalid UTF-8 octets become U+FFFD. */
void json_text_write(struct writer *w, struct text t);

/* Length of the well-formed UTF-8 sequence at p (Unicode 3.9, table 3-7), or 0. n > 0. */
size_t json_text_utf8(const uint8_t *p, size_t n);

#endif
