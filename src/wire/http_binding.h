/* HTTP request <-> oneM2M primitive [TS-0009]: paths, query parameters and X-M2M headers, by table. */
#ifndef KEYSTEAD_WIRE_HTTP_BINDING_H
#define KEYSTEAD_WIRE_HTTP_BINDING_H

#include "wire/http1.h"
#include "wire/primitive.h"

/*
 * Fills *out with views into the request (and into `scratch`, which must live as long, for text that
 * had to be changed). On success the caller owns out->pc (json_decref). On failure `detail` names the
 * parameter at fault; rqi and rvi are filled in as far as they were understood, for the reply.
 */
MUST_USE err_t http_binding_parse(const struct http1_request *in, struct writer *scratch, struct primitive *out,
                                  char detail[static 96]);
void http_binding_wipe(struct primitive *p); /* releases pc */

MUST_USE err_t http_binding_write(const struct primitive_response *r, bool close, struct writer *w);

#endif
