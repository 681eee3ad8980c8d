/*
 * A request primitive in JSON, {"m2m:rqp":{...}}, as it stands inside another content, and its response [TS-0004 8.2, 8.4].
 * Parameters go through the same tables as those of the bindings.
 */
#ifndef KEYSTEAD_WIRE_RQP_H
#define KEYSTEAD_WIRE_RQP_H

#include "wire/binding.h"

/* Views point into `scratch`, which lives as long as *out; out->pc is the caller's, also after a failure (rqp_wipe).
 * ERR_MISSING, ERR_MALFORMED_*. */
MUST_USE err_t rqp_parse(struct bytes json, struct writer *scratch, struct primitive *out,
                         char detail[static BINDING_DETAIL_MAX]);
void rqp_wipe(struct primitive *p);

/* {"m2m:rsp":{...}} with the body as content; ERR_LIMIT_SIZE if it does not fit. */
MUST_USE err_t rqp_response_write(const struct primitive_response *r, struct writer *out);

#endif
