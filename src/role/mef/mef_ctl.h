/* What the operator commands of the MEF share. */
#ifndef KEYSTEAD_ROLE_MEF_MEF_CTL_H
#define KEYSTEAD_ROLE_MEF_MEF_CTL_H

#include "role/mef/mef_ctx.h"
#include "role/mef/rec_credential.h"

/* Can a key be derived for this target in this profile? */
MUST_USE err_t mef_ctl_instruction_check(const struct credential_args *a, char detail[static ROLE_DETAIL_MAX]);
/* The credential that the positional ID names. */
MUST_USE err_t mef_ctl_credential_named(const struct ctl_request *rq, struct txn *t, struct keyid *folded,
                                        struct rec_credential *c, char detail[static ROLE_DETAIL_MAX]);
/* What the operator is shown of it. */
MUST_USE err_t mef_ctl_credential_answer(const struct rec_credential *c, usec_t now, struct writer *out);
/* `kpm` as of rec_credential_write(): its id is the table key. */
MUST_USE err_t mef_ctl_credential_put(const struct rec_credential *c, const struct rec_seal *kpm, enum store_put mode,
                                      struct txn *t);

#endif
