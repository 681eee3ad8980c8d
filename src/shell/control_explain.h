/* ctl explain ID: what the roles keep under an identifier, what the audit chain says of it, and what to do. */
#ifndef KEYSTEAD_SHELL_CONTROL_EXPLAIN_H
#define KEYSTEAD_SHELL_CONTROL_EXPLAIN_H

#include "role/role.h"

enum { CONTROL_EXPLAIN_ARGS_N = 1 };
extern const struct ctl_arg control_explain_args[CONTROL_EXPLAIN_ARGS_N];
ctl_handler control_explain;

/* control.c: an event as all commands show it; `arg` is a struct emit. */
bool control_emit_event(void *arg, uint64_t number, const struct audit_event *e);

#endif
