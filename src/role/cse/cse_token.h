/*
 * Tokens that a request shows [TS-0003 7.3.2.3 to 7.3.2.6, part 12.8]: signed by a DAS of cse_issuer.h, held by the originator. The
 * first thing that is wrong with any of them refuses the request, whatever policies say. What was verified in the writer is kept
 * under a Local-Token-ID, which its holder may show instead.
 */
#ifndef KEYSTEAD_ROLE_CSE_CSE_TOKEN_H
#define KEYSTEAD_ROLE_CSE_CSE_TOKEN_H

#include "role/cse/access_token.h"
#include "role/cse/cse_policy.h"
#include "wire/jwt.h"

#define CSE_TOKEN_LOCAL 26   /* a Local-Token-ID: "t", 24 hexadecimal digits of the hash of the Token-ID */
#define CSE_TOKENS_MAX (3 * PRIMITIVE_LIST_MAX)

struct cse_token {
    struct text id, holder, name; /* Token-ID, absolute holder */
    usec_t not_before, not_after;
    struct text issuer; /* FQDN */
    struct text mark;   /* of the key that signed it */
    struct bytes permissions; /* compiled: access_token.h */
    char local[CSE_TOKEN_LOCAL];
    bool kept;
};

struct cse_tokens {
    struct cse_token at[CSE_TOKENS_MAX];
    size_t n;
    struct cse_tokens *granted; /* of a request that shows none: where those go that a DAS has given for it, and it needed; or NULL */
};

MUST_USE err_t cse_token_record_parse(struct bytes b, struct cse_token *out);

/* One token as it is sent: signature, issuer, times and audience. Views in memory of the transaction. ERR_TOKEN_*. */
MUST_USE err_t cse_token_verify(const struct cse *cse, struct txn *t, struct text token, usec_t now, struct cse_token *out,
                                char detail[static ROLE_DETAIL_MAX]);

/* Its claims, not verified: for who has verified it. The caller wipes *out. */
MUST_USE err_t cse_token_claims(struct text token, struct jwt *out, char detail[static ROLE_DETAIL_MAX]);
bool cse_token_is_fault(err_t e); /* ERR_TOKEN_*: its own */
/* The Local-Token-ID of a Token-ID, which is its key in the store too: so both ways to name a token lead to one record. */
MUST_USE err_t cse_token_local(const struct cse *cse, struct text id, char out[static CSE_TOKEN_LOCAL]);

/* Kept because it was shown or a DAS gave it, or as a resource; ERR_NOT_FOUND, ERR_TOKEN_*. */
MUST_USE err_t cse_token_known(const struct cse_ask *ask, struct text local, struct cse_token *out);
MUST_USE err_t cse_token_put(struct txn *t, const struct cse_token *k, usec_t now, bool first); /* `first` of this transaction */

/* *out is the primitive of the request, with its tokens looked at (primitive.given) if it has any. */
MUST_USE err_t cse_token_look(const struct cse_ask *ask, struct primitive *out, char detail[static ROLE_DETAIL_MAX]);
/* Assigned Token Identifiers of those that are kept, as many as fit. */
void cse_token_assigned(const struct cse_tokens *l, char ati[static ROLE_ATI_MAX]);

/* Do the tokens of the request (primitive.given) permit it, or give its originator this role there? */
MUST_USE err_t cse_token_permits(const struct cse_ask *ask, const struct cse_target *target, const struct access_query *q, bool *out);
MUST_USE err_t cse_token_holds(const struct cse_ask *ask, const struct cse_target *target, struct text role, bool *out);

#endif
