/* keystead device keep: renews what the device lives on before it ends. */
#ifndef KEYSTEAD_CLI_DEVICE_KEEP_H
#define KEYSTEAD_CLI_DEVICE_KEEP_H

#include "cli/device_work.h"

enum { DEVICE_KEEP_OPTS_N = 8 };
extern const struct cli_opt device_keep_opts[DEVICE_KEEP_OPTS_N];

int device_keep(const struct cli_args *a);

#endif
