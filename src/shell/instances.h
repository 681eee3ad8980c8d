/*
 * Whose records the store holds: the FQDN of the default instance of each role, and of every named one that ever was. Bare
 * records belong to the default instance whatever its FQDN is, so an FQDN that changes between [role] and [role NAME] would
 * show one authority the records of another. That is refused; a default instance may be given a new name.
 */
#ifndef KEYSTEAD_SHELL_INSTANCES_H
#define KEYSTEAD_SHELL_INSTANCES_H

#include "shell/snapshot.h"

/* In an open transaction. ERR_STORE_INSTANCE with a detail. */
MUST_USE err_t instances_check(const struct snapshot *snap, struct store *s, char detail[static ROLE_DETAIL_MAX]);
/* In an open write transaction, after the check. */
MUST_USE err_t instances_note(const struct snapshot *snap, struct store *s);
/* The check on the store that this configuration names, beside its server; a store that is not there has no instances. */
MUST_USE err_t instances_check_file(const struct snapshot *snap, char detail[static ROLE_DETAIL_MAX]);

#endif
