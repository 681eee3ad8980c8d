/* `keystead device commands`: the client's side of MEF client commands. */
#ifndef KEYSTEAD_CLI_DEVICE_COMMANDS_H
#define KEYSTEAD_CLI_DEVICE_COMMANDS_H

#include "cli/device_work.h"
#include "role/device/device_cmd.h"

/* Of each verb that calls device_commands_run(). */
#define DEVICE_COMMANDS_OPTS_SELF                                                                                      \
    {"--admin-fqdn", 0, "administrating stakeholder at the MEF; by default the SP of the registrar's CSE-ID"},         \
    {"--entity", 0, "what this client lives in, for commands of the MEF: node (default), cse or ae"}

enum { DEVICE_COMMANDS_OPTS_N = 8 };
extern const struct cli_opt device_commands_opts[DEVICE_COMMANDS_OPTS_N];
device_work_body device_commands;

/* With the state open: all that the MEF has to do; `due`: only if it is time to ask. Then the members of an answer. */
struct device_commands_said {
    unsigned processed;
    struct device_cmd_state state;
};
MUST_USE err_t device_commands_run(struct device_work *w, bool due, struct device_commands_said *out);
void device_commands_print(const struct device_work *w, const struct device_commands_said *said);

/* This client's registration at the MEF, made or found there if it is not known. The state is open. */
MUST_USE err_t device_commands_registered(struct device_work *w, const char *admin_fqdn, char out[static DEVICE_CMD_REGISTRATION_MAX]);
MUST_USE err_t device_commands_forget(struct device_work *w); /* it has ended */

/* device_orders.c: carries out what a command asks for; the status to report. The reason of a failure is in w->detail. */
unsigned device_orders_run(struct device_work *w, const struct device_cmd_order *o);

#endif
