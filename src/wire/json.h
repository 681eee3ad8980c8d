/*
 * Strict JSON text <-> jansson values: one object, duplicates refused, depth and size bounded.
 * This file and the resource tables are the only places that know jansson's loading flags.
 */
#ifndef KEYSTEAD_WIRE_JSON_H
#define KEYSTEAD_WIRE_JSON_H

#include "base/writer.h"

#include <jansson.h>

#define JSON_DEPTH_MAX 32

/* ERR_MALFORMED_JSON, ERR_MALFORMED_DUPLICATE, ERR_LIMIT_DEPTH. The caller owns *out. */
MUST_USE err_t json_parse(struct bytes in, json_t **out);
MUST_USE err_t json_write(const json_t *v, struct writer *w); /* compact, members in insertion order */

/* Text member, or the empty text; borrowed from obj. */
struct text json_get_text(const json_t *obj, const char *member);
bool json_set_text(json_t *obj, const char *member, struct text value);

/* Cleanup for SCOPED(json_scope) json_t *v = NULL; */
void json_scope(json_t **v);

/* Writes t as a JSON string with quotes and escapes; invalid UTF-8 octets become U+FFFD. */
void json_write_string(struct writer *w, struct text t);

#endif
