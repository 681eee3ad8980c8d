/*
 * Who asks: the receiver checks of TS-0004 7.3.2.1 on From, in their order (part 12.2), and the originator in all its
 * forms. The impersonation rule of TS-0003 7.2.1 is here: From is compared with the association.
 */
#ifndef KEYSTEAD_ROLE_CSE_CSE_FROM_H
#define KEYSTEAD_ROLE_CSE_CSE_FROM_H

#include "role/cse/access.h"
#include "role/cse/cse_ctx.h"

enum cse_from_kind {
    CSE_FROM_ABSENT, /* CREATE <AE> only: absent, or the bare S or C */
    CSE_FROM_AE,
    CSE_FROM_CSE
};

struct cse_from {
    enum cse_from_kind kind;
    char wish;                 /* absent: 'S', 'C', or 0 for no preference */
    struct m2mid absolute;     /* SP part in lower case */
    struct m2mid sp_relative;  /* empty for another SP */
    struct m2mid stem;         /* empty unless it means an AE of this CSE or an S-type AE of this SP */
    struct text services;      /* of its service subscription, in the arena of the transaction; empty: all */
    bool vouched;              /* another CSE asks about him, which may: he acts in his roles (cse_decide.h) */
    bool authenticated;        /* rq_authn: lives as long as the association (12.3) */
};

MUST_USE err_t cse_from_check(const struct cse *cse, const struct request *rq, struct txn *t, struct cse_from *out,
                              char detail[static ROLE_DETAIL_MAX]);

/* Fills in the forms of an identity; ERR_MALFORMED_ID. */
MUST_USE err_t cse_from_forms(const struct cse *cse, struct text id, struct cse_from *out);

/* May do everything to the CSEBase and what belongs to it alone, and needs no service subscription. */
bool cse_from_is_admin(const struct cse *cse, const struct cse_from *f);

struct access_forms cse_from_access(const struct cse_from *f); /* views into *f */

#endif
