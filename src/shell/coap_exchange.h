/* Requests and answers of a connection as CoAP: the message engine of one session, and the binding. */
#ifndef KEYSTEAD_SHELL_COAP_EXCHANGE_H
#define KEYSTEAD_SHELL_COAP_EXCHANGE_H

#include "shell/conn.h"

struct coap_exchange_engine;
struct coap_exchange {
    struct conn conn;                    /* those below are of one of these */
    struct coap_exchange_engine *engine; /* once the handshake is over */
};

/* A record's content. May leave the connection busy, or close it. */
void coap_exchange_received(struct coap_exchange *x, struct bytes datagram);
void coap_exchange_tick(struct coap_exchange *x);
usec_t coap_exchange_left(const struct coap_exchange *x); /* until the next tick; USEC_NEVER */
void coap_exchange_again(struct conn *c);
MUST_USE err_t coap_exchange_octets(struct conn *c, struct bytes *out);
void coap_exchange_answer(struct conn *c, const struct primitive_response *r);
void coap_exchange_free(struct coap_exchange *x);

#endif
