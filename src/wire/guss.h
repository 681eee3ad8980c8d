/*
 * GBA User Security Settings as an HSS sends them over Zh [TS 29.109 annex A]: what the BSF needs of them. Whatever else stands in
 * the document is passed over. [docs/decisions/0038-zh-in-ub.md] has how the two permissions of TS-0003 8.3.3.1 stand in it:
 * a <uss> with nafGroup is for the target of that FQDN, flag 1 allows the device to have a key with it, flag 2 the BSF to hand it out,
 * no flags both.
 */
#ifndef KEYSTEAD_WIRE_GUSS_H
#define KEYSTEAD_WIRE_GUSS_H

#include "keys/gba_id.h"
#include "wire/uss.h"

#define GUSS_MAX 16384
#define GUSS_NAFS_MAX 8

enum { GUSS_ESTABLISH = 1, GUSS_DISTRIBUTE = 2, GUSS_BOTH = 3 }; /* R001-123, R001-124 */

struct guss {
    bool gba_u;       /* uiccType */
    usec_t lifetime;  /* of Ks; 0: that of the BSF */
    usec_t made;      /* <timestamp>: when the HSS changed it last, whole seconds; 0: it does not say so in UTC */
    struct m2mid uid; /* the first <uid> that is an absolute AE-ID or CSE-ID: the Enrolee-ID; or empty */
    struct {
        char fqdn[GBA_FQDN_MAX + 1]; /* in lower case */
        unsigned may;                /* GUSS_* */
    } nafs[GUSS_NAFS_MAX];
    size_t nafs_n;
    struct uss uss[USS_MAX]; /* what targets may ask for (R001-135): the first that are kept here whole */
    size_t uss_n;
};
/* ERR_MALFORMED_XML, ERR_LIMIT_SIZE; ERR_LIMIT_CAPACITY: more targets than are kept. */
MUST_USE err_t guss_parse(struct bytes xml, struct guss *out);

#endif
