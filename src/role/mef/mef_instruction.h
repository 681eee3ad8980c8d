/* Bootstrap instructions of one credential: several Enrolment Targets, each with its own Enrolee-ID, SUIDs, profile and end. */
#ifndef KEYSTEAD_ROLE_MEF_MEF_INSTRUCTION_H
#define KEYSTEAD_ROLE_MEF_MEF_INSTRUCTION_H

#include "role/mef/mef_ctx.h"
#include "role/mef/rec_instruction.h"

#define MEF_INSTRUCTIONS_MAX 16 /* of one credential */

struct mef_instruction_list {
    struct rec_instruction at[MEF_INSTRUCTIONS_MAX];
    size_t n;
};

/* `key` is the table key of the credential `c`. The Enrolee-ID of each is filled in. */
MUST_USE err_t mef_instruction_list(struct txn *t, struct text key, const struct rec_credential *c,
                                    struct mef_instruction_list *out);
/* Is there one to enrol for? ERR_DENIED_NOT_INSTRUCTED; ERR_DENIED_EXPIRED: all of them are over. */
MUST_USE err_t mef_instruction_check(struct txn *t, struct text key, const struct rec_credential *c, usec_t now);
/* The one whose target makes this request; ERR_DENIED_TARGET. */
MUST_USE err_t mef_instruction_for(struct txn *t, const struct rec_credential *c, struct text key,
                                   const struct request *rq, struct rec_instruction *out);

/* May a key be registered for that? */
MUST_USE err_t mef_instruction_permits(struct txn *t, struct text key, const struct reg_use *use, bool *out);

#endif
