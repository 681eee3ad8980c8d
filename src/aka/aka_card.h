/*
 * The card's side: a USIM or ISIM in software, and the interface that a reader with a real card fills too [TS 33.102 6.3.3,
 * TS 31.102 7.1, TS 33.220 5.3]. A card answers with RES or with AUTS; what may not leave it has no function that returns it.
 */
#ifndef KEYSTEAD_AKA_AKA_CARD_H
#define KEYSTEAD_AKA_AKA_CARD_H

#include "aka/aka_sqn.h"

#define AKA_CARD_NAFS 4 /* NAFs whose Ks_int_NAF a card keeps; the one used longest ago makes room [TS 33.220 G.2] */

struct aka_card_naf {
    struct naf_id id;
    struct key_ks_int_naf key;
    uint64_t used; /* order of use, 0: free */
};

struct aka_card {
    struct aka_keys keys;
    struct aka_window window; /* durable before an answer leaves */
    struct key_ks ks;         /* of the last GBA_U bootstrap; not set: none */
    struct aka_rand rand;     /* names it */
    struct aka_card_naf nafs[AKA_CARD_NAFS];
    uint64_t uses;
};

struct aka_answer {
    struct key_res res;
    struct key_ck ck; /* not after aka_card_bootstrap() */
    struct key_ik ik;
    struct aka_auts auts; /* after ERR_SQN_RANGE, and then alone */
};
void aka_card_answer_wipe(struct aka_answer *a);

MUST_USE err_t aka_card_init(struct aka_card *card, const struct aka_keys *keys); /* ERR_MALFORMED_KEY */
void aka_card_wipe(struct aka_card *card);

/* 3G context, for GBA_ME. ERR_DENIED_AUTN: wrong MAC, no answer; ERR_SQN_RANGE: AUTS. Only success moves the window. */
MUST_USE err_t aka_card_authenticate(const struct crypto *c, struct aka_card *card, const struct aka_rand *rand,
                                     const struct aka_autn *autn, struct aka_answer *out);

/* GBA context, bootstrapping: AUTN* in, RES out; Ks stays here. A failure leaves the former Ks [TS 33.220 5.3.2, G.1]. */
MUST_USE err_t aka_card_bootstrap(const struct crypto *c, struct aka_card *card, const struct aka_rand *rand,
                                  const struct aka_autn *autn_star, struct aka_answer *out);

/* GBA context, NAF derivation: Ks_ext_NAF out; Ks_int_NAF stays here. ERR_STATE without a bootstrap [G.2]. */
MUST_USE err_t aka_card_derive(const struct crypto *c, struct aka_card *card, struct text impi,
                               const struct naf_id *id, struct key_ks_ext_naf *out);

/* Uses Ks_int_NAF: the response of HTTP Digest on Ua for a client in the card. ERR_STATE: not derived, or not kept. */
struct aka_card_ua {
    const struct naf_id *id;
    struct text username, realm;
    struct keys_digest digest;
};
MUST_USE err_t aka_card_int_response(const struct crypto *c, struct aka_card *card, const struct aka_card_ua *ua,
                                     char out[KEYS_DIGEST_CAP]);

/*
 * Uses Ks_int_NAF: master secret of TLS 1.2 with a pre-shared key and SHA-256 for a TLS client that has its other parts outside the
 * card (RFC 4279 2, RFC 5246 8.1, RFC 7627 4). AKA_CARD_MASTER_LEN octets, of these two labels alone: what comes out is of
 * one session, and no more of the key can be learned from it. ERR_STATE as above; ERR_DENIED_GBA_VARIANT: another label.
 */
#define AKA_CARD_MASTER_LEN 48
struct aka_card_prf {
    struct bytes label; /* "master secret" or "extended master secret" */
    struct bytes seed;
};
MUST_USE err_t aka_card_int_master(const struct crypto *c, struct aka_card *card, const struct naf_id *id,
                                   const struct aka_card_prf *prf, uint8_t out[AKA_CARD_MASTER_LEN]);

/* AUTS for this SQN_MS, without a window: test vectors, `keystead derive`. A card gives it by itself. */
MUST_USE err_t aka_card_auts(const struct crypto *c, const struct aka_keys *k, const struct aka_rand *rand,
                             uint64_t sqn_ms, struct aka_auts *out);

#endif
