/*
 * The way of a connection over datagrams: one DTLS session of one address and port, and CoAP in it. Its deadlines for
 * handshake and idleness are the worker's; its timer is for what must be sent again.
 */
#ifndef KEYSTEAD_SHELL_SESSION_H
#define KEYSTEAD_SHELL_SESSION_H

#include "shell/coap_exchange.h"
#include "shell/cookie.h"

struct datagrams;

union session_address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

struct session {
    struct coap_exchange coap;
    uv_timer_t timer;
    struct datagrams *at;
    union session_address peer;
    struct session *chain; /* in the table of `at` */
    uint8_t random[COOKIE_RANDOM]; /* of the ClientHello that began it */
};

/* For a ClientHello that the door admitted; it has not been fed yet. Said in the log if it cannot be. */
struct session *session_new(struct datagrams *at, const union session_address *peer, const struct cookie_hello *hello);
void session_received(struct session *s, struct bytes datagram);
/* Is this the hello that began it, sent once more? */
bool session_is_of(const struct session *s, const struct cookie_hello *hello);

#endif
