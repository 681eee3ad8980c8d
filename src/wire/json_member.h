/*
 * One member of a JSON object without a library and without memory of its own, for devices that have no allocator. The
 * whole text is checked; what is accepted, jansson accepts too, but for duplicates of other members. It is less than
 * RFC 8259 (enough for what a MAF answers): \uXXXX, fractions, exponents, empty names and names with escapes are refused.
 */
#ifndef KEYSTEAD_WIRE_JSON_MEMBER_H
#define KEYSTEAD_WIRE_JSON_MEMBER_H

#include "base/text.h"

#define JSON_MEMBER_DEPTH 8

/*
 * The value of `name` as it is written, a view into `object`; empty if there is none. ERR_MALFORMED_JSON: not one object,
 * nested deeper than JSON_MEMBER_DEPTH, or the name stands in it twice.
 */
MUST_USE err_t json_member_find(struct text object, const char *name, struct text *raw);

/* A found value as a string without escapes, or as an array of exactly one; empty for anything else. */
struct text json_member_text(struct text raw, bool in_array);

#endif
