/* `keystead device associate`: a security association with the registrar, by whichever framework the device has. */
#ifndef KEYSTEAD_CLI_DEVICE_ASSOCIATE_H
#define KEYSTEAD_CLI_DEVICE_ASSOCIATE_H

#include "cli/device_work.h"

enum { DEVICE_ASSOCIATE_OPTS_N = 17 };
extern const struct cli_opt device_associate_opts[DEVICE_ASSOCIATE_OPTS_N];
device_work_body device_associate;

#endif
