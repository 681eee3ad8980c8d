/*
 * Announcements that other CSEs make here [TS-0001 9.6.26, 10.2.18]. Whose resource it is, the association says: a CSE announces what is
 * at itself or, through it, at a CSE below it, and nothing else. It alone changes and deletes it, whatever policies say who may see it.
 *
 * At the IN-CSE an <AEAnnc> directly below the CSEBase is where an AE with an S-type stem is (10.1.1.2.2 of the seed, branches b and e
 * of part 11.3): it has the stem as its identifier, so there is one, and it moves only to a CSE where the same credential registered.
 */
#ifndef KEYSTEAD_ROLE_CSE_CSE_ANNOUNCED_H
#define KEYSTEAD_ROLE_CSE_CSE_ANNOUNCED_H

#include "role/cse/cse_policy.h"

/* CREATE: decides identifier and creator. ERR_OPERATION, ERR_DENIED_FROM, ERR_CONTENTS, ERR_EXISTS, ERR_REGISTERED. */
MUST_USE err_t cse_announced_accept(const struct cse_ask *ask, const struct cse_res *parent, struct cse_res *r, const json_t *attrs,
                                    char detail[static ROLE_DETAIL_MAX]);

/* UPDATE with a link: of its own CSE, or the AE has moved; then r->creator is the CSE where it is now. */
MUST_USE err_t cse_announced_claim(const struct cse_ask *ask, struct cse_res *r, const json_t *content,
                                   char detail[static ROLE_DETAIL_MAX]);

/* The Credential-ID that the label of `attrs` says, or empty. */
struct text cse_announced_credential(const json_t *attrs);

/* An announcement of an AE that moves here: the association has the credential that it has. */
bool cse_announced_is_coming(const struct cse_res *r, const struct association *a);

#endif
