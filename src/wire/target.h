/* The target of a request on any binding: its path as a oneM2M address, and query parameters by short name, by table. */
#ifndef KEYSTEAD_WIRE_TARGET_H
#define KEYSTEAD_WIRE_TARGET_H

#include "wire/binding.h"

#define TARGET_PATH_MAX 512 /* octets */

/* Sets out->path and out->to from a path that starts with '/' and has no escapes. `scratch` lives as long as *out. */
MUST_USE err_t target_address(struct text path, struct writer *scratch, struct primitive *out);

/*
 * Copies into scratch with %40 read as '@', the only octet that clients escape in identifiers of ours. Any other
 * escape is refused: two spellings of one address are what gets around checks.
 */
MUST_USE err_t target_decode(struct text t, struct writer *scratch, struct text *out);

/* A JWT by its looks; ERR_OK of a binding says no more. */
bool target_is_token(struct text t);

/* One "name=value"; *seen starts as 0 and carries which parameters came already. With `scratch`, escapes in filter criteria
 * are read into it. */
MUST_USE err_t target_parameter(struct text part, uint64_t *seen, struct writer *scratch, struct primitive *out,
                                char detail[static BINDING_DETAIL_MAX]);

#endif
