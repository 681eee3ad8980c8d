/*
 * Who issues tokens that are taken here: the dynamic authorization systems that the operator names in [das FQDN], each with the
 * public key of its signatures [TS-0003 7.3.2.6.3, docs/decisions/0034].
 */
#ifndef KEYSTEAD_ROLE_CSE_CSE_ISSUER_H
#define KEYSTEAD_ROLE_CSE_CSE_ISSUER_H

#include "crypto/object.h"
#include "role/role.h"

#define CSE_ISSUERS_MAX 8
#define CSE_ISSUER_MARK 33 /* of a key: 32 hexadecimal digits */

struct cse_issuer {
    struct text fqdn;  /* of its Token-IDs and Role-IDs */
    struct m2mid id;   /* absolute AE-ID or CSE-ID: issuer (iss) */
    struct text url;   /* where a Token-ID becomes a token, and how a resource names it (dap); or empty */
    char jwk[OBJECT_JWK_MAX]; /* its public key, NUL-terminated */
    char mark[CSE_ISSUER_MARK]; /* of the key: what it signed goes with it */
    bool everywhere;   /* its tokens count for every resource; else for those that name it */
};

struct cse_issuers {
    struct cse_issuer at[CSE_ISSUERS_MAX];
    size_t n;
};

/* `self`: the absolute CSE-ID. */
MUST_USE err_t cse_issuer_configure(struct cse_issuers *out, const struct conf *cf, const struct role_env *env, struct text self,
                                    char detail[static ROLE_DETAIL_MAX]);

/* NULL: nobody here. */
const struct cse_issuer *cse_issuer_by_id(const struct cse_issuers *l, struct text absolute);
/* By what stands behind the '@' of a Token-ID or Role-ID. */
const struct cse_issuer *cse_issuer_of(const struct cse_issuers *l, struct text named_id);

#endif
