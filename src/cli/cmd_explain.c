/* keystead explain: the error table, for people. */
#include "cli/cli.h"

#include "shell/conf_fault.h"

#include <stdio.h>

extern const struct cli_command cmd_explain;

static const char *const levels[] = {
    [ERR_LEVEL_DEBUG] = "debug", [ERR_LEVEL_INFO] = "info",   [ERR_LEVEL_NOTICE] = "notice",
    [ERR_LEVEL_WARN] = "warn",   [ERR_LEVEL_ERROR] = "error",
};

static void out_number(const struct cli_args *a, const char *name, unsigned v)
{
    char digits[24];
    (void)snprintf(digits, sizeof(digits), "%u", v);
    cli_out(a, name, text_of(digits));
}

static int unknown(const struct cli_args *a, const char *code)
{
    struct conf_fault_guess g = conf_fault_guess_of(text_of(code));
    for (unsigned e = 1; e < ERR_COUNT; e++) {
        conf_fault_guess_offer(&g, err_code((err_t)e));
    }
    char detail[160];
    (void)snprintf(detail, sizeof(detail), "no reason code '%.40s'%s%s%s", code,
                   g.best == NULL ? "" : "; did you mean '", g.best == NULL ? "" : g.best, g.best == NULL ? "" : "'?");
    return cli_fail(a, ERR_USAGE, detail);
}

static int explain(const struct cli_args *a)
{
    const char *code = cli_arg(a, "CODE");
    if (code == NULL) {
        cli_out_begin(a);
        for (unsigned e = 1; e < ERR_COUNT; e++) {
            cli_out(a, err_code((err_t)e), text_of(err_info((err_t)e)->text));
        }
        cli_out_end(a);
        return CLI_DONE;
    }
    err_t e = err_of_code(code);
    if (e == ERR_OK) {
        return unknown(a, code);
    }
    const struct err_info *row = err_info(e);
    cli_out_begin(a);
    cli_out(a, "code", text_of(row->code));
    cli_out(a, "text", text_of(row->text));
    cli_out(a, "hint", text_of(row->hint));
    cli_out(a, "clause", text_of(row->clause));
    out_number(a, "rsc", row->rsc);
    out_number(a, "alert", row->alert);
    cli_out(a, "level", text_of(levels[row->level]));
    cli_out(a, "audited", text_of(row->audited || row->handshake_audited ? "yes" : "no"));
    out_number(a, "exit", (unsigned)cli_exit_code(e));
    cli_out_end(a);
    return CLI_DONE;
}

static const struct cli_opt opts[] = {{"CODE", CLI_OPT_POSITIONAL, "a reason code as logs and answers print it"}};
static const struct cli_verb verbs[] = {
    {"", opts, ARRAY_LEN(opts), explain,
     "Tells what a reason code means, what to do, the clause, the oneM2M response status code and the TLS alert; without "
     "CODE lists all.",
     "TS-0004 6.6.3"},
};
const struct cli_command cmd_explain = {"explain", verbs, ARRAY_LEN(verbs), "what a reason code means and what to do", NULL};
