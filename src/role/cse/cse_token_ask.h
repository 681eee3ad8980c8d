/*
 * Tokens from their DAS: where an originator is told to get one, the token of a Token-ID that is not here [TS-0003 7.3.2.3], and
 * those in the answer of a direct consultation [7.3.2.2].
 */
#ifndef KEYSTEAD_ROLE_CSE_CSE_TOKEN_ASK_H
#define KEYSTEAD_ROLE_CSE_CSE_TOKEN_ASK_H

#include "role/cse/cse_token.h"

#define CSE_TOKEN_ASK_SUID 40001 /* of a question: no Security Usage Identifier, but this */
#define CSE_TOKEN_ASK_NAMES_MAX (PRIMITIVE_LIST_MAX * CSE_TOKEN_LOCAL)

/* Token Request Information for a request that was refused: {"dasi":[..]}; ERR_NOT_FOUND: no DAS can help. */
MUST_USE err_t cse_token_ask_offer(const struct cse_ask *ask, struct writer *w);

/* The Token-IDs of the request that are not here. */
void cse_token_ask_missing(const struct cse_ask *ask, struct primitive_list *out);
/* role->need: a token of which only the Token-ID was sent, and is not here. */
MUST_USE err_t cse_token_ask_need(const struct cse_ask *ask, struct question *q);
/* role->answer for CSE_TOKEN_ASK_SUID: keeps what the DAS gave. ERR_DENIED_DAS, ERR_PEER_NONSENSE, ERR_TOKEN_*. */
MUST_USE err_t cse_token_ask_answer(const struct cse *cse, const struct question *q, const struct answer *a, struct txn *t, usec_t now,
                                    struct role_psk *out);

/* Whose tokens a direct answer may have. */
struct cse_token_ask_direct {
    const struct cse *cse;
    struct text url;    /* of the DAS that was asked */
    struct text holder; /* absolute */
    usec_t now;
};
/* tkns of a dasResponse, or NULL: verified and kept; their Local-Token-IDs, with blanks between. ERR_PEER_NONSENSE, ERR_TOKEN_*. */
MUST_USE err_t cse_token_ask_take(const struct cse_token_ask_direct *d, const json_t *tkns, struct txn *t, struct writer *names);
/* Those that are still good; *out is `to`, or of the transaction if that is NULL; NULL: none. */
MUST_USE err_t cse_token_ask_taken(const struct cse_ask *ask, struct text names, struct cse_tokens *to, const struct cse_tokens **out);

#endif
