/* --help at each level and the manual page, all from the tables of cli.h and err_rows.h. */
#ifndef KEYSTEAD_CLI_CLI_HELP_H
#define KEYSTEAD_CLI_CLI_HELP_H

#include "cli/cli.h"

#include <stdio.h>

void cli_help_program(FILE *f, const struct cli_command *const *commands, size_t n);
void cli_help_command(FILE *f, const struct cli_command *cmd);
void cli_help_verb(FILE *f, const struct cli_command *cmd, const struct cli_verb *verb);
void cli_help_man(FILE *f, const struct cli_command *const *commands, size_t n); /* roff, man macros */

#endif
