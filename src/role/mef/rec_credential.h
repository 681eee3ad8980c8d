/*
 * Bootstrap credential and bootstrap instruction of one Enrolee, stored under the folded KpmId or under the table key of
 * the certificate's identity (TABLE_MEF_CREDENTIAL): Kpm (R001-69, R001-70) or the Enrolee Certificate Name (R001-31,
 * R001-96, R001-101), Enrolment Target (R001-77, R001-102), Enrolee-ID (R001-78, R001-103) and Enrolment Expiry (R002-63).
 */
#ifndef KEYSTEAD_ROLE_MEF_REC_CREDENTIAL_H
#define KEYSTEAD_ROLE_MEF_REC_CREDENTIAL_H

#include "role/credential_args.h"
#include "role/rec.h"
#include "role/standing.h"

/* Type number of its Credential-ID [TS-0003 12.3.2]: this one for Kpm, else the flavour of a certificate. On disk. */
enum { REC_CREDENTIAL_KPM = 10 };

struct rec_credential {
    uint8_t kind;
    struct keyid id;         /* KpmId as the operator wrote it, or the name in the certificate */
    struct m2mid enrolee_id; /* empty: none assigned */
    struct m2mid target;     /* empty: no bootstrap instruction */
    enum credential_profile profile;
    uint8_t standing; /* role/standing.h */
    usec_t added;
    usec_t not_after; /* end of the instruction: no enrolment and no Ke beyond it */
    usec_t since; /* number of the last change of target or Enrolee-ID in the log: what came from it before is over; 0: none */
    struct text cfg; /* with the last reassignment: what the device gets as its configuration, a JSON object; view, or empty */
    struct bytes sealed; /* Kpm only; view into the record it was parsed from */
};

/* `kpm` may be NULL for a certificate. */
MUST_USE err_t rec_credential_write(const struct rec_credential *c, const struct rec_seal *kpm, struct writer *w);
MUST_USE err_t rec_credential_parse(struct bytes b, struct rec_credential *out);

/* ERR_NOT_FOUND. */
MUST_USE err_t rec_credential_get(struct txn *t, struct text folded, struct rec_credential *out);
MUST_USE err_t rec_credential_kpm(const struct rec_credential *c, const struct sealer *s, struct text folded,
                                  struct secret *kpm);

#endif
