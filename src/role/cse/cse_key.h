/* What this CSE can be associated with: pre-provisioned Kpsa and connection keys fetched from a MAF. */
#ifndef KEYSTEAD_ROLE_CSE_CSE_KEY_H
#define KEYSTEAD_ROLE_CSE_CSE_KEY_H

#include "role/cse/cse_ctx.h"

enum cse_key_kind { /* numbers are on disk */
    CSE_KEY_KPSA = 1, CSE_KEY_KC = 2
};

struct cse_key {
    enum cse_key_kind kind;
    bool revoked;           /* the key itself is gone then */
    struct keyid id;        /* as given; stored under its folded form */
    struct m2mid peer;      /* absolute AE-ID or CSE-ID, or empty: the Credential-ID alone [CHOICE-43] */
    char credential_id[ASSOCIATION_CREDENTIAL_MAX];
    struct m2mid source;    /* MAF it came from; empty for Kpsa */
    usec_t created, not_after;
    struct bytes sealed;
};

MUST_USE err_t cse_key_parse(struct bytes b, struct cse_key *out); /* ERR_MALFORMED_RECORD */
/* Seals `key` anew, or with NULL keeps k->sealed. */
MUST_USE err_t cse_key_write(const struct cse *cse, const struct cse_key *k, const struct secret *key,
                             struct writer *w);

/* By identifier in any case. ERR_NOT_FOUND. */
MUST_USE err_t cse_key_get(struct txn *t, struct text id, struct cse_key *out);
MUST_USE err_t cse_key_put(const struct cse *cse, struct txn *t, const struct cse_key *k, const struct secret *key,
                           enum store_put mode);
/* ERR_DENIED_REVOKED, ERR_DENIED_EXPIRED, or the key. */
MUST_USE err_t cse_key_open(const struct cse *cse, const struct cse_key *k, usec_t now, struct secret *out);

/* Is the credential of an association still one? ERR_DENIED_REVOKED. */
MUST_USE err_t cse_key_alive(struct txn *t, struct text id, char detail[static ROLE_DETAIL_MAX]);

const char *cse_key_kind_name(enum cse_key_kind k); /* "kpsa", "kc" */

#endif
