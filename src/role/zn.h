/*
 * Zn [TS 33.220 4.4.5, TS 29.109 5, TS 29.309]: what a NAF asks the BSF for under a B-TID, and what it is given, in the forms that
 * both can speak: JSON in the manner of Nbsp_GBA, and SOAP 1.1. The BSF answers in the form it was asked in; a NAF asks in the one
 * that is configured. Codecs only: who may have what is decided in bsf_zn.c, what an answer is worth in naf.c.
 */
#ifndef KEYSTEAD_ROLE_ZN_H
#define KEYSTEAD_ROLE_ZN_H

#include "keys/gba_id.h"
#include "role/ctl.h"
#include "wire/primitive.h"
#include "wire/uss.h"

#define ZN_GSIDS_MAX USS_MAX
#define ZN_BODY_MAX 8192 /* octets of a question or an answer */

struct zn_ask {
    char b_tid[B_TID_MAX];
    struct naf_id naf_id;
    bool gba_u_aware;           /* both keys of GBA_U are understood */
    uint32_t gsids[ZN_GSIDS_MAX]; /* services whose USS are wanted */
    size_t gsids_n;
    unsigned dialect;           /* how it is said, where the form has several ways; the answer is said alike */
};

struct zn_answer {
    struct impi impi;        /* empty: not said */
    struct m2mid enrolee_id; /* empty: the BSF has none (R001-122) */
    usec_t made, not_after;  /* made: 0 if not said */
    bool gba_u;
    struct secret me, uicc;  /* base64 in every form */
    struct uss uss[USS_MAX]; /* R001-135 */
    size_t uss_n;
};
void zn_answer_wipe(struct zn_answer *a);

struct zn_form {
    const char *name; /* of the configuration */
    const char *path;
    enum media media;
    unsigned dialect; /* in which a NAF asks */
    /* The NAF's question, and the BSF's reading of it: ERR_MALFORMED_KEY_ID, ERR_MALFORMED_ID, ERR_MISSING, those of the grammar. */
    err_t (*ask_write)(const struct zn_ask *a, struct writer *w);
    err_t (*ask_read)(const struct primitive *p, struct zn_ask *out, char detail[static ROLE_DETAIL_MAX]);
    void (*answer_write)(const struct zn_ask *to, const struct zn_answer *a, struct writer *w);
    /* Hostile until proven otherwise: ERR_PEER_NONSENSE; ERR_DENIED_B_TID, ERR_DENIED_EXPIRED: it knows no such B-TID, or it has ended
     * (not every form tells which); ERR_DENIED_FETCH: it refuses for another reason. */
    err_t (*answer_read)(unsigned status, struct bytes body, struct zn_answer *out);
    /* NULL: refusals are those of oneM2M. */
    void (*refusal_write)(const struct zn_ask *to, err_t e, const char *detail, struct writer *w);
};
extern const struct zn_form zn_json_form;              /* zn_json.c */
extern const struct zn_form zn_soap_form, zn_soap_urn; /* zn_soap.c: one form, two namespaces */

/* zn.c */
const struct zn_form *zn_of_name(struct text name); /* NULL */
const struct zn_form *zn_of_path(struct text path); /* NULL */

#endif
