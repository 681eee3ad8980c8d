#include "cli/cli_help.h"

#include "cli/cli_parse.h"

#include <ctype.h>
#include <string.h>

static const struct {
    int code;
    const char *doc;
} exits[] = {
    {CLI_DONE, "done"},
    {CLI_REFUSED, "refused by the peer or by a policy"},
    {CLI_USAGE, "wrong use: arguments, configuration, or a file that is open to others"},
    {CLI_UNREACHABLE, "the other side cannot be reached or is too slow"},
    {CLI_INTERNAL, "internal: the store, a file, or a defect"},
};

static bool is_flag(const struct cli_opt *o)
{
    return (o->flags & CLI_OPT_FLAG) != 0;
}

static bool is_positional(const struct cli_opt *o)
{
    return (o->flags & CLI_OPT_POSITIONAL) != 0;
}

static bool is_required(const struct cli_opt *o)
{
    return (o->flags & CLI_OPT_REQUIRED) != 0;
}

/* "--maf-id MAF-ID": the value is named after its option. */
static void put_option(FILE *f, const struct cli_opt *o)
{
    (void)fputs(o->name, f);
    if (is_flag(o) || is_positional(o)) {
        return;
    }
    (void)fputc(' ', f);
    if (strcmp(o->name, "-c") == 0) {
        (void)fputs("FILE", f);
        return;
    }
    for (const char *p = o->name; *p != '\0'; p++) {
        if (p > o->name + 1 || *p != '-') {
            (void)fputc(toupper((unsigned char)*p), f);
        }
    }
}

static void put_synopsis(FILE *f, const struct cli_command *cmd, const struct cli_verb *v)
{
    (void)fprintf(f, "keystead %s%s%s", cmd->name, v->verb[0] == '\0' ? "" : " ", v->verb);
    for (size_t i = 0; i < v->opts_n; i++) {
        const struct cli_opt *o = &v->opts[i];
        (void)fputs(is_required(o) ? " " : " [", f);
        put_option(f, o);
        (void)fputs(is_required(o) ? "" : "]", f);
        (void)fputs((o->flags & CLI_OPT_REPEATS) != 0 ? "..." : "", f);
    }
}

static bool has_clause(const struct cli_verb *v)
{
    return v->clause != NULL && strcmp(v->clause, "-") != 0;
}

void cli_help_verb(FILE *f, const struct cli_command *cmd, const struct cli_verb *verb)
{
    (void)fputs("usage: ", f);
    put_synopsis(f, cmd, verb);
    (void)fprintf(f, " [--json]\n\n%s\n", verb->doc);
    if (has_clause(verb)) {
        (void)fprintf(f, "Clause: %s\n", verb->clause);
    }
    (void)fputc('\n', f);
    for (size_t i = 0; i < verb->opts_n; i++) {
        const struct cli_opt *o = &verb->opts[i];
        (void)fprintf(f, "  %-20s %s%s%s\n", o->name, o->doc, is_required(o) ? " (required)" : "",
                      (o->flags & CLI_OPT_REPEATS) != 0 ? " (may repeat)" : "");
    }
    (void)fprintf(f, "  %-20s %s\n  %-20s %s\n", "--json", "print one JSON object", "--help", "print this");
}

void cli_help_command(FILE *f, const struct cli_command *cmd)
{
    size_t n = 0;
    const struct cli_verb *verbs = cli_parse_verbs(cmd, &n);
    if (n == 1 && verbs[0].verb[0] == '\0') {
        cli_help_verb(f, cmd, &verbs[0]);
        return;
    }
    (void)fprintf(f, "%s\n\nusage:\n", cmd->doc);
    for (size_t i = 0; i < n; i++) {
        (void)fputs("  ", f);
        put_synopsis(f, cmd, &verbs[i]);
        (void)fprintf(f, "\n      %s%s%s%s\n", verbs[i].doc, has_clause(&verbs[i]) ? " [" : "",
                      has_clause(&verbs[i]) ? verbs[i].clause : "", has_clause(&verbs[i]) ? "]" : "");
    }
    (void)fprintf(f, "\nkeystead %s VERB --help tells the options of one.\n", cmd->name);
}

void cli_help_program(FILE *f, const struct cli_command *const *commands, size_t n)
{
    (void)fputs("Keystead: the trust layer for oneM2M.\n\nusage: keystead COMMAND ... [--json]\n\n", f);
    for (size_t i = 0; i < n; i++) {
        (void)fprintf(f, "  %-10s %s\n", commands[i]->name, commands[i]->doc);
    }
    (void)fputs("\nkeystead COMMAND --help tells more; keystead help --man prints the manual page.\nExit status:", f);
    for (size_t i = 0; i < ARRAY_LEN(exits); i++) {
        (void)fprintf(f, "\n  %d  %s", exits[i].code, exits[i].doc);
    }
    (void)fputc('\n', f);
}

/* -- the manual page ------------------------------------------------------------------------------------ */

/* A hyphen that is typed stays one, a line never starts with a control character of roff. */
static void put_roff(FILE *f, const char *z)
{
    if (*z == '.' || *z == '\'') {
        (void)fputs("\\&", f);
    }
    for (; *z != '\0'; z++) {
        if (*z == '\\') {
            (void)fputs("\\e", f);
        } else if (*z == '-') {
            (void)fputs("\\-", f);
        } else {
            (void)fputc(*z, f);
        }
    }
}

static void put_man_verb(FILE *f, const struct cli_command *cmd, const struct cli_verb *v)
{
    (void)fputs(".SS ", f);
    put_roff(f, cmd->name);
    (void)fputc(' ', f);
    put_roff(f, v->verb);
    (void)fputc('\n', f);
    put_roff(f, v->doc);
    if (has_clause(v)) {
        (void)fputs(" [", f);
        put_roff(f, v->clause);
        (void)fputc(']', f);
    }
    (void)fputc('\n', f);
    for (size_t i = 0; i < v->opts_n; i++) {
        (void)fputs(".TP\n.B ", f);
        put_roff(f, v->opts[i].name);
        (void)fputc('\n', f);
        put_roff(f, v->opts[i].doc);
        (void)fputs(is_required(&v->opts[i]) ? " (required)\n" : "\n", f);
    }
}

static void put_man_command(FILE *f, const struct cli_command *cmd)
{
    size_t n = 0;
    const struct cli_verb *verbs = cli_parse_verbs(cmd, &n);
    (void)fputs(".SH ", f);
    for (const char *p = cmd->name; *p != '\0'; p++) {
        (void)fputc(toupper((unsigned char)*p), f);
    }
    (void)fputc('\n', f);
    put_roff(f, cmd->doc);
    (void)fputc('\n', f);
    for (size_t i = 0; i < n; i++) {
        put_man_verb(f, cmd, &verbs[i]);
    }
}

static void put_man_codes(FILE *f)
{
    (void)fputs(".SH REASON CODES\nEvery refusal names one of these; keystead explain CODE tells what to do.\n", f);
    for (unsigned e = 1; e < ERR_COUNT; e++) {
        const struct err_info *row = err_info((err_t)e);
        (void)fputs(".TP\n.B ", f);
        put_roff(f, row->code);
        (void)fputc('\n', f);
        put_roff(f, row->text);
        (void)fputc('\n', f);
    }
}

void cli_help_man(FILE *f, const struct cli_command *const *commands, size_t n)
{
    (void)fputs(".TH KEYSTEAD 1 \"\" \"keystead " KEYSTEAD_VERSION "\" \"\"\n"
                ".SH NAME\nkeystead \\- the trust layer for oneM2M\n"
                ".SH SYNOPSIS\n.B keystead\n.I COMMAND\n\\&... [\\-\\-json]\n"
                ".SH DESCRIPTION\nEnrols devices, gives them keys, authenticates them to each other, registers them and\n"
                "decides what each may touch. Every command understands \\-\\-json and \\-\\-help.\n", f);
    for (size_t i = 0; i < n; i++) {
        put_man_command(f, commands[i]);
    }
    (void)fputs(".SH EXIT STATUS\n", f);
    for (size_t i = 0; i < ARRAY_LEN(exits); i++) {
        (void)fprintf(f, ".TP\n.B %d\n%s\n", exits[i].code, exits[i].doc);
    }
    put_man_codes(f);
}
