/* What the other files need of client registrations. */
#ifndef KEYSTEAD_ROLE_REG_REG_CLIENT_H
#define KEYSTEAD_ROLE_REG_REG_CLIENT_H

#include "role/reg/reg.h"

/* Stages the end of a registration: of its keys (those who were given one are to know), and of a Km from an RSPF on which no other registration of the client stands
 * [CHOICE-52]. Keys beyond the first REG_CLIENT_KEYS_AT_ONCE are out of reach at once and go when they expire. */
#define REG_CLIENT_KEYS_AT_ONCE 48
MUST_USE err_t reg_client_remove(const struct reg *r, struct txn *t, const struct rec_client *c, usec_t now);

#endif
