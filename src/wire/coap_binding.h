/*
 * CoAP message <-> oneM2M primitive [TS-0008]: methods, paths, queries and oneM2M options, by table. The message is a
 * whole one: coap_engine puts blocks together before anybody sees it. Blocks, tokens and ids are not looked at here.
 */
#ifndef KEYSTEAD_WIRE_COAP_BINDING_H
#define KEYSTEAD_WIRE_COAP_BINDING_H

#include "wire/coap.h"
#include "wire/primitive.h"

#define COAP_BINDING_SCRATCH 1024 /* octets of scratch that any request which is not refused fits into */

/*
 * As http_binding_parse(): *out views into the message and into `scratch`. On success the caller owns out->pc
 * (coap_binding_wipe). On failure `detail` names what is at fault; rqi and rvi are filled in as far as they were
 * understood, for the reply.
 */
MUST_USE err_t coap_binding_parse(const struct coap_message *in, struct writer *scratch, struct primitive *out,
                                  char detail[static 96]);
void coap_binding_wipe(struct primitive *p); /* releases pc */

/* The other direction, and the two of a client. `scratch` holds option values: it lives as long as *out is used. */
MUST_USE err_t coap_binding_response(enum op asked, const struct primitive_response *r, struct writer *scratch,
                                     struct coap_message *out);

/* As many fields of *p as a client sets: op, to, from, rqi, rvi, ty, rcn, fu, expires, content. */
MUST_USE err_t coap_binding_request(const struct primitive *p, struct writer *scratch, struct coap_message *out);

/* ERR_PEER_NONSENSE without a usable response status code. A location gets its slashes back in `scratch`. */
MUST_USE err_t coap_binding_parse_response(const struct coap_message *in, struct writer *scratch,
                                           struct primitive_response *out);

#endif
