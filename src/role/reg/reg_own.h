/* The registrations of one client, found by what it is called. */
#ifndef KEYSTEAD_ROLE_REG_REG_OWN_H
#define KEYSTEAD_ROLE_REG_REG_OWN_H

#include "role/reg/reg.h"

#define REG_OWN_MAX 16 /* stakeholders of one client: adminFQDN is the client's to choose */

struct reg_own {
    size_t prefix; /* of `of`: what stands before adminFQDN */
    struct {
        char of[REC_CLIENT_OF_MAX]; /* id in the index */
        char ri[REC_CLIENT_RI_MAX];
    } at[REG_OWN_MAX];
    size_t n;
    err_t err;
};
MUST_USE err_t reg_own_list(const struct reg *r, struct txn *t, const char *client, struct reg_own *out);

/* The registration `ri`: alive, and this client's. ERR_NOT_FOUND, ERR_DENIED_CLIENT. */
MUST_USE err_t reg_own_get(const struct reg *r, struct txn *t, const struct reg_who *w, struct text ri, usec_t now,
                           struct rec_client *out);
bool reg_own_is(const char *client, const struct reg_who *w); /* is this the same client? */

#endif
