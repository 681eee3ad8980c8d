/*
 * What the BSF keeps of each IMPI beside its settings: the state of its sequence numbers, the challenges that wait for
 * their answers, and each Ks with its B-TID, which is its KeId (R001-126, R001-130). No secret stands in them unsealed.
 */
#ifndef KEYSTEAD_ROLE_BSF_REC_BSF_H
#define KEYSTEAD_ROLE_BSF_REC_BSF_H

#include "proto/ub.h"
#include "role/bsf/rec_subscriber.h"

#define REC_BSF_RAND_MAX (BASE64_LEN(AKA_RAND_LEN) + 1)
#define REC_BSF_OPEN_MAX 4 /* challenges of one IMPI that wait at once */
#define REC_BSF_LIVE_MAX 8 /* Ks of one IMPI */
#define REC_BSF_TMPI_MAX 64
#define REC_BSF_HOME_MAX (2 * 8 + 1)

/* -- sealing of several secrets in one record, each bound to table, record and its name ------------------ */
struct rec_bsf_part {
    const struct sealer *sealer;
    enum store_table table;
    struct text id;
};
MUST_USE err_t rec_bsf_seal(const struct rec_bsf_part *p, const char *name, const struct secret *in, struct writer *room,
                            struct bytes *out);
MUST_USE err_t rec_bsf_unseal(const struct rec_bsf_part *p, const char *name, struct bytes sealed, struct secret *out);

/* -- the state of an IMPI ---------------------------------------------------------------------------- */
struct rec_bsf_state {
    int64_t seq; /* numbers up to this one are used up, whether they were given or not: none is given twice */
    usec_t minute;  /* when the present count of ... */
    uint8_t blocks; /* ... reservations began: what is open may be forgotten, and a SIM has only so many numbers */
    char home[REC_BSF_HOME_MAX]; /* where it answered from last: IPv4, or /64 of IPv6, as hexadecimal digits; or empty */
    uint64_t number; /* in the RANDs of its challenges; 0: none yet */
    struct bytes live[REC_BSF_LIVE_MAX]; /* each Ks, oldest first: rec_bsf_ks_parse() */
    size_t live_n;
};
MUST_USE err_t rec_bsf_state_parse(struct bytes b, struct rec_bsf_state *out);
MUST_USE err_t rec_bsf_state_get(struct txn *t, struct text impi, struct rec_bsf_state *out); /* none: zeros */
MUST_USE err_t rec_bsf_state_put(struct txn *t, struct text impi, const struct rec_bsf_state *s);

/* -- what is open at an IMPI: in memory alone (store/store_volatile.h) --------------------------------- */
struct rec_bsf_challenge {
    usec_t made;
    uint8_t rand[AKA_RAND_LEN], autn[AKA_AUTN_LEN];
    char from[REC_BSF_HOME_MAX]; /* who asked for it, as in rec_bsf_state.home */
    struct bytes sealed; /* RES, CK, IK */
};
struct rec_bsf_open {
    usec_t minute;     /* when the present count of challenges began */
    uint8_t count;
    uint8_t strangers; /* of these, for addresses that are not its home */
    int64_t seq;       /* the last number that was given, of those ... */
    int64_t reserved;  /* ... up to this one; nothing of it counts if the state on disk says another */
    struct rec_bsf_challenge at[REC_BSF_OPEN_MAX]; /* oldest first */
    size_t n;
};
MUST_USE err_t rec_bsf_open_parse(struct bytes b, struct rec_bsf_open *out);
MUST_USE err_t rec_bsf_open_get(struct txn *t, struct text impi, struct rec_bsf_open *out); /* none, or forgotten: zeros */
MUST_USE err_t rec_bsf_open_put(struct txn *t, struct text impi, const struct rec_bsf_open *o);
/* What the answer will be compared with; `room` is where it stays until the put. */
MUST_USE err_t rec_bsf_challenge_seal(const struct sealer *s, struct text impi, const struct aka_vector *v, struct writer *room,
                                  struct rec_bsf_challenge *out);
MUST_USE err_t rec_bsf_challenge_open(const struct rec_bsf_challenge *c, const struct sealer *s, struct text impi, struct ub_expected *out);

/* -- Ks: in the state of its IMPI --------------------------------------------------------------------- */
#define REC_BSF_KS_MAX (160 + GBA_FQDN_MAX + sizeof(struct m2mid) + SEAL_MAX)
struct rec_ks {
    struct b_tid b_tid;
    struct impi impi;        /* as it was authenticated: what keys are derived with */
    struct aka_rand rand;
    struct m2mid enrolee_id; /* R001-122; empty: none assigned */
    uint8_t gba_u;
    uint8_t elsewhere;       /* an HLR or HSS has the keys of the subscriber */
    char tmpi[REC_BSF_TMPI_MAX];
    usec_t made;
    usec_t not_after;        /* R001-127 */
    struct bytes sealed;
};
/* Of this IMPI, which does not stand in it again. The name of the BSF does: it may have another by now. */
MUST_USE err_t rec_bsf_ks_parse(struct bytes b, struct text impi, struct rec_ks *out);
MUST_USE err_t rec_bsf_ks_write(const struct sealer *s, const struct rec_ks *k, const struct key_ks *ks, struct writer *w);
MUST_USE err_t rec_bsf_ks_key(const struct rec_ks *k, const struct sealer *s, struct key_ks *out);

#endif
