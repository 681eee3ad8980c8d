/* `keystead device request`: one request to the registrar and what it answers. */
#ifndef KEYSTEAD_CLI_DEVICE_REQUEST_H
#define KEYSTEAD_CLI_DEVICE_REQUEST_H

#include "cli/device_work.h"

enum { DEVICE_REQUEST_OPTS_N = 12 };
extern const struct cli_opt device_request_opts[DEVICE_REQUEST_OPTS_N];
device_work_body device_request;

#endif
