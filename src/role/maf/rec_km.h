/*
 * A Master Credential, stored under every folded identifier that names it: KmId and, if it came from a MEF, KeId
 * (TABLE_MAF_KM, R001-45, R001-57). Each copy holds both names, so that what is done to one is done to both.
 */
#ifndef KEYSTEAD_ROLE_MAF_REC_KM_H
#define KEYSTEAD_ROLE_MAF_REC_KM_H

#include "role/credential_args.h"
#include "role/rec.h"
#include "role/standing.h"
#include "wire/uss.h"

struct rec_km {
    struct keyid km_id;      /* empty until the MAF has assigned one (r3); equal to ke_id (seed, R001-60) */
    struct keyid ke_id;      /* empty: pre-provisioned */
    struct m2mid enrolee_id; /* empty: not known, see no_enrolee */
    bool no_enrolee;         /* there is none: the MEF, or the operator, gave none */
    uint8_t standing; /* role/standing.h; a revoked one has no key any more, and stays so that it never comes back */
    enum credential_profile profile; /* of the MEF it came from */
    usec_t stored;
    usec_t not_after;
    char uss[USS_MAX][USS_TEXT_MAX]; /* of a BSF: lines of wire/uss.h (R001-135) */
    size_t uss_n;
    struct bytes sealed; /* empty: Km is not held */
};

MUST_USE err_t rec_km_write(const struct rec_km *k, const struct rec_seal *km, struct writer *w);
MUST_USE err_t rec_km_parse(struct bytes b, struct rec_km *out);
MUST_USE err_t rec_km_get(struct txn *t, struct text folded, struct rec_km *out); /* ERR_NOT_FOUND */
MUST_USE err_t rec_km_key(const struct rec_km *k, const struct sealer *s, struct text folded, struct key_km *km);

/* Both Km and the Enrolee's identity, or the certainty that it has none: one of the two counts as nothing (R001-46). */
bool rec_km_is_held(const struct rec_km *k);

/* KmId if assigned, else KeId: what a Credential-ID 11-... carries. */
struct text rec_km_name(const struct rec_km *k);

/* Stages the record under both names; without km it has no key. */
MUST_USE err_t rec_km_put(struct txn *t, const struct rec_km *k, const struct sealer *s, const struct key_km *km);
/* The same with the key that it has under `folded`, which a revoked one loses. */
MUST_USE err_t rec_km_stand(struct txn *t, const struct rec_km *k, const struct sealer *s, struct text folded);
MUST_USE err_t rec_km_remove(struct txn *t, const struct rec_km *k); /* the same for its removal */

#endif
