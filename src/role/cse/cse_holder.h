/*
 * What is found by its holder: the <token> and <role> resources below the CSEBase. A record in TABLE_CSE_TOKEN_OF leads from
 * holder and name to the resource; the name begins with a letter for the type. It holds nothing of what the resource says.
 */
#ifndef KEYSTEAD_ROLE_CSE_CSE_HOLDER_H
#define KEYSTEAD_ROLE_CSE_CSE_HOLDER_H

#include "role/cse/cse_policy.h"

#define CSE_HOLDER_MAX 32 /* that are listed at most */
struct cse_holder_list {
    struct text ri[CSE_HOLDER_MAX];
    size_t n;
};

/* tkhd, absolute and folded. */
MUST_USE err_t cse_holder_of(const struct cse *cse, const json_t *attrs, struct m2mid *out);
/* `name`: a letter, then random hexadecimal digits. */
MUST_USE err_t cse_holder_put(const struct cse_ask *ask, struct text holder, struct text name, const struct cse_res *r, usec_t until);
MUST_USE err_t cse_holder_gone(struct txn *t, struct text holder, struct text name);
/* ERR_NOT_FOUND also if the resource has gone. */
MUST_USE err_t cse_holder_get(struct txn *t, struct text holder, struct text name, usec_t now, struct cse_res *out);
/* Adds those whose names begin so, gone or not, up to `max` in all. */
MUST_USE err_t cse_holder_list(struct txn *t, struct text holder, const char *letter, size_t max, struct cse_holder_list *l);

/* Hostile only in a damaged store. */
struct cse_holder_entry {
    usec_t until;
    struct text ri;
};
MUST_USE err_t cse_holder_entry_parse(struct bytes b, struct cse_holder_entry *out);

#endif
