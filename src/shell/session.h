/*
 * The way of a connection over datagrams: one DTLS session of one address and port, and CoAP in it. Its deadlines for
 * handshake and idleness are the worker's; its timer is for what must be sent again.
 */
#ifndef KEYSTEAD_SHELL_SESSION_H
#define KEYSTEAD_SHELL_SESSION_H

#include "shell/coap_exchange.h"
#include "shell/cookie.h"
#include "shell/datagrams.h"

struct session {
    struct coap_exchange coap;
    uv_timer_t timer;
    struct datagrams *at;
    struct datagrams_entry entry; /* in the table of `at` */
    uint8_t random[COOKIE_RANDOM]; /* of the ClientHello that began it */
};

/* For a ClientHello that the door admitted; it has not been fed yet. Said in the log if it cannot be. */
struct session *session_new(struct datagrams *at, const struct snapshot_listener *l, const union datagrams_address *peer,
                            const struct cookie_hello *hello);
struct session *session_find(struct datagrams *at, const union datagrams_address *peer); /* or NULL */
void session_close(struct session *s);
void session_received(struct session *s, struct bytes datagram);
/* Is this the hello that began it, sent once more? */
bool session_is_of(const struct session *s, const struct cookie_hello *hello);

#endif
