/* Symmetric key registration [TS-0003 8.8.2.7, 8.3.5.2.7], stored under the folded RelativeKeyID, and the index of the keys of
 * a client registration. MAF and MEF have tables of their own for both. */
#ifndef KEYSTEAD_ROLE_REG_REC_KEY_H
#define KEYSTEAD_ROLE_REG_REC_KEY_H

#include "role/reg/rec_client.h"

#define REC_KEY_RELATIVE_MAX (2 * KEYS_RELATIVE_LEN + 1)
#define REC_KEY_OF_MAX (REC_CLIENT_RI_MAX + REC_KEY_RELATIVE_MAX)

struct rec_key {
    char relative[REC_KEY_RELATIVE_MAX]; /* RelativeKeyID, upper-case hex [CHOICE-14] */
    char parent[REC_CLIENT_RI_MAX];      /* ri of the registration it belongs to */
    char creator[REC_CLIENT_NAME_MAX];   /* Source Client ID */
    struct keyid credential;             /* KmId or KpmId of the Source; empty: a certificate */
    char adfq[KEYID_MAX];
    uint8_t suid;
    struct rec_list tgis;
    struct rec_list lbl;
    usec_t created;
    usec_t not_after;
    struct bytes sealed;
};

MUST_USE err_t rec_key_write(const struct rec_key *k, const struct rec_seal *kc, struct writer *w);
MUST_USE err_t rec_key_parse(struct bytes b, struct rec_key *out);
/* How a RelativeKeyID is stored: lower case. ERR_NOT_FOUND for what cannot be one. */
MUST_USE err_t rec_key_fold(struct text relative, char out[static REC_KEY_RELATIVE_MAX]);
MUST_USE err_t rec_key_get(struct txn *t, enum store_table table, struct text folded, struct rec_key *out);

/* Index: ri "/" folded RelativeKeyID -> when the key ends, for a pass that takes the dead away. */
MUST_USE err_t rec_key_of_id(struct text ri, struct text folded, char out[static REC_KEY_OF_MAX]);
MUST_USE err_t rec_key_of_write(usec_t not_after, struct writer *w);
MUST_USE err_t rec_key_of_parse(struct bytes b, usec_t *not_after);
/* Stages the removal of both. */
MUST_USE err_t rec_key_remove(struct txn *t, enum store_table table, enum store_table table_of, const struct rec_key *k);

#endif
