/*
 * Enrolment Target as a network application function of GBA [TS 33.220 4.4.2, 4.5.3; TS-0003 8.3.3.1]: the question over Zn to the
 * BSF that a B-TID names, and its answer. The same for a MAF, whose Km the NAF key is, and a CSE, whose Kpsa (R001-131, R001-132).
 * In the form that is configured for it (role/zn.h); docs/procedures/zn.md. The key depends on the cipher suite, so it is asked
 * for in each handshake and never served from the store.
 */
#ifndef KEYSTEAD_ROLE_NAF_H
#define KEYSTEAD_ROLE_NAF_H

#include "keys/keys_gba.h"
#include "role/hello.h"
#include "role/role.h"
#include "role/zn.h"

#define NAF_BSFS_MAX 8
#define NAF_HINT "3GPP-bootstrapping" /* psk_identity_hint [TS 24.109 F.3] */

struct naf_bsf {
    char fqdn[GBA_FQDN_MAX + 1];
    const struct zn_form *form;
    char path[256];
    uint32_t gsid;     /* whose USS are asked for (R001-135) */
    bool uss_required; /* and without them nobody is let in */
};

struct naf {
    char fqdn[GBA_FQDN_MAX + 1];       /* of its NAF_Id: MAF-FQDN, public domain name of the CSE [8.3.2.3] */
    struct naf_bsf bsfs[NAF_BSFS_MAX]; /* only configured BSFs are ever asked */
    size_t bsfs_n;
};

struct naf_key {
    struct secret key;       /* Ks_NAF, Ks_ext_NAF or Ks_int_NAF (R001-138 .. R001-140) */
    struct m2mid enrolee_id; /* of the BSF, else of its USS; empty: neither has one */
    struct keyid b_tid;      /* KmId or KpsaId (R001-141) */
    struct text bsf;         /* a view into b_tid */
    usec_t not_after;        /* R001-134 */
    char uss[USS_MAX][USS_TEXT_MAX]; /* lines of wire/uss.h (R001-135) */
    size_t uss_n;
};
void naf_key_wipe(struct naf_key *k);

/* The [peer] sections of kind bsf. */
MUST_USE err_t naf_configure(struct naf *n, const struct conf *cf, struct text fqdn, char detail[static ROLE_DETAIL_MAX]);
/* In the arena of *t. ERR_DENIED_PEER: no such BSF is configured. */
MUST_USE err_t naf_question(const struct naf *n, const struct role_ua *ua, struct text origin, struct txn *t,
                            struct question *q);
bool naf_is_question(const struct question *q); /* one of these, of all that a role may have asked? */
/* Hostile until proven otherwise: ERR_PEER_NONSENSE, ERR_DENIED_FETCH, ERR_DENIED_B_TID, ERR_DENIED_EXPIRED, ERR_DENIED_USS;
 * ERR_DENIED_PEER: the BSF is not configured any more. */
MUST_USE err_t naf_answer(const struct naf *n, const struct question *q, const struct answer *a, usec_t now, struct naf_key *out);
/* True for one in sixteen B-TIDs: then what has ended goes (expire.h). */
bool naf_is_due(struct text b_tid);

#endif
