/* What the files of the BSF share: its configured context and the handlers that its tables in bsf.c name. */
#ifndef KEYSTEAD_ROLE_BSF_BSF_CTX_H
#define KEYSTEAD_ROLE_BSF_BSF_CTX_H

#include "role/bsf/bsf.h"
#include "role/bsf/rec_bsf.h"
#include "wire/digest.h"

#define BSF_KS_LIFETIME_MAX (INT64_C(3650) * 86400 * USEC_PER_SEC) /* a device takes none that is longer than ten years */

#define BSF_TMPI_DOMAIN "@tmpi.bsf.3gppnetwork.org"

struct bsf {
    struct role_env env;
    char fqdn[GBA_FQDN_MAX + 1]; /* in lower case */
    enum digest_algorithm algorithm;
    usec_t nonce_lifetime;
    usec_t ks_lifetime;
    uint8_t challenges; /* for one IMPI in a minute */
    size_t max_live_ks; /* of one IMPI */
    struct key_rand rand_key;
    bool zh;            /* who is not a subscriber here may be one of an HLR or HSS */
};

/* bsf_explain.c */
struct explain;
MUST_USE err_t bsf_explain(const void *ctx, struct txn *t, struct explain *x);

/* bsf_ub.c */
role_handler bsf_ub;

/* bsf_zh.c: subscribers of an HLR or HSS (R001-115). A stranger, as far as is known here: neither keys nor settings. */
MUST_USE err_t bsf_zh_stranger(const struct impi *impi, usec_t now, struct rec_subscriber *out);
/* ERR_DENIED_IMPI: there are settings for this SIM under its other name (impi_other_mnc()), and an HLR knows digits only: nobody gets
 * round what an operator forbids by another spelling (R001-123, R001-124). */
MUST_USE err_t bsf_zh_check_name(struct txn *t, struct text impi);
/* The answer to a question: the vector as the card wants it, and the settings that came with it. ERR_ZH_*, ERR_DENIED_IMPI,
 * ERR_DENIED_AUTS; ERR_ZH_NONSENSE too if this RAND names a Ks. */
MUST_USE err_t bsf_zh_take(const struct bsf *b, struct txn *t, const struct vector_answer *a, struct rec_subscriber *s,
                           struct aka_vector *out);

/* bsf_zn.c */
role_handler bsf_zn; /* in the form that its path stands for */
MUST_USE err_t bsf_zn_cert(const void *ctx, struct txn *t, const struct role_cert *cert, usec_t now,
                           struct association *out);

/* bsf_ctl.c */
ctl_handler bsf_ctl_add, bsf_ctl_list, bsf_ctl_show, bsf_ctl_remove;
enum { BSF_CTL_ADD_N = 10, BSF_CTL_ONE_N = 1 };
/* What `add` does with its arguments; everything is checked before anything is staged. */
MUST_USE err_t bsf_ctl_put(const struct bsf *b, const struct ctl_request *rq, struct txn *t, struct rec_subscriber *s,
                           char detail[static ROLE_DETAIL_MAX]);
/* bsf_import.c */
ctl_handler bsf_import;
enum { BSF_IMPORT_N = 1 };
extern const struct ctl_arg bsf_import_args[BSF_IMPORT_N];
extern const struct ctl_arg bsf_ctl_add_args[BSF_CTL_ADD_N], bsf_ctl_one_args[BSF_CTL_ONE_N];

/* bsf_ks.c: where Ks is found. ERR_NOT_FOUND: there is none of this name. */
MUST_USE err_t bsf_ks_get(const struct bsf *b, struct txn *t, struct text b_tid, struct rec_ks *out);
/* The IMPI that an index leads to: of a number, a RAND, a TMPI. ERR_NOT_FOUND, ERR_MALFORMED_RECORD. */
MUST_USE err_t bsf_ks_whose(struct txn *t, enum store_table table, struct text id, struct impi *out);
/* The record of s->live[i] goes, and what leads to it. */
MUST_USE err_t bsf_ks_drop(struct txn *t, struct text impi, struct rec_bsf_state *s, size_t i);
/* The number of the subscriber in its RANDs, drawn at its first challenge; *s is to be saved if it was. */
MUST_USE err_t bsf_ks_number(const struct bsf *b, struct txn *t, struct text impi, struct rec_bsf_state *s);

/* bsf_naf.c: what a NAF that owns the FQDN in its NAF_Id is given of the Ks behind a B-TID (Zn; R001-122, R001-133, R001-134). */
struct bsf_naf {
    struct rec_ks ks;            /* whose it is, GBA_ME or GBA_U, its end */
    struct key_ks_naf me;        /* GBA_ME: Ks_NAF (R001-136) */
    struct key_ks_ext_naf ext;   /* GBA_U: both (R001-137) */
    struct key_ks_int_naf in;
    char uss[USS_MAX][USS_TEXT_MAX]; /* of all services (R001-135) */
    size_t uss_n;
};
void bsf_naf_wipe(struct bsf_naf *n);
/* ERR_DENIED_B_TID, ERR_DENIED_EXPIRED, ERR_DENIED_GUSS_KEY, ERR_DENIED_GUSS_GIVE. */
MUST_USE err_t bsf_naf_keys(const struct bsf *b, struct txn *t, struct text b_tid, const struct naf_id *id, usec_t now,
                            struct bsf_naf *out);

#endif
