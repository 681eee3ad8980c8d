/* AE registration: which stem a new AE gets, and what binds it to its credential [TS-0001 10.2.2.2, part 11.3]. */
#ifndef KEYSTEAD_ROLE_CSE_CSE_AE_H
#define KEYSTEAD_ROLE_CSE_CSE_AE_H

#include "role/cse/cse_policy.h"

#define CSE_AE_LABEL "Credential-ID:"

/* Decides the stem and fills in ri, creator, credential of the header and aei, lbl of the attributes. */
MUST_USE err_t cse_ae_accept(const struct cse_ask *ask, struct cse_res *r, json_t *attrs,
                             char detail[static ROLE_DETAIL_MAX]);

/* The label is ours: whatever an AE writes into lbl, its own Credential-ID stays and no other one comes in. */
MUST_USE err_t cse_ae_label(struct text credential, json_t *attrs, char detail[static ROLE_DETAIL_MAX]);

/* An AE-ID or CSE-ID that belongs to a credential is given to nobody else. `absolute` may be any identity. */
MUST_USE err_t cse_ae_reserve(const struct cse *cse, struct txn *t, struct text absolute);

#endif
