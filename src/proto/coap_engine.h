/*
 * The message layer of CoAP over one (D)TLS session, both halves, without a socket or a clock [RFC 7252 4, RFC 7959]:
 * acknowledgements, retransmission, deduplication, separate responses and blocks. The caller
 *
 *     coap_engine_recv(e, datagram, now, &ev);    a datagram came: an event, or COAP_EVENT_NONE
 *     coap_engine_answer(e, &response, now);      the answer to the request of an event, at any later time
 *     coap_engine_request(e, &request, now);      a request of our own; a RESPONSE or FAILED event follows
 *     while (coap_engine_poll(e, &w)) send(w);    after each of these and of tick: what has to go out
 *     coap_engine_deadline(e)                     when to call coap_engine_tick() at the latest
 *
 * Bounds: one request of the peer is served at a time (another CON meanwhile is left to its retransmission), one
 * request of our own is under way at a time (NSTART = 1), one body is put together each way. A request reaches the
 * caller once: its message id is remembered, its answer is kept and sent again. Ids are forgotten after
 * exchange_lifetime, or when COAP_ENGINE_SEEN newer ones came (DTLS itself drops what is older than 64 records).
 */
#ifndef KEYSTEAD_PROTO_COAP_ENGINE_H
#define KEYSTEAD_PROTO_COAP_ENGINE_H

#include "proto/coap_state.h"

struct coap_engine_params { /* RFC 7252 4.8 */
    usec_t ack_timeout;
    uint32_t ack_random_permille; /* ACK_RANDOM_FACTOR in thousandths */
    uint32_t max_retransmit;
    usec_t exchange_lifetime;
    usec_t ack_delay;     /* a request that is not answered after this gets an empty ACK, its answer goes separately */
    usec_t body_lifetime; /* an unfinished body, or an answer whose blocks nobody fetches, is dropped after this */
    usec_t answer_wait;   /* a client gives up this long after its request was acknowledged but not answered */
    uint8_t szx;          /* largest block sent or asked for: 16 << szx octets */
};
extern const struct coap_engine_params coap_engine_defaults; /* RFC 7252 4.8; blocks of 1024 octets */

enum coap_event_kind {
    COAP_EVENT_NONE,
    COAP_EVENT_REQUEST,  /* message: whole, without block options; its views live until coap_engine_answer() */
    COAP_EVENT_RESPONSE, /* to our request; message: whole; its views live until the next call with this engine */
    COAP_EVENT_FAILED,   /* our request got no response: reason */
};

struct coap_event {
    enum coap_event_kind kind;
    err_t reason; /* ERR_PEER_TIMEOUT, ERR_PEER_FAILING (reset), ERR_PEER_NONSENSE, ERR_LIMIT_SIZE */
    struct coap_message message;
};

struct coap_engine {
    const struct coap_engine_params *params;
    const struct crypto *crypto;
    uint16_t next_id;
    uint64_t next_token;
    struct coap_notice notices[COAP_ENGINE_NOTICES];
    size_t notices_n;
    struct coap_server server;
    struct coap_client client;
};

/*
 * Memory for bodies, which limits their size. A half without memory takes and gives only what fits into one datagram.
 * `params` and both memories live as long as the engine. ERR_CRYPTO if there is no randomness.
 */
struct coap_engine_memory {
    void *server, *client;
    size_t server_n, client_n;
};
MUST_USE err_t coap_engine_init(struct coap_engine *e, const struct coap_engine_params *params,
                                const struct coap_engine_memory *memory, const struct crypto *c);

void coap_engine_wipe(struct coap_engine *e); /* with both memories: answers may carry keys */

/* A datagram that cannot be used is answered as RFC 7252 says, or ignored: that is no event. */
void coap_engine_recv(struct coap_engine *e, struct bytes datagram, usec_t now, struct coap_event *ev);

/* Options and payload of *response; type, id, token and blocks are the engine's. ERR_STATE without a request,
 * ERR_LIMIT_SIZE if it is too large (5.00 was sent instead). */
MUST_USE err_t coap_engine_answer(struct coap_engine *e, const struct coap_message *response, usec_t now);

/* The same for a request of our own. ERR_STATE while one is under way. */
MUST_USE err_t coap_engine_request(struct coap_engine *e, const struct coap_message *request, usec_t now);

usec_t coap_engine_deadline(const struct coap_engine *e); /* USEC_NEVER: nothing to wait for */
void coap_engine_tick(struct coap_engine *e, usec_t now, struct coap_event *ev);

/* Appends the next datagram that has to go out and returns true; false if there is none. */
bool coap_engine_poll(struct coap_engine *e, struct writer *w);

#endif
