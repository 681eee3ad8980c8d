/* Who may read a log of withdrawals: those who have keys of this authority, for as long as one of them lives. */
#ifndef KEYSTEAD_ROLE_WITHDRAW_READER_H
#define KEYSTEAD_ROLE_WITHDRAW_READER_H

#include "role/withdraw.h"

struct text withdraw_reader_name(const struct request *rq); /* From was compared with the association */
/* A key that lives until `until` goes to who asks. */
MUST_USE err_t withdraw_reader_put(const struct withdraw_kind *k, const struct request *rq, struct txn *t, usec_t until);
/* Servers that were given theirs before this was noted are known by their certificate. */
MUST_USE err_t withdraw_reader_is(const struct withdraw_kind *k, const struct request *rq, struct txn *t, bool *out);

#endif
