/*
 * Ua with HTTP Digest [TS 33.222 5.3, TS 24.109 5.2, RFC 7616; R000-74]: what a NAF challenges with, and whether a request was made by who has
 * the NAF key behind its B-TID. Sans-IO and without state: a nonce is signed for the session it was made for, so that a stranger costs
 * no memory; the caller keeps one struct ua_count a session of who has proved himself.
 */
#ifndef KEYSTEAD_PROTO_UA_H
#define KEYSTEAD_PROTO_UA_H

#include "keys/keys_gba.h"
#include "wire/digest.h"

#define UA_REALM "3GPP-bootstrapping@"           /* and the FQDN of the NAF: Ks_NAF or Ks_ext_NAF */
#define UA_REALM_UICC "3GPP-bootstrapping-uicc@" /* Ks_int_NAF, which stays in the card */
#define UA_AGENT_UICC "3gpp-gba-uicc"            /* in User-Agent: it can have that one [TS 24.109] */
#define UA_NONCE_LIFETIME (300 * USEC_PER_SEC)
#define UA_NONCE_MAX 40
#define UA_CNONCE_MAX 256
#define UA_SECRET_LEN 32

struct ua_naf {
    const struct crypto *crypto;
    struct text fqdn;
    struct bytes secret;  /* signs nonces; of this process */
    struct text session;  /* of this connection: a nonce is good in no other */
};

/* What the request says of itself, beside its Authorization. */
struct ua_message {
    struct text method, uri; /* as sent */
    struct bytes body;       /* counts for auth-int */
};

struct ua_request {
    struct digest d; /* views into the header, or into the scratch */
    struct text b_tid;
    bool of_card;    /* by its realm: Ks_int_NAF is meant */
    bool integrity;
    enum crypto_hash hash;
    usec_t made;     /* the nonce */
    uint32_t nc;
};

/* The last count that was taken, and of which nonce. */
struct ua_count {
    usec_t made;
    uint32_t nc;
};

/* ERR_MALFORMED_DIGEST, ERR_NOT_IMPLEMENTED (algorithm), ERR_UA_REALM, ERR_UA_STALE; scratch as for digest_parse(). */
MUST_USE err_t ua_read(const struct ua_naf *n, struct text authorization, usec_t now, struct writer *scratch, struct ua_request *out);

/* Was it made with this NAF key, for this request? And not before: ERR_DENIED_DIGEST, ERR_UA_REPLAYED. Sets *last if all is well. */
MUST_USE err_t ua_check(const struct ua_naf *n, const struct ua_request *rq, const struct ua_message *m, const struct secret *naf_key,
                        struct ua_count *last);

/* What the answer to a request that was proved is proved with, as long as that is on its way; wiped with ua_proof_wipe(). */
struct ua_proof {
    struct key_ha1 ha1;
    enum crypto_hash hash;
    bool integrity;
    usec_t made; /* the nonce */
    char nonce[UA_NONCE_MAX], nc[9], cnonce[UA_CNONCE_MAX], uri[DIGEST_TEXT_MAX];
};
MUST_USE err_t ua_proof_make(const struct ua_naf *n, const struct ua_request *rq, const struct secret *naf_key, struct ua_proof *out);
void ua_proof_wipe(struct ua_proof *p);

/* Authentication-Info [RFC 7616 3.5]: rspauth, over the body with auth-int; nextnonce when the nonce has seen half of its life. */
MUST_USE err_t ua_answer(const struct ua_naf *n, const struct ua_proof *p, struct bytes body, usec_t now, struct writer *w);

/* WWW-Authenticate. `stale`: the nonce was not good any more, nothing else is said about the request. */
MUST_USE err_t ua_challenge(const struct ua_naf *n, bool of_card, bool stale, usec_t now, struct writer *w);

#endif
