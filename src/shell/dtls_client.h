/*
 * One exchange of a client over DTLS 1.2 and CoAP, on a session of its own: handshake, export if asked, one request if
 * there is one. Blocking; for the device and for tests. The TLS side is client_tls.h's.
 */
#ifndef KEYSTEAD_SHELL_DTLS_CLIENT_H
#define KEYSTEAD_SHELL_DTLS_CLIENT_H

#include "crypto/crypto.h"
#include "shell/client_tls.h"
#include "wire/primitive.h"

struct dtls_client {
    struct client_tls tls;           /* address without scheme; datagram is set here */
    const struct crypto *crypto;
    usec_t until;                    /* clock_monotonic() at which to give up */
    const struct primitive *request; /* NULL: the handshake is all */
    uint8_t *body;                   /* room for the answer's */
    size_t body_cap;
    /* What came. */
    uint8_t code; /* of CoAP: class << 5 | detail; 0: no answer */
    uint16_t rsc;
    enum media media; /* of the body */
    size_t body_n;
};

/* ERR_PEER_UNREACHABLE, ERR_PEER_TIMEOUT, ERR_PEER_NONSENSE, ERR_LIMIT_SIZE, or who refused whom. */
MUST_USE err_t dtls_client_exchange(struct dtls_client *d);

#endif
