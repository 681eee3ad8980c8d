/* What a CoAP engine remembers. Callers give it room and look inside for nothing. */
#ifndef KEYSTEAD_PROTO_COAP_STATE_H
#define KEYSTEAD_PROTO_COAP_STATE_H

#include "crypto/crypto.h"
#include "wire/coap.h"

#define COAP_ENGINE_DATAGRAM 2048 /* longer ones are refused with 4.13 */
#define COAP_ENGINE_SEEN 256
#define COAP_ENGINE_ANSWERS 4
#define COAP_ENGINE_NOTICES 8

struct coap_datagram {
    uint8_t b[COAP_ENGINE_DATAGRAM];
    size_t n;
};

/* A confirmable message of ours until it is acknowledged, reset or given up. */
struct coap_con {
    bool used;
    bool ready; /* to go out */
    uint16_t id;
    uint32_t sends;
    usec_t wait, next;
    struct coap_datagram dgram;
};

/* An empty ACK or RST to go out. */
struct coap_notice {
    enum coap_type type;
    uint16_t id;
};

struct coap_seen {
    uint16_t id;
    usec_t until;
};

/* What a request with this message id was answered with, to be sent again. */
struct coap_answer {
    bool used;
    bool ready;
    uint16_t id;
    struct coap_datagram dgram;
};

/* A body in the caller's memory, being put together or being handed out. */
struct coap_body {
    uint8_t *buf;
    size_t cap, n;
};

struct coap_server {
    struct coap_seen seen[COAP_ENGINE_SEEN];
    size_t seen_next;
    struct coap_answer answers[COAP_ENGINE_ANSWERS];
    size_t answers_next;
    struct coap_con con; /* a separate response */

    bool busy;  /* a request is with the caller: `request` holds it, `message` is parsed from it */
    bool acked; /* and was acknowledged with an empty ACK */
    usec_t ack_at;
    struct coap_datagram request;
    struct coap_message message;
    bool has_block1, has_block2;
    struct coap_block block1, block2;

    enum { COAP_BODY_NONE, COAP_BODY_IN, COAP_BODY_OUT } use; /* a request coming in, or a response handed out */
    struct coap_body body;
    usec_t until;
    uint8_t key[CRYPTO_HASH_LEN]; /* what makes requests blocks of one: method and options [RFC 7959 2.4, 2.5] */
    struct coap_datagram head;    /* of the response handed out: code and options */
};

struct coap_client {
    bool busy;
    bool acked;
    usec_t give_up;
    struct coap_con con;
    struct coap_datagram request; /* without payload; `message` is parsed from it */
    struct coap_message message;
    struct coap_body body; /* what is sent, then what comes */
    size_t sent;           /* octets of it under way or taken */
    struct coap_block block1;
    bool uploading, receiving;
    struct coap_datagram reply; /* the first datagram of the response */
    bool has_last;
    uint16_t last; /* message id of the last separate response, to be acknowledged again */
};

#endif
