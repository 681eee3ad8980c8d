/*
 * The contents of a device's requests and what it must check in the answers, once for the Enrolee of this program
 * (role/device) and for the device library (lib). Answers come as texts, so that each may parse as it can afford.
 */
#ifndef KEYSTEAD_WIRE_BODY_H
#define KEYSTEAD_WIRE_BODY_H

#include "base/writer.h"

enum { BODY_TY_AE = 2, BODY_TY_CONTENT = 4, BODY_SUID_SAEF = 32 };

/* Each appends one JSON object; ERR_LIMIT_SIZE if it does not fit. */
MUST_USE err_t body_client_write(struct writer *w, usec_t et, struct text admin_fqdn); /* ty 60002 [TS-0003 8.8.2.3] */
MUST_USE err_t body_key_write(struct writer *w, usec_t et, struct text admin_fqdn, struct text target); /* ty 60003 [8.8.2.7] */
/* UPDATE of either registration: `et` 0 and empty `labels` (commas between them) are left out [8.8.2.5, 8.8.2.9]. */
MUST_USE err_t body_update_write(struct writer *w, uint32_t ty, usec_t et, struct text labels);
MUST_USE err_t body_ae_write(struct writer *w, struct text app_id, bool reachable); /* [TS-0001 10.2.2.2] */
MUST_USE err_t body_ae_until_write(struct writer *w, usec_t et); /* UPDATE: another expirationTime */
MUST_USE err_t body_content_write(struct writer *w, struct text con);               /* [TS-0004 7.4.7] */

/* Members of an answer; what was absent, or not of its type, is empty (suid: 0). */
struct body_answer {
    struct text ri, rn, aski, et, adfq;
    struct text target; /* the one item of targetIDs; empty if there is not exactly one */
    uint64_t suid;
};

struct body_expected {
    struct text admin_fqdn; /* what was sent */
    struct text target;     /* what was sent; key registration only */
    struct text relative;   /* hexadecimal RelativeKeyID of the own export; key registration only */
    usec_t now;
};

/*
 * The checks that 8.3.9.9.5 and 8.3.9.9.8 ask of the client. ERR_OK and *et, or ERR_PEER_NONSENSE and the name of the
 * attribute that is wrong in *wrong.
 */
MUST_USE err_t body_client_check(const struct body_answer *a, const struct body_expected *x, usec_t *et, const char **wrong);
/* The answer to an UPDATE: the new et if one was asked for (else *et is 0), and a KmId if Km is new to the registration. */
MUST_USE err_t body_update_check(const struct body_answer *a, bool asked_et, usec_t now, usec_t *et, const char **wrong);
MUST_USE err_t body_key_check(const struct body_answer *a, const struct body_expected *x, usec_t *et, const char **wrong);

#endif
