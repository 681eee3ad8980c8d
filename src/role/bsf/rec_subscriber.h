/*
 * A subscriber [TS 33.220 4.4.3]: K and OPc or TOPc sealed, and the GBA User Security Settings: what it may have with whom (R001-115,
 * R001-118, R001-120, R001-121). Under its IMPI, as it is (TABLE_BSF_SUBSCRIBER). Of one whose keys an HLR or HSS has there are the
 * settings alone, an operator's or those that came with its last vector.
 */
#ifndef KEYSTEAD_ROLE_BSF_REC_SUBSCRIBER_H
#define KEYSTEAD_ROLE_BSF_REC_SUBSCRIBER_H

#include "aka/aka_auc.h"
#include "role/rec.h"
#include "wire/guss.h"

#define REC_SUBSCRIBER_NAFS_MAX GUSS_NAFS_MAX
#define REC_SUBSCRIBER_NAF_MAX (1 + GBA_FQDN_MAX + 1)

enum rec_subscriber_source {
    SUBSCRIBER_HERE,     /* its keys are sealed in this record */
    SUBSCRIBER_SETTINGS, /* an HLR or HSS has the keys; an operator gave the settings, which stay */
    SUBSCRIBER_ELSEWHERE /* an HLR or HSS has both; what is here is as it was with the last vector */
};

struct rec_subscriber {
    uint8_t source; /* enum rec_subscriber_source */
    struct impi impi;
    uint8_t algorithm; /* enum aka_algorithm */
    uint8_t gba_u;     /* the card keeps Ks: GBA_U; 0: GBA_ME */
    char amf[2 * AKA_AMF_LEN + 1]; /* hexadecimal digits */
    struct m2mid enrolee_id;
    usec_t added;
    usec_t ks_lifetime; /* 0: that of the role */
    usec_t guss_made;   /* of SUBSCRIBER_ELSEWHERE: the timestamp in the settings that the HSS sent, which it is told; 0: none */
    char nafs[REC_SUBSCRIBER_NAFS_MAX][REC_SUBSCRIBER_NAF_MAX]; /* a digit of GUSS_*, then the FQDN in lower case */
    size_t nafs_n;
    char uss[USS_MAX][USS_TEXT_MAX]; /* lines of wire/uss.h: what a target is told of the service it asks for (R001-135) */
    size_t uss_n;
    struct bytes k, opc; /* sealed; views into the record */
};

/* keys: NULL unless SUBSCRIBER_HERE. One that is there already is ERR_EXISTS; SUBSCRIBER_ELSEWHERE replaces it. */
MUST_USE err_t rec_subscriber_put(struct txn *t, const struct sealer *s, struct rec_subscriber *r,
                                  const struct aka_keys *keys);
MUST_USE err_t rec_subscriber_parse(struct bytes b, struct rec_subscriber *out);
MUST_USE err_t rec_subscriber_get(struct txn *t, struct text impi, struct rec_subscriber *out); /* ERR_NOT_FOUND */
MUST_USE err_t rec_subscriber_keys(const struct rec_subscriber *r, const struct sealer *s, struct aka_keys *out);
struct aka_amf rec_subscriber_amf(const struct rec_subscriber *r);

bool rec_subscriber_may_bootstrap(const struct rec_subscriber *r); /* with anybody: else there is nothing that Ks could be for (R001-123) */
/* GUSS_* for this target; without settings for any there is no limit, else what is not named has nothing. */
unsigned rec_subscriber_guss(const struct rec_subscriber *r, struct text fqdn);

#endif
