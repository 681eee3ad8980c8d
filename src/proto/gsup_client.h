/*
 * One connection to an HLR over GSUP, as who asks, without a socket or a clock. The caller
 *
 *     gsup_client_open(c, now);              TCP stands; nothing may be asked before the HLR let us in
 *     gsup_client_ask(c, &request, token, now);
 *     gsup_client_recv(c, octets, now);      what came from the socket
 *     while (gsup_client_event(c, now, &ev)) one of the events below; wipe ev.answer
 *     gsup_client_unsent(c), gsup_client_sent(c, n)   what has to go out
 *     gsup_client_deadline(c)                when to look for events at the latest
 *     gsup_client_close(c);                  TCP is gone: each question ends with ERR_PEER_UNREACHABLE
 *
 * GSUP has no number for a question: answers are told apart by their IMSI. So one question of an IMSI is under way at a time,
 * and one that was given up still counts until its late answer came or LATE has passed: an old vector is never taken for a new one.
 */
#ifndef KEYSTEAD_PROTO_GSUP_CLIENT_H
#define KEYSTEAD_PROTO_GSUP_CLIENT_H

#include "wire/gsup.h"
#include "wire/ipa.h"

#define GSUP_CLIENT_WAITING 64

struct gsup_client_params {
    usec_t answer;  /* how long an HLR may take */
    usec_t late;    /* how long an answer that nobody waits for is still looked out for */
    usec_t silence; /* after this without a word from the HLR it is asked whether it lives */
};
extern const struct gsup_client_params gsup_client_defaults;

enum gsup_client_kind {
    GSUP_CLIENT_UP,     /* questions are taken from now on */
    GSUP_CLIENT_ANSWER, /* `token` has its answer: ERR_OK and `answer`, or `err` */
    GSUP_CLIENT_LOST    /* of no use any more: close it, wait, connect anew; `err` says why */
};
struct gsup_client_event {
    enum gsup_client_kind kind;
    err_t err;
    uint64_t token;
    struct gsup_answer answer;
};

struct gsup_client_question {
    enum gsup_client_wait { GSUP_CLIENT_FREE, GSUP_CLIENT_ASKED, GSUP_CLIENT_GIVEN_UP } wait;
    char imsi[GSUP_IMSI_MAX];
    uint64_t token;
    usec_t until;
};

struct gsup_client {
    const struct gsup_client_params *params;
    char name[IPA_NAME_MAX];
    enum gsup_client_state { GSUP_CLIENT_CLOSED, GSUP_CLIENT_GREETING, GSUP_CLIENT_READY } state;
    bool pinged;
    bool told_up;
    err_t lost; /* what is to be told before anything else */
    usec_t heard_until; /* when silence becomes a ping, or after that a loss */
    struct gsup_client_question questions[GSUP_CLIENT_WAITING];
    uint8_t in[2 * IPA_FRAME_MAX];
    size_t in_n;
    uint8_t out[GSUP_CLIENT_WAITING * 64 + IPA_FRAME_MAX];
    size_t out_n;
};

/* name: the unit name that the HLR logs; `params` lives as long. ERR_LIMIT_SIZE. */
MUST_USE err_t gsup_client_init(struct gsup_client *c, const struct gsup_client_params *params, struct text name);
void gsup_client_open(struct gsup_client *c, usec_t now);
void gsup_client_close(struct gsup_client *c);

/* ERR_PEER_UNREACHABLE before UP; ERR_LIMIT_BUSY: too many, or one of this IMSI, are under way; of gsup_write_request(). */
MUST_USE err_t gsup_client_ask(struct gsup_client *c, const struct gsup_request *q, uint64_t token, usec_t now);

size_t gsup_client_room(const struct gsup_client *c); /* how many octets recv takes now; look for events to make room */
MUST_USE err_t gsup_client_recv(struct gsup_client *c, struct bytes octets, usec_t now); /* ERR_LIMIT_SIZE: beyond it */
bool gsup_client_event(struct gsup_client *c, usec_t now, struct gsup_client_event *out);
usec_t gsup_client_deadline(const struct gsup_client *c); /* USEC_NEVER: closed */

struct bytes gsup_client_unsent(const struct gsup_client *c);
void gsup_client_sent(struct gsup_client *c, size_t n);

#endif
