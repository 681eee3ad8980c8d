/*
 * One Enrolment Key, stored under its folded KeId (TABLE_MEF_KE), with what the Enrolment Target is to be told
 * (R001-79), and the index of a credential's live Enrolment Keys, oldest first (TABLE_MEF_KE_OF).
 */
#ifndef KEYSTEAD_ROLE_MEF_REC_KE_H
#define KEYSTEAD_ROLE_MEF_REC_KE_H

#include "role/credential_args.h"
#include "role/rec.h"

#define REC_KE_OF_ID_MAX (KEYID_MAX + 20)

struct rec_ke {
    struct keyid ke_id;
    struct keyid credential; /* table key of the credential it came from */
    struct m2mid enrolee_id;
    struct m2mid target;
    enum credential_profile profile;
    usec_t issued;
    usec_t not_after; /* Enrolment Expiry [TS-0003 10.7] */
    bool released;    /* a key was derived from it and handed out */
    struct bytes sealed;
};

MUST_USE err_t rec_ke_write(const struct rec_ke *k, const struct rec_seal *ke, struct writer *w);
MUST_USE err_t rec_ke_parse(struct bytes b, struct rec_ke *out);
MUST_USE err_t rec_ke_get(struct txn *t, struct text folded, struct rec_ke *out); /* ERR_NOT_FOUND */
MUST_USE err_t rec_ke_key(const struct rec_ke *k, const struct sealer *s, struct text folded, struct key_ke *ke);

/* Index: table key of the credential "/" 16 hexadecimal digits of a rising number -> folded KeId. */
MUST_USE err_t rec_ke_of_id(const struct keyid *credential, uint64_t number, char out[static REC_KE_OF_ID_MAX]);
MUST_USE err_t rec_ke_of_write(const struct keyid *ke_id, struct writer *w);
MUST_USE err_t rec_ke_of_parse(struct bytes b, struct keyid *ke_id);
/* The number in an index id; ERR_MALFORMED_RECORD. */
MUST_USE err_t rec_ke_of_number(struct bytes id, uint64_t *out);

#endif
