/* `keystead device commands`: the client's side of MEF client commands. */
#ifndef KEYSTEAD_CLI_DEVICE_COMMANDS_H
#define KEYSTEAD_CLI_DEVICE_COMMANDS_H

#include "cli/device_work.h"
#include "role/device/device_cmd.h"

enum { DEVICE_COMMANDS_OPTS_N = 7 };
extern const struct cli_opt device_commands_opts[DEVICE_COMMANDS_OPTS_N];
device_work_body device_commands;

/* device_orders.c: carries out what a command asks for; the status to report. The reason of a failure is in w->detail. */
unsigned device_orders_run(struct device_work *w, const struct device_cmd_order *o);

#endif
