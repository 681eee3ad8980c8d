/*
 * Bootstrap credential and bootstrap instruction of one Enrolee, stored under the folded KpmId (TABLE_MEF_CREDENTIAL):
 * Kpm (R001-69, R001-70), Enrolment Target (R001-77), Enrolee-ID (R001-78) and Enrolment Expiry (R002-63).
 */
#ifndef KEYSTEAD_ROLE_MEF_REC_CREDENTIAL_H
#define KEYSTEAD_ROLE_MEF_REC_CREDENTIAL_H

#include "role/credential_args.h"
#include "role/rec.h"

struct rec_credential {
    struct keyid kpm_id;     /* as the operator wrote it */
    struct m2mid enrolee_id; /* empty: none assigned */
    struct m2mid target;     /* empty: no bootstrap instruction */
    enum credential_profile profile;
    bool revoked;
    usec_t added;
    usec_t not_after; /* end of the instruction: no enrolment and no Ke beyond it */
    struct bytes sealed; /* view into the record it was parsed from */
};

MUST_USE err_t rec_credential_write(const struct rec_credential *c, const struct rec_seal *kpm, struct writer *w);
MUST_USE err_t rec_credential_parse(struct bytes b, struct rec_credential *out);

/* ERR_NOT_FOUND. */
MUST_USE err_t rec_credential_get(struct txn *t, struct text folded, struct rec_credential *out);
MUST_USE err_t rec_credential_kpm(const struct rec_credential *c, const struct sealer *s, struct text folded,
                                  struct secret *kpm);

#endif
