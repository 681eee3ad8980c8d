/* What the other files need of client registrations. */
#ifndef KEYSTEAD_ROLE_REG_REG_CLIENT_H
#define KEYSTEAD_ROLE_REG_REG_CLIENT_H

#include "role/reg/reg.h"

/* Stages the end of a registration: of its keys (those who were given one are to know; reg_leave.h), and of a Km from an RSPF on which no
 * other registration of the client stands [CHOICE-52]. All of its keys are out of reach at once. */
MUST_USE err_t reg_client_remove(const struct reg *r, struct txn *t, const struct rec_client *c, usec_t now);

#endif
