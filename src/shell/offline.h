/*
 * An operator's command without a server: opens the store as its writer, runs the same handler in the same kind of
 * transaction as a server would, commits, and closes. So that credentials can be added before the first start.
 */
#ifndef KEYSTEAD_SHELL_OFFLINE_H
#define KEYSTEAD_SHELL_OFFLINE_H

#include "shell/snapshot.h"

struct offline_call {
    const struct role *role; /* NULL: a row of control_rows */
    struct text instance;    /* of the role: FQDN or section name; empty: the default one */
    struct text admin;       /* or by the stakeholder that it serves; empty: not so */
    const struct ctl_row *row;
    const json_t *args;
    usec_t now;
};

/* Appends the result object. ERR_STORE_LOCKED while a server holds the store. */
MUST_USE err_t offline_run(const struct snapshot *snap, const struct offline_call *call, struct writer *out,
                           char detail[static ROLE_DETAIL_MAX]);

#endif
