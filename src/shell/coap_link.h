/*
 * One exchange of a client over CoAP, on a session of its own, without blocking: DTLS 1.2 handshake, export if asked, one request if
 * there is one; or CoAP without security. The caller watches the socket and the clock: dtls_client.h blocks, outbound_coap.h has a loop.
 */
#ifndef KEYSTEAD_SHELL_COAP_LINK_H
#define KEYSTEAD_SHELL_COAP_LINK_H

#include "crypto/crypto.h"
#include "shell/client_tls.h"
#include "wire/primitive.h"

struct coap_link_setup { /* borrowed until the link is freed */
    struct client_tls *tls; /* NULL: without security */
    const char *address;    /* host:port or [v6]:port */
    bool in_digits;         /* no name is looked up: that blocks */
    const struct crypto *crypto;
    const struct primitive *request; /* NULL: the handshake is all */
};

struct coap_link;

/* ERR_PEER_UNREACHABLE, ERR_USAGE: no such address; ERR_LIMIT_CAPACITY, ERR_CRYPTO. */
MUST_USE err_t coap_link_new(const struct coap_link_setup *s, struct coap_link **out);
void coap_link_free(struct coap_link *l); /* says to the peer that it leaves; NULL: nothing */
int coap_link_fd(const struct coap_link *l);

/* Goes on as far as it can; true: it is over, with *outcome: ERR_OK, ERR_PEER_TIMEOUT, ERR_PEER_NONSENSE, ERR_PEER_UNREACHABLE,
 * ERR_LIMIT_SIZE, or who refused whom. Else call again when the socket is readable, or at the deadline (clock_monotonic). */
MUST_USE bool coap_link_step(struct coap_link *l, err_t *outcome);
usec_t coap_link_deadline(const struct coap_link *l);

/* What came, if anything did: `code` is CoAP's, class << 5 | detail, or 0. A response without a status code of oneM2M has rsc 0.
 * Views that live as long as the link. */
uint8_t coap_link_answer(const struct coap_link *l, struct primitive_response *out);

#endif
