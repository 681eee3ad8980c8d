/*
 * ESPrim: one primitive protected from its Originator to its Receiver, whatever carries it [TS-0003 8.4; TS-0004 7.6.2].
 * Two engines without I/O. Time and keys come as parameters; a key that is not held is the caller's question:
 *
 *   originator   seal(request) -> object -> NOTIFY -> object -> open(response)      ERR_ESPRIM_RECEIVER: ask for the
 *                receiver's random object first; refused() says what a status in the outer response means
 *   receiver     peek(object) gives the kid; find that key, at a MAF if need be; open(object, key or NULL) -> request;
 *                seal(response)
 *
 * A session is the pair of two random objects under one pairwiseESPrimKey. Order of requests is free; each object is
 * taken once; a session takes ESPRIM_SESSION_REQUESTS objects, so that what was seen fits in fixed memory.
 */
#ifndef KEYSTEAD_PROTO_ESPRIM_H
#define KEYSTEAD_PROTO_ESPRIM_H

#include "keys/keys.h"
#include "wire/esprim.h"

#define ESPRIM_SESSION_REQUESTS 256
#define ESPRIM_REFRESH_REQUESTS 192 /* after these the originator starts a new session by itself */
#define ESPRIM_OFFERS_MAX 8
#define ESPRIM_SESSIONS_PER_KEY 8

struct esprim_policy {
    uint8_t algs[ESPRIM_LIST_MAX]; /* in order of preference: 12, 11, 10 */
    uint8_t algs_n;
    usec_t lifetime; /* of random objects made here */
};

/* pairwiseESPrimKey: of SUID 13, 23, 33 or 43, bound to the identity of the other end [8.4.2, CHOICE-21]. */
struct esprim_key {
    char id[ESPRIM_KID_MAX];
    struct key_esprim_pairwise k;
    unsigned suid;
    char peer[ESPRIM_FROM_MAX];
    usec_t not_after;
};
void esprim_box_key_wipe(struct esprim_key *k);

/* -- receiver ------------------------------------------------------------------------------------------------ */
struct esprim_session {
    char kid[ESPRIM_KID_MAX];
    struct esprim_rand originator;
    usec_t forget_at; /* until then its objects could be sent again; 0: free */
    uint16_t seen_n;
    uint64_t seen[ESPRIM_SESSION_REQUESTS]; /* the beginnings of tags */
};
struct esprim_offer {
    struct esprim_rand r;
    bool shared;
    char kid[ESPRIM_KID_MAX]; /* who uses one that is not shared; empty: nobody yet */
};
struct esprim_receiver {
    const struct crypto *c;
    struct esprim_policy policy;
    struct esprim_offer offers[ESPRIM_OFFERS_MAX]; /* the first is the shared one, the second the one before */
    struct esprim_session *sessions;
    size_t sessions_n;
};
/* One request that was taken, to answer it under the same key. Wipe it. */
struct esprim_exchange {
    struct esprim_header h;
    struct key_esprim_session key;
    struct esprim_inner inner;
    size_t offer;
};

void esprim_receiver_init(struct esprim_receiver *r, const struct crypto *c, const struct esprim_policy *policy,
                          struct esprim_session *sessions, size_t sessions_n);
/* For e2eSecInfo (shared), or the answer to securityInfo type 3: the shared one if there is no room for another. */
MUST_USE err_t esprim_receiver_offer(struct esprim_receiver *r, bool shared, usec_t now, struct esprim_rand *out);
/* Parses, and refuses what no key could change: ERR_OBJECT_MALFORMED, ERR_ESPRIM_OPTION. */
MUST_USE err_t esprim_receiver_peek(const struct esprim_receiver *r, struct text jwe, usec_t now,
                                    struct esprim_object *out);
/* ERR_ESPRIM_* in the order of TS-0004 table 7.6.2-1, ERR_LIMIT_BUSY. After an error nothing is in *plain. */
MUST_USE err_t esprim_receiver_open(struct esprim_receiver *r, const struct esprim_object *o, const struct esprim_key *k,
                                    usec_t now, struct esprim_exchange *x, struct writer *plain);
MUST_USE err_t esprim_receiver_seal(struct esprim_receiver *r, const struct esprim_exchange *x, struct bytes response,
                                    usec_t now, struct writer *out); /* ERR_ESPRIM_ENCRYPT */
/* The key of an exchange whose end point was not running meanwhile. ERR_STATE: there is none, or its session is gone. */
MUST_USE err_t esprim_receiver_resume(const struct esprim_receiver *r, const struct esprim_key *k,
                                      struct esprim_exchange *x);
void esprim_receiver_exchange_wipe(struct esprim_exchange *x);

/* -- originator ---------------------------------------------------------------------------------------------- */
struct esprim_originator {
    const struct crypto *c;
    struct esprim_policy policy;
    struct esprim_key key;             /* wiped by esprim_originator_wipe */
    char from[ESPRIM_FROM_MAX];        /* who we are */
    struct esprim_rand own[2];         /* the one in use, the one before; an empty id: none */
    struct esprim_rand receiver[2];
    unsigned sent;                     /* with own[0] */
    bool confirmed;                    /* the receiver holds own[0]: an answer under it came */
    bool retried;                      /* a refusal was acted on since the last good answer: they are not authentic */
};
enum esprim_next { ESPRIM_GIVE_UP, ESPRIM_SEND_AGAIN, ESPRIM_ASK_RECEIVER };

void esprim_originator_init(struct esprim_originator *o, const struct crypto *c, const struct esprim_policy *policy,
                            const struct esprim_key *key, const char *from);
void esprim_originator_wipe(struct esprim_originator *o);
/* The receiver's random object in JSON, from e2eSecInfo or securityInfo type 4. */
MUST_USE err_t esprim_originator_receiver(struct esprim_originator *o, struct text json, usec_t now);
/* ERR_ESPRIM_RECEIVER, ERR_ESPRIM_KEY, ERR_ESPRIM_OPTION, ERR_ESPRIM_FROM, ERR_ESPRIM_DECRYPT (no request). */
MUST_USE err_t esprim_originator_seal(struct esprim_originator *o, struct bytes request, usec_t now, struct writer *out);
/* ERR_ESPRIM_RESPONSE: not an answer to the request `rqi`. After an error nothing is in *plain. */
MUST_USE err_t esprim_originator_open(struct esprim_originator *o, struct text jwe, struct text rqi, usec_t now,
                                      struct writer *plain);
enum esprim_next esprim_originator_refused(struct esprim_originator *o, uint16_t rsc);

/* -- what both use (esprim_box.c) ------------------------------------------------------------------------------ */
struct esprim_pair { /* the two random objects of a session */
    const struct esprim_rand *receiver, *originator;
};
MUST_USE err_t esprim_box_key_check(const struct esprim_key *k, usec_t now);
bool esprim_box_has(const uint8_t *list, size_t n, unsigned id);
MUST_USE err_t esprim_box_rand(const struct crypto *c, const struct esprim_policy *p, const char *prefix, usec_t expiry,
                               struct esprim_rand *out);
MUST_USE err_t esprim_box_derive(const struct crypto *c, const struct esprim_key *k, const struct esprim_pair *pair,
                                 struct key_esprim_session *out);
MUST_USE err_t esprim_box_seal(const struct crypto *c, const struct key_esprim_session *k, const struct esprim_header *h,
                               struct bytes plain, struct writer *out);
MUST_USE err_t esprim_box_open(const struct crypto *c, const struct key_esprim_session *k, const struct esprim_object *o,
                               struct writer *plain);

#endif
