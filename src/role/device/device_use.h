/*
 * Registration and retrieval of usage-constrained keys [TS-0003 8.8.2.7, 8.8.2.8; 8.3.5.2.7, 8.3.5.2.8], the same at a MAF
 * (SUIDs 32 to 35) and a MEF (21 to 25): the content that is sent and what is checked in the answer.
 */
#ifndef KEYSTEAD_ROLE_DEVICE_DEVICE_USE_H
#define KEYSTEAD_ROLE_DEVICE_DEVICE_USE_H

#include "role/device/device_keyring.h"
#include "role/role.h"

struct device_use {
    unsigned suid;
    struct text targets; /* absolute identifiers, or the FQDN of a MAF; commas between */
    struct text labels;  /* commas between, or empty */
    struct text admin_fqdn;
    usec_t until;        /* when it is to end */
};

bool device_use_is_of_mef(unsigned suid); /* else of a MAF */

MUST_USE err_t device_use_body(const struct device_use *u, struct writer *w);
/* The key is the export of the session in which it was registered. ERR_PEER_NONSENSE, detail names what is wrong. */
struct device_use_answer {
    struct bytes body;
    const struct keys_export *exported;
    struct text fqdn; /* of the authority */
    usec_t now;
};
MUST_USE err_t device_use_registered(const struct device_use *u, const struct device_use_answer *a,
                                     struct device_keyring_key *out, char detail[static ROLE_DETAIL_MAX]);
MUST_USE err_t device_use_retrieved(struct text id, struct bytes body, usec_t now, struct device_keyring_key *out,
                                    char detail[static ROLE_DETAIL_MAX]);

#endif
