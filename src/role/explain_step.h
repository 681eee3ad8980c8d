/* Which step of which procedure a refusal in the audit chain was: rows, for `ctl explain` and `keystead trace`. */
#ifndef KEYSTEAD_ROLE_EXPLAIN_STEP_H
#define KEYSTEAD_ROLE_EXPLAIN_STEP_H

#include "store/audit.h"

struct explain_step {
    const char *role;
    enum audit_kind kind;
    const char *object; /* how it begins */
    const char *step, *clause;
};

/* The first row that fits a server with this role, or NULL. */
const struct explain_step *explain_step_of(const char *role, const struct audit_event *e);

#endif
