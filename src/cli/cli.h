/*
 * The command line as a table: a subcommand is a row in main.c and one file cli/cmd_NAME.c. Exit codes are a contract:
 * 0 done, 1 refused by the peer or the policy, 2 wrong use, 3 unreachable, 4 internal.
 */
#ifndef KEYSTEAD_CLI_CLI_H
#define KEYSTEAD_CLI_CLI_H

#include "base/text.h"

enum { CLI_DONE = 0, CLI_REFUSED = 1, CLI_USAGE = 2, CLI_UNREACHABLE = 3, CLI_INTERNAL = 4 };

enum { CLI_OPT_FLAG = 1 /* takes no value */, CLI_OPT_REQUIRED = 2, CLI_OPT_POSITIONAL = 4, CLI_OPT_REPEATS = 8 };
struct cli_opt {
    const char *name; /* "--ke", or "DIR" for a positional */
    unsigned flags;
    const char *doc;
};

/* Values found, parallel to the option table; NULL if absent. --json and --help are understood everywhere. */
#define CLI_OPTS_MAX 24
#define CLI_REPEATS_MAX 16
struct cli_verb;
struct cli_args {
    const struct cli_verb *verb; /* which row was called, for run functions that serve many */
    const struct cli_opt *opts;
    size_t opts_n;
    const char *value[CLI_OPTS_MAX];
    const char *more[CLI_REPEATS_MAX]; /* all values of the repeating options, in order ... */
    const struct cli_opt *more_of[CLI_REPEATS_MAX]; /* ... and whose each is */
    size_t more_n;
    bool json;
};
/* NULL if absent; "on" for a flag that is there. A name that is not in the table is a bug: asserts. */
const char *cli_arg(const struct cli_args *a, const char *name);

struct cli_verb {
    const char *verb; /* "" if the command has no verbs; may be two words ("credential add") */
    const struct cli_opt *opts;
    size_t opts_n;
    int (*run)(const struct cli_args *a);
    const char *doc;
    const char *clause; /* clause of the standard, or "-" */
};
struct cli_command {
    const char *name;
    const struct cli_verb *verbs;
    size_t verbs_n;
    const char *doc;
    /* Optional, for verbs that come from other tables (ctl from the roles): gives them, called once, instead of `verbs`. */
    const struct cli_verb *(*build)(size_t *n);
};

int cli_exit_code(err_t e); /* from the error's group */
/* Prints "keystead: CODE: text (detail); hint [clause]" on stderr, or one JSON object with --json; returns the exit code. */
int cli_fail(const struct cli_args *a, err_t e, const char *detail);
/* name=value lines, or members of one JSON object with --json: begin, pairs, end. */
void cli_out_begin(const struct cli_args *a);
void cli_out(const struct cli_args *a, const char *name, struct text value);
void cli_out_number(const struct cli_args *a, const char *name, uint64_t value);
/* Text that is JSON: with --json what it says, null if it is empty; otherwise, and if it is none, as cli_out. */
void cli_out_json(const struct cli_args *a, const char *name, struct text value);
void cli_out_end(const struct cli_args *a);
/* A key file: hex and a newline, mode 0600 or stricter; ERR_FILE_MODE, ERR_MALFORMED_HEX, ERR_IO. */
struct secret;
MUST_USE err_t cli_key_file(const char *file, struct secret *out);

#endif
