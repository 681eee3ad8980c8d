/* The gateway of the demo: the files of an MN-CSE that registers at the IN-CSE of a fresh `init`. */
#ifndef KEYSTEAD_CLI_DEMO_GATEWAY_H
#define KEYSTEAD_CLI_DEMO_GATEWAY_H

#include "base/err.h"

/* DIR/mn.conf with its secrets; `cse` is the address of the IN-CSE. On failure *what is the file. */
MUST_USE err_t demo_gateway_files(const char *dir, const char *sp, const char *cse, const char **what);

#endif
