/* keystead check -c FILE: every fault of a configuration file with its line; --doc prints the reference of all keys. */
#ifndef KEYSTEAD_CLI_CMD_CHECK_H
#define KEYSTEAD_CLI_CMD_CHECK_H

#include "cli/cli.h"
#include "shell/conf_file.h"

extern const struct cli_command cmd_check;

/* Prints "FILE:LINE: text" lines on stderr, or one JSON object with --json; the exit code. */
int cmd_check_faults(const struct cli_args *a, const char *file, const struct conf_faults *f);

#endif
