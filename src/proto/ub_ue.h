/*
 * Ub, the side of the device [TS 33.220 4.5.2, TS 24.109 4, RFC 3310, RFC 4169]: what it sends, what it asks its card, and what
 * has to be true before it believes that it shares Ks with the BSF. Sans-IO; ub.h is the other side.
 *
 *     ub_ue_start(&ue, &conf);
 *     do {
 *         ub_ue_request(&ue, &authorization);    GET / with it
 *         ub_ue_reply(&ue, &reply);              what came
 *         if (ue.step == UB_UE_CARD) { ... card, with ue.rand and ue.autn ... ub_ue_card(&ue, e, &answer); }
 *     } while (ue.step != UB_UE_DONE);           ue.b_tid, ue.not_after, ue.ks
 */
#ifndef KEYSTEAD_PROTO_UB_UE_H
#define KEYSTEAD_PROTO_UB_UE_H

#include "aka/aka_card.h"
#include "wire/aka_nonce.h"
#include "wire/bsf_info.h"
#include "wire/digest.h"

#define UB_UE_OPAQUE_MAX 256
#define UB_UE_CNONCE_LEN 16 /* octets */
#define UB_UE_LIFE_MAX (INT64_C(10) * 366 * 86400 * USEC_PER_SEC) /* no Ks is meant to outlive a device */

struct ub_ue_conf {
    const struct crypto *crypto;
    struct text impi;
    struct text tmpi; /* of the Ks before; empty: none. If the BSF has forgotten it, the IMPI follows [TS 33.220 B.4] */
    struct text bsf;  /* FQDN, the realm that must be shown */
    bool card_keeps_ks; /* GBA_U: CK and IK never come out of the card */
};

enum ub_ue_step { UB_UE_OPEN, UB_UE_ANSWER, UB_UE_RESYNC, UB_UE_CARD, UB_UE_DONE, UB_UE_FAILED };

struct ub_ue {
    struct ub_ue_conf conf;
    enum ub_ue_step step;
    bool waiting;   /* a request is out */
    bool by_impi, resynced;
    unsigned stale; /* how often it was told so */
    /* the challenge */
    char realm[GBA_FQDN_MAX + 1];
    char nonce[AKA_NONCE_TEXT_MAX + 1];
    char opaque[UB_UE_OPAQUE_MAX];
    char cnonce[2 * UB_UE_CNONCE_LEN + 1];
    char auts[BASE64_LEN(AKA_NONCE_AUTS) + 1];
    enum digest_algorithm algorithm;
    struct aka_rand rand; /* for the card */
    struct aka_autn autn;
    struct key_ha1 h_a1;
    /* what it ends with */
    struct key_ks candidate; /* not believed before rspauth is */
    struct key_ks ks;        /* GBA_ME; with GBA_U it is in the card */
    struct b_tid b_tid;
    usec_t not_after;
};

struct ub_ue_reply {
    unsigned status;
    struct text challenge, info; /* WWW-Authenticate, Authentication-Info; or empty */
    struct bytes body;
    usec_t now;
};

void ub_ue_start(struct ub_ue *u, const struct ub_ue_conf *conf);
void ub_ue_wipe(struct ub_ue *u);

/* The value of Authorization; ERR_BUG out of turn. */
MUST_USE err_t ub_ue_request(struct ub_ue *u, struct writer *authorization);

/*
 * After an error the run is over. ERR_PEER_REFUSED: a status that is no challenge and no success, the body may say more.
 * ERR_DENIED_REALM, ERR_DENIED_STALE, ERR_DENIED_DIGEST, ERR_DENIED_UB_WEAK: about a challenge. ERR_DENIED_RSPAUTH, ERR_DENIED_B_TID_FOREIGN,
 * ERR_DENIED_KS_LIFETIME: about a success. And the errors of digest_parse(), aka_nonce_parse(), bsf_info_parse().
 */
MUST_USE err_t ub_ue_reply(struct ub_ue *u, const struct ub_ue_reply *r);

/* What the card said: ERR_OK with its answer, ERR_SQN_RANGE with AUTS (the next request resynchronises, once), or the end. */
MUST_USE err_t ub_ue_card(struct ub_ue *u, err_t outcome, const struct aka_answer *answer);

#endif
