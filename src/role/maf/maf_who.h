/* Which MAF client makes this request: its name for registrations and permissions, and the Km it stands on. */
#ifndef KEYSTEAD_ROLE_MAF_MAF_WHO_H
#define KEYSTEAD_ROLE_MAF_MAF_WHO_H

#include "role/maf/maf_ctx.h"
#include "role/maf/rec_client.h"

struct maf_who {
    char name[REC_CLIENT_NAME_MAX]; /* Enrolee-ID; From of a certificate's holder; or Credential-ID 11-KmId, 31-, 34- */
    bool has_km;                    /* else it showed a certificate */
    struct rec_km km;
    struct keyid km_folded; /* the name under which km was read */
    usec_t not_after;       /* of the credential it stands on */
};

/* From against the association first (CHOICE-66), then the Km as it is now: it may have been revoked, or have got its
 * KmId, since the handshake. */
MUST_USE err_t maf_who_of(const struct request *rq, struct txn *t, struct maf_who *out,
                          char detail[static ROLE_DETAIL_MAX]);

/* Sets name from km: to be called again when a KmId was assigned. */
MUST_USE err_t maf_who_name(struct maf_who *w);

/* ctl client allow: may this client register a key for this target? ERR_DENIED_CLIENT. */
MUST_USE err_t maf_who_check(const struct maf_who *w, struct txn *t, struct text target,
                             char detail[static ROLE_DETAIL_MAX]);

#endif
