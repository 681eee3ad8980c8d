/* `keystead device maf-config | maf-update | maf-deregister | key-update | key-deregister`: what is registered at the MAF. */
#ifndef KEYSTEAD_CLI_DEVICE_MANAGE_H
#define KEYSTEAD_CLI_DEVICE_MANAGE_H

#include "cli/device_work.h"

enum { DEVICE_MANAGE_OPTS_N = 5, DEVICE_MANAGE_UPDATE_OPTS_N = 7 };
extern const struct cli_opt device_manage_opts[DEVICE_MANAGE_OPTS_N], device_manage_update_opts[DEVICE_MANAGE_UPDATE_OPTS_N];
device_work_body device_manage;

#endif
