/*
 * CSE registration at the registrar [TS-0001 10.2.2.7, part 11.4; 10.1.1.2.1 of the seed]: the CSE-ID of a registree and
 * the CSEs below it. The resource identifier of a <remoteCSE> follows from the CSE-ID ("csr-mn" of /mn), which no stem,
 * no generated identifier and, but for an odd name of this CSE itself, no CSEBase can be: finding a registree is one look.
 */
#ifndef KEYSTEAD_ROLE_CSE_CSE_CSR_H
#define KEYSTEAD_ROLE_CSE_CSE_CSR_H

#include "role/cse/cse_policy.h"

/* "csr-mn"; of another service provider "xcsr-other.example.com~in". ERR_NOT_FOUND: there is none. */
MUST_USE err_t cse_csr_ri(const struct cse_from *id, struct m2mid *out);

/* The live registration of the CSE with this absolute identifier, or ERR_NOT_FOUND. */
MUST_USE err_t cse_csr_get(struct txn *t, struct text absolute, usec_t now, struct cse_res *out);

/* Did the registree `registree` say that the CSE `csi` is below it, and is that still so? Both absolute. */
MUST_USE err_t cse_csr_is_below(struct txn *t, struct text registree, struct text csi, usec_t now, bool *out);

/* Decides the CSE-ID and fills in ri, creator, credential of the header and csi of the attributes. */
MUST_USE err_t cse_csr_accept(const struct cse_ask *ask, struct cse_res *r, json_t *attrs,
                              char detail[static ROLE_DETAIL_MAX]);

/* descendantCSEs of `attrs`: no loop, and no CSE that is or belongs to somebody else; kept in SP-relative form. */
MUST_USE err_t cse_csr_descendants(const struct cse_ask *ask, const struct cse_res *r, json_t *attrs,
                                   char detail[static ROLE_DETAIL_MAX]);

/* The registration `r`, as it is stored, ends or gets these attributes: for whom it speaks no more is free again. NULL:
 * it ends. Nothing for a resource of another type. */
MUST_USE err_t cse_csr_release(struct txn *t, const struct cse_res *r, const json_t *attrs);

/* Of another service provider than this CSE? Both take absolute identifiers. */
bool cse_csr_is_foreign(const struct cse *cse, struct text absolute);
bool cse_csr_same_domain(struct text a, struct text b);

#endif
