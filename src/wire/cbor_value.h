/*
 * CBOR <-> the same values as JSON, so that whoever handles a content never knows in which of the two it came
 * [TS-0004 8.5, RFC 8949 6]. Strict as json.h is: one map, definite lengths, text keys, no duplicates, bounded depth.
 * What JSON has no word for (octet strings, tags, undefined, NaN, integers beyond 63 bits) is refused, not converted.
 */
#ifndef KEYSTEAD_WIRE_CBOR_VALUE_H
#define KEYSTEAD_WIRE_CBOR_VALUE_H

#include "base/writer.h"

#include <jansson.h>

/* ERR_MALFORMED_CBOR, ERR_MALFORMED_DUPLICATE, ERR_LIMIT_DEPTH. The caller owns *out. */
MUST_USE err_t cbor_value_parse(struct bytes in, json_t **out);
MUST_USE err_t cbor_value_write(const json_t *v, struct writer *w); /* shortest heads, members in their order; ERR_LIMIT_SIZE */

/* A whole content from one into the other. */
MUST_USE err_t cbor_value_of_json(struct bytes json, struct writer *w);
MUST_USE err_t cbor_value_to_json(struct bytes in, struct writer *w);

#endif
