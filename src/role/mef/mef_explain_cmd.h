/* ctl explain of MEF client commands: one by its cmdID, and of a client those that are not over and the last that is. */
#ifndef KEYSTEAD_ROLE_MEF_MEF_EXPLAIN_CMD_H
#define KEYSTEAD_ROLE_MEF_MEF_EXPLAIN_CMD_H

#include "role/explain.h"

/* Of every client that has been told of so far. */
MUST_USE err_t mef_explain_cmd(struct txn *t, struct explain *x);

#endif
