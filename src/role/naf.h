/*
 * Enrolment Target as a network application function of GBA [TS 33.220 4.4.2, 4.5.3; TS-0003 8.3.3.1]: the question over Zn to the
 * BSF that a B-TID names, and its answer. The same for a MAF, whose Km the NAF key is, and a CSE, whose Kpsa (R001-131, R001-132).
 * JSON in the manner of Nbsp_GBA [TS 29.309]; docs/procedures/zn.md. The key depends on the cipher suite, so it is asked
 * for in each handshake and never served from the store.
 */
#ifndef KEYSTEAD_ROLE_NAF_H
#define KEYSTEAD_ROLE_NAF_H

#include "keys/keys_gba.h"
#include "role/hello.h"
#include "role/role.h"

#define NAF_BSFS_MAX 8
#define NAF_PATH "/nbsp-gba/v1/bootstrapping-info-retrieval"
#define NAF_HINT "3GPP-bootstrapping" /* psk_identity_hint [TS 24.109 F.3] */

struct naf {
    char fqdn[GBA_FQDN_MAX + 1];              /* of its NAF_Id: MAF-FQDN, public domain name of the CSE [8.3.2.3] */
    char bsfs[NAF_BSFS_MAX][GBA_FQDN_MAX + 1]; /* only configured BSFs are ever asked */
    size_t bsfs_n;
};

struct naf_key {
    struct secret key;       /* Ks_NAF, Ks_ext_NAF or Ks_int_NAF (R001-138 .. R001-140) */
    struct m2mid enrolee_id; /* empty: the BSF has none */
    struct keyid b_tid;      /* KmId or KpsaId (R001-141) */
    struct text bsf;         /* a view into b_tid */
    usec_t not_after;        /* R001-134 */
};
void naf_key_wipe(struct naf_key *k);

/* The [peer] sections of kind bsf. */
MUST_USE err_t naf_configure(struct naf *n, const struct conf *cf, struct text fqdn, char detail[static ROLE_DETAIL_MAX]);
/* In the arena of *t. ERR_DENIED_PEER: no such BSF is configured. */
MUST_USE err_t naf_question(const struct naf *n, const struct role_ua *ua, struct text origin, struct txn *t,
                            struct question *q);
bool naf_is_question(const struct question *q); /* one of these, of all that a role may have asked? */
/* Hostile until proven otherwise: ERR_PEER_NONSENSE, ERR_DENIED_FETCH, ERR_DENIED_EXPIRED. */
MUST_USE err_t naf_answer(const struct question *q, const struct answer *a, usec_t now, struct naf_key *out);
/* True for one in sixteen B-TIDs: then what has ended goes (expire.h). */
bool naf_is_due(struct text b_tid);

#endif
