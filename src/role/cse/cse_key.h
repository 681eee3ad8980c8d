/*
 * What this CSE can be associated with: pre-provisioned Kpsa, connection keys fetched from a MAF, and the identities of
 * certificates with what the operator says they stand for (6.0.3, 2a and 2d).
 */
#ifndef KEYSTEAD_ROLE_CSE_CSE_KEY_H
#define KEYSTEAD_ROLE_CSE_CSE_KEY_H

#include "role/cse/cse_ctx.h"
#include "role/standing.h"
#include "wire/uss.h"

enum cse_key_kind { /* numbers are on disk */
    CSE_KEY_KPSA = 1, CSE_KEY_KC = 2, CSE_KEY_CERT = 3, CSE_KEY_ESPRIM = 4 /* pairwiseESPrimKey: for objects, never for a handshake */
};

struct cse_key {
    enum cse_key_kind kind;
    uint8_t standing;       /* role/standing.h; of a revoked one the key itself is gone */
    struct keyid id;        /* as given; stored under its folded form. Of a certificate: its table key */
    struct m2mid peers[ASSOCIATION_IDS_MAX]; /* one absolute CSE-ID or AE-ID; of a certificate several AE-IDs */
    size_t peers_n;                          /* 0: the Credential-ID alone [CHOICE-43] */
    char credential_id[ASSOCIATION_CREDENTIAL_MAX];
    struct m2mid source;    /* MAF or MEF it came from; empty for a pre-provisioned Kpsa */
    usec_t created, not_after;
    char uss[USS_MAX][USS_TEXT_MAX]; /* of a BSF: lines of wire/uss.h (R001-135) */
    size_t uss_n;
    struct bytes sealed;    /* not of a certificate */
};

MUST_USE err_t cse_key_parse(struct bytes b, struct cse_key *out); /* ERR_MALFORMED_RECORD */
/* Seals `key` anew, or with NULL keeps k->sealed. */
MUST_USE err_t cse_key_write(const struct cse *cse, const struct cse_key *k, const struct secret *key,
                             struct writer *w);

/* By identifier in any case. ERR_NOT_FOUND. */
MUST_USE err_t cse_key_get(struct txn *t, struct text id, struct cse_key *out);
MUST_USE err_t cse_key_put(const struct cse *cse, struct txn *t, const struct cse_key *k, const struct secret *key,
                           enum store_put mode);
/* Its standing has changed: stored so, a revoked one without its key, and workers are to look. */
MUST_USE err_t cse_key_stand(const struct cse *cse, struct txn *t, struct cse_key *k, usec_t now);
/* May it be used now? ERR_DENIED_REVOKED, ERR_DENIED_EXPIRED. */
MUST_USE err_t cse_key_check(const struct cse_key *k, usec_t now);
/* The same, and the key of a handshake. ERR_DENIED_PSK_UNKNOWN: one for objects, or a certificate's identity, is no
 * psk_identity; _take: the key of any kind that has one. */
MUST_USE err_t cse_key_open(const struct cse *cse, const struct cse_key *k, usec_t now, struct secret *out);
MUST_USE err_t cse_key_take(const struct cse *cse, const struct cse_key *k, usec_t now, struct secret *out);

/* Is the credential of an association still one? A certificate needs no record, but for a pinned key.
 * ERR_DENIED_REVOKED. */
MUST_USE err_t cse_key_alive(struct txn *t, const struct association *a, char detail[static ROLE_DETAIL_MAX]);

bool cse_key_is_over(struct bytes record, usec_t now); /* may it go? An expire_fn */

/* What it stands for: peer, identities and Credential-ID of *a. */
MUST_USE err_t cse_key_bind(const struct cse_key *k, struct association *a);

const char *cse_key_kind_name(enum cse_key_kind k); /* "kpsa", "kc", "cert", "esprim" */

#endif
