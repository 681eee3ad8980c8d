/* Of a CoAP engine: the half that asks. coap_engine.c calls it. */
#ifndef KEYSTEAD_PROTO_COAP_CLIENT_H
#define KEYSTEAD_PROTO_COAP_CLIENT_H

#include "proto/coap_engine.h"

MUST_USE err_t coap_client_request(struct coap_engine *e, const struct coap_message *request, usec_t now);

/* A well-formed response of any type; `m` is parsed from `datagram`. */
void coap_client_recv(struct coap_engine *e, struct bytes datagram, const struct coap_message *m, usec_t now,
                      struct coap_event *ev);
void coap_client_acked(struct coap_engine *e, uint16_t id, usec_t now); /* an empty ACK */
void coap_client_reset(struct coap_engine *e, uint16_t id, struct coap_event *ev);

void coap_client_tick(struct coap_engine *e, usec_t now, struct coap_event *ev);
usec_t coap_client_deadline(const struct coap_engine *e);

#endif
