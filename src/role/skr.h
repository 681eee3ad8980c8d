/* The answer of a MAF to a Key Retrieval [part 8.7, CHOICE-64]: hostile JSON, read strictly. */
#ifndef KEYSTEAD_ROLE_SKR_H
#define KEYSTEAD_ROLE_SKR_H

#include "role/role.h"

enum { SKR_SUID = 32, SKR_SUID_ESPRIM = 33 }; /* for an association; for ESPrim Objects [TS-0004 6.3.4.2.39] */

struct skr {
    struct secret kc;
    usec_t et;
    unsigned suid;
    struct m2mid source; /* absolute AE-ID or CSE-ID of the Source, or empty */
    struct keyid km_id;  /* KmId of the Source, or empty */
};

/* ERR_PEER_NONSENSE for anything that is not a key registration with all it must have. */
MUST_USE err_t skr_parse(struct bytes body, struct skr *out);
void skr_wipe(struct skr *s);

#endif
