/* Of a CoAP engine: what goes out, and when again [RFC 7252 4.2]. */
#ifndef KEYSTEAD_PROTO_COAP_OUT_H
#define KEYSTEAD_PROTO_COAP_OUT_H

#include "proto/coap_engine.h"

void coap_out_notice(struct coap_engine *e, enum coap_type type, uint16_t id); /* dropped when too many wait: a loss */

/* ERR_LIMIT_SIZE if it does not fit into one datagram; then nothing has changed. */
MUST_USE err_t coap_out_con(struct coap_engine *e, struct coap_con *c, struct coap_message *m, usec_t now);
MUST_USE err_t coap_out_text(const struct coap_message *m, struct coap_datagram *out);

/* True when it is time to give up: it was sent as often as it may be and nobody answered. */
bool coap_out_tick(const struct coap_engine *e, struct coap_con *c, usec_t now);

#endif
