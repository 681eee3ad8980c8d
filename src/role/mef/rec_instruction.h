/*
 * One bootstrap instruction [TS-0003 table 9.2.2.3-1]: for which Enrolment Target the holder of a credential may be
 * provisioned, and what that target is told (R001-25, R001-27, R001-77, R001-78). Stored under the table key of the
 * credential "/" target (TABLE_MEF_INSTRUCTION). The first one may stand in the credential's own record (rec_credential.h).
 */
#ifndef KEYSTEAD_ROLE_MEF_REC_INSTRUCTION_H
#define KEYSTEAD_ROLE_MEF_REC_INSTRUCTION_H

#include "role/mef/rec_credential.h"

#define REC_INSTRUCTION_ID_MAX (KEYID_MAX + M2MID_MAX)

/* The SUIDs of keys that a MEF provisions [TS-0004 6.3.4.2.39], a bit each. Bits are on disk. */
enum { REC_INSTRUCTION_SUID_FIRST = 21, REC_INSTRUCTION_SUID_LAST = 25 };
#define REC_INSTRUCTION_SUID(suid) (1U << ((suid) - REC_INSTRUCTION_SUID_FIRST))
#define REC_INSTRUCTION_SUIDS 0x1FU

struct rec_instruction {
    struct m2mid target;     /* FQDN of a MAF, absolute CSE-ID or AE-ID (R001-08) */
    struct m2mid enrolee_id; /* empty: that of the credential */
    char adfq[KEYID_MAX];    /* stakeholder for whom keys may be registered at the MEF; empty: any */
    uint8_t suids;           /* never 0 */
    enum credential_profile profile;
    usec_t added;
    usec_t not_after; /* no key for this target beyond it */
};

MUST_USE err_t rec_instruction_write(const struct rec_instruction *i, struct writer *w);
MUST_USE err_t rec_instruction_parse(struct bytes b, struct rec_instruction *out);
/* Without a target: what the identifiers of all instructions of this credential begin with. */
MUST_USE err_t rec_instruction_id(struct text credential, struct text target, char out[static REC_INSTRUCTION_ID_MAX]);

/* All SUIDs that a key for this target may have: 21 for a MAF, the others for a CSE or AE. */
uint8_t rec_instruction_fitting(const struct m2mid *target);
bool rec_instruction_has(const struct rec_instruction *i, unsigned suid);

#endif
