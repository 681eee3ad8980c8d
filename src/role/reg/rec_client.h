/*
 * Client Registration [TS-0003 8.8.2.3, 8.3.5.2.3] by resource identifier, and its index: one live registration per client
 * and administrating stakeholder. MAF and MEF have tables of their own for both.
 */
#ifndef KEYSTEAD_ROLE_REG_REC_CLIENT_H
#define KEYSTEAD_ROLE_REG_REC_CLIENT_H

#include "role/rec.h"

#define REC_CLIENT_RI_MAX 40
#define REC_CLIENT_NAME_MAX (KEYID_MAX + 4) /* an absolute identifier, an FQDN, or a Credential-ID */
#define REC_CLIENT_OF_MAX (REC_CLIENT_NAME_MAX + KEYID_MAX)
#define REC_CLIENT_CFG_MAX 2048

struct rec_client {
    char ri[REC_CLIENT_RI_MAX];
    char client[REC_CLIENT_NAME_MAX]; /* creator: the MAF Client ID or MEF Client ID */
    char adfq[KEYID_MAX];             /* adminFQDN */
    struct keyid credential;          /* identifier of the key it was made with; empty: a certificate */
    struct rec_list lbl;              /* views into the record or the request */
    usec_t created;
    usec_t not_after;
    struct text cfg; /* mafClientCfg or mefClientCfg, a JSON object as the operator gave it; empty: none */
};

MUST_USE err_t rec_client_write(const struct rec_client *c, struct writer *w);
MUST_USE err_t rec_client_parse(struct bytes b, struct rec_client *out);
MUST_USE err_t rec_client_get(struct txn *t, enum store_table table, struct text ri, struct rec_client *out);
MUST_USE err_t rec_client_put(struct txn *t, enum store_table table, const struct rec_client *c, enum store_put mode);

/* Id in the index: client "/" adminFQDN (which has no '/'); its record is the ri (rec_name_*). */
MUST_USE err_t rec_client_of_id(struct text client, struct text adfq, char out[static REC_CLIENT_OF_MAX]);

#endif
