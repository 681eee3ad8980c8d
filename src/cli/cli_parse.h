/* Arguments under the tables of cli.h: `--name VALUE`, `--name=VALUE`, `-c VALUE`, `--` ends the options. */
#ifndef KEYSTEAD_CLI_CLI_PARSE_H
#define KEYSTEAD_CLI_CLI_PARSE_H

#include "cli/cli.h"

struct cli_parse {
    const struct cli_verb *verb; /* NULL only if `help` is set and no verb was named */
    struct cli_args args;
    bool help;
    char fault[160];
};

/* The verbs of a command, wherever they come from. */
const struct cli_verb *cli_parse_verbs(const struct cli_command *cmd, size_t *n);

/* argv: what follows the name of the command; its strings must outlive *out. Options may stand before the verb.
 * ERR_USAGE with `fault` filled; `args.json` is right also then. */
MUST_USE err_t cli_parse_args(const struct cli_command *cmd, int argc, char *const *argv, struct cli_parse *out);

#endif
