/* What the other files need of key registrations. */
#ifndef KEYSTEAD_ROLE_REG_REG_KEY_H
#define KEYSTEAD_ROLE_REG_REG_KEY_H

#include "role/reg/rec_key.h"
#include "role/reg/reg.h"

struct reg_key_given {
    struct rec_key k;
    struct key_kc kc;
};
void reg_key_given_wipe(struct reg_key_given *g);

/* The registered key and its value for who asks, if that is a target of it and all that it stands on is alive: ERR_NOT_FOUND,
 * ERR_DENIED_TARGET, ERR_DENIED_EXPIRED, ERR_DENIED_REVOKED. */
MUST_USE err_t reg_key_give(const struct reg *r, const struct request *rq, struct txn *t, struct response *rs,
                            struct text relative, struct reg_key_given *out);
/* Stages its end, by its Source or by an operator; those who were given it are to know. */
MUST_USE err_t reg_key_remove(const struct reg *r, struct txn *t, const struct rec_key *k, usec_t now);
/* Audit event: a key went, and who was given it is not known any more. */
MUST_USE err_t reg_key_lost(const struct reg *r, struct txn *t, struct text relative, usec_t now);

#endif
