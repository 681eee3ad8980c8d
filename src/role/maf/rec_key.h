/* Symmetric key registration [TS-0003 8.8.2.7], stored under the folded RelativeKeyID (TABLE_MAF_KEY). */
#ifndef KEYSTEAD_ROLE_MAF_REC_KEY_H
#define KEYSTEAD_ROLE_MAF_REC_KEY_H

#include "role/maf/rec_client.h"

#define REC_KEY_RELATIVE_MAX (2 * KEYS_RELATIVE_LEN + 1)

struct rec_key {
    char relative[REC_KEY_RELATIVE_MAX]; /* RelativeKeyID, upper-case hex [CHOICE-14] */
    char parent[REC_CLIENT_RI_MAX];      /* ri of the registration it belongs to */
    char creator[REC_CLIENT_NAME_MAX];   /* Source MAF Client ID */
    struct keyid aski;                   /* KmId of the Source; empty: a certificate */
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
MUST_USE err_t rec_key_get(struct txn *t, struct text folded, struct rec_key *out); /* ERR_NOT_FOUND */
MUST_USE err_t rec_key_open(const struct rec_key *k, const struct sealer *s, struct text folded, struct key_kc *kc);

#endif
