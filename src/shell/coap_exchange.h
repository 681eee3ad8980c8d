/* Requests and answers of a session as CoAP: the message engine of one session, and the binding. */
#ifndef KEYSTEAD_SHELL_COAP_EXCHANGE_H
#define KEYSTEAD_SHELL_COAP_EXCHANGE_H

#include "shell/session.h"

/* A record's content. May leave the connection busy, or close it. */
void coap_exchange_received(struct session *s, struct bytes datagram);
void coap_exchange_tick(struct session *s);
usec_t coap_exchange_left(const struct session *s); /* until the next tick; USEC_NEVER */
MUST_USE err_t coap_exchange_octets(struct conn *c, struct bytes *out);
void coap_exchange_answer(struct conn *c, const struct primitive_response *r);
void coap_exchange_free(struct session *s);

#endif
