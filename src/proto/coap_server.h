/* Of a CoAP engine: the half that answers. coap_engine.c calls it. */
#ifndef KEYSTEAD_PROTO_COAP_SERVER_H
#define KEYSTEAD_PROTO_COAP_SERVER_H

#include "proto/coap_engine.h"

/* A well-formed request; `m` is parsed from `datagram`. */
void coap_server_recv(struct coap_engine *e, struct bytes datagram, const struct coap_message *m, usec_t now,
                      struct coap_event *ev);
MUST_USE err_t coap_server_answer(struct coap_engine *e, const struct coap_message *response, usec_t now);

void coap_server_end(struct coap_engine *e, uint16_t id); /* the separate response with this id was acknowledged or reset */
void coap_server_tick(struct coap_engine *e, usec_t now);
usec_t coap_server_deadline(const struct coap_engine *e);

#endif
