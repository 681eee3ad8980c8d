/* ctl explain: client registrations and registered keys, at the MAF and at the MEF. */
#ifndef KEYSTEAD_ROLE_REG_REG_EXPLAIN_H
#define KEYSTEAD_ROLE_REG_REG_EXPLAIN_H

#include "role/explain.h"
#include "role/reg/reg.h"

/* The registrations of a client, and the keys under them. */
MUST_USE err_t reg_explain_client(const struct reg *r, struct explain *x, struct txn *t, const char *client);
/* What was asked for, as a client, a registration or a key. */
MUST_USE err_t reg_explain(const struct reg *r, struct explain *x, struct txn *t);

#endif
