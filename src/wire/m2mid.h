/*
 * Identifiers of CSEs, AEs and resources [TS-0001 7.2]: grammar checks and conversion between
 * stem, SP-relative and absolute forms. All functions are pure; views point into their input.
 */
#ifndef KEYSTEAD_WIRE_M2MID_H
#define KEYSTEAD_WIRE_M2MID_H

#include "base/text.h"

#define M2MID_MAX 192 /* with NUL; every identifier we accept */

struct m2mid {
    char z[M2MID_MAX];
};

enum m2mid_kind {
    M2MID_INVALID,
    M2MID_STEM,        /* C... or S...           (AE-ID-Stem) */
    M2MID_SP_CSE,      /* /cse                   (SP-relative CSE-ID); also /C...: a C-type AE is never alone */
    M2MID_SP_AE_C,     /* /cse/Cxxx */
    M2MID_SP_AE_S,     /* /Sxxx: also a legal CSE-ID by grammar; the S first letter decides for an AE */
    M2MID_ABS_CSE,     /* //sp/cse */
    M2MID_ABS_AE_C,    /* //sp/cse/Cxxx */
    M2MID_ABS_AE_S,    /* //sp/Sxxx */
    M2MID_FQDN         /* mef.example.com */
};

enum m2mid_kind m2mid_kind(struct text t);
bool m2mid_is_unreserved(struct text t); /* one or more of A-Z a-z 0-9 - . _ ~ */
bool m2mid_is_stem(struct text t);       /* C or S and at least one more unreserved */
bool m2mid_is_ae(enum m2mid_kind k);
bool m2mid_is_cse(enum m2mid_kind k);
bool m2mid_is_app_id(struct text t);     /* R, r or N first [TS-0001 7.2] */

/* Absolute form of an AE or CSE identifier in any form, as seen at the CSE `cse_abs` (//sp/cse). */
MUST_USE err_t m2mid_absolute(struct text id, struct text cse_abs, struct m2mid *out);
/* SP-relative form of an absolute identifier (drops //sp). */
MUST_USE err_t m2mid_sp_relative(struct text absolute, struct m2mid *out);
/* Stem of an AE identifier in any form: its last segment. ERR_MALFORMED_ID if it is no AE. */
MUST_USE err_t m2mid_stem(struct text ae, struct text *out);

/* FQDN representation of an absolute CSE-ID or AE-ID [CHOICE-03, CHOICE-04]: lower case,
 * //sp/in -> in.sp, //sp/Sx -> sx.sp, //sp/cse/Cx -> cx.cse.sp; an FQDN stays itself. ERR_MALFORMED_ID if a
 * segment is no host name label (dot, underscore, tilde): the name would be ambiguous. */
MUST_USE err_t m2mid_fqdn(struct text absolute, struct m2mid *out);

/* In one spelling, in place: the SP part of an absolute identifier, an FQDN and what stands behind an '@' in lower case. */
void m2mid_fold(char *z);

/* Same entity: compared octet by octet, but FQDN and SP parts without case. */
bool m2mid_same(struct text a, struct text b);

/*
 * `*` matches within one path segment only [TS-0003 7.1.3, part 12.6.1]; in the SP part too [CHOICE-73]. A pattern
 * that is an SP domain alone (//sp.example) matches every CSE and AE of that domain. The SP part ignores case.
 */
bool m2mid_match(struct text pattern, struct text id);

/* The same for other names (Credential-ID, App-ID, stem), octet by octet; an empty text matches nothing. */
bool m2mid_glob(struct text pattern, struct text value);

#endif
