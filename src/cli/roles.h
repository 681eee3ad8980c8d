/* The functions of the standard that this program has, a row a role. Whoever adds a role adds a line in roles.c. */
#ifndef KEYSTEAD_CLI_ROLES_H
#define KEYSTEAD_CLI_ROLES_H

#include "role/role.h"
#include "shell/snapshot.h"

extern const struct role *const roles_all[];
extern const size_t roles_all_n;

const struct role *roles_find(struct text name); /* NULL: there is none */

/* What snapshot_load needs to read `file` with every role of this program. */
struct snapshot_source roles_source(const char *file);

#endif
