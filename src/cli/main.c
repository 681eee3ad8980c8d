/* The table of commands, and what finds a row in it. */
#include "cli/cli_help.h"
#include "cli/cli_parse.h"
#include "cli/cmd_check.h"

#include "shell/conf_fault.h"
#include "shell/key_source.h"
#include "shell/wiped.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

/* A command: a line here, a line in the table, a file in meson.build. In the order in which a person meets them. */
extern const struct cli_command cmd_init;
extern const struct cli_command cmd_demo;
extern const struct cli_command cmd_serve;
extern const struct cli_command cmd_ctl;
extern const struct cli_command cmd_derive;
extern const struct cli_command cmd_device;
extern const struct cli_command cmd_associate;
extern const struct cli_command cmd_pki;
extern const struct cli_command cmd_object;
extern const struct cli_command cmd_explain;
extern const struct cli_command cmd_trace;
extern const struct cli_command cmd_bench; /* bench/cmd_bench.c */
static const struct cli_command cmd_help; /* below: it prints the table */

static const struct cli_command *const commands[] = {
    &cmd_demo,
    &cmd_init,
    &cmd_check,
    &cmd_device,
    &cmd_associate,
    &cmd_serve,
    &cmd_ctl,
    &cmd_pki,
    &cmd_object,
    &cmd_derive,
    &cmd_explain,
    &cmd_trace,
    &cmd_bench,
    &cmd_help,
};

static const struct cli_command *find(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
        if (strcmp(commands[i]->name, name) == 0) {
            return commands[i];
        }
    }
    return NULL;
}

static int unknown(const char *name, bool json)
{
    struct conf_fault_guess g = conf_fault_guess_of(text_of(name));
    for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
        conf_fault_guess_offer(&g, commands[i]->name);
    }
    char detail[128];
    (void)snprintf(detail, sizeof(detail), "no command '%.40s'%s%s%s", name, g.best == NULL ? "" : "; did you mean '",
                   g.best == NULL ? "" : g.best, g.best == NULL ? "" : "'?");
    const struct cli_args a = {.json = json};
    return cli_fail(&a, ERR_USAGE, detail);
}

static int run_help(const struct cli_args *a)
{
    const char *name = cli_arg(a, "COMMAND");
    if (cli_arg(a, "--man") != NULL) {
        cli_help_man(stdout, commands, ARRAY_LEN(commands));
    } else if (name == NULL) {
        cli_help_program(stdout, commands, ARRAY_LEN(commands));
    } else if (find(name) == NULL) {
        return unknown(name, a->json);
    } else {
        cli_help_command(stdout, find(name));
    }
    return CLI_DONE;
}

static const struct cli_opt help_opts[] = {
    {"COMMAND", CLI_OPT_POSITIONAL, "one of the commands"},
    {"--man", CLI_OPT_FLAG, "print the manual page (roff)"},
};
static const struct cli_verb help_verbs[] = {
    {"", help_opts, ARRAY_LEN(help_opts), run_help, "Tells what the commands are, or what one does.", "-"},
};
static const struct cli_command cmd_help = {
    "help", help_verbs, ARRAY_LEN(help_verbs), "what the commands are; the manual page", NULL};

static int run(const struct cli_command *cmd, int argc, char *const *argv)
{
    struct cli_parse p;
    err_t e = cli_parse_args(cmd, argc, argv, &p);
    if (e != ERR_OK) {
        return cli_fail(&p.args, e, p.fault);
    }
    if (p.help) {
        if (p.verb == NULL) {
            cli_help_command(stdout, cmd);
        } else {
            cli_help_verb(stdout, cmd, p.verb);
        }
        return CLI_DONE;
    }
    return p.verb->run(&p.args);
}

static bool has_json(int argc, char *const *argv)
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--json") == 0) {
            return true;
        }
    }
    return false;
}

static int version(bool json)
{
    const struct cli_args a = {.json = json};
    cli_out_begin(&a);
    if (json) {
        cli_out(&a, "version", text_of(KEYSTEAD_VERSION));
    } else {
        (void)puts("keystead " KEYSTEAD_VERSION);
    }
    cli_out_end(&a);
    return CLI_DONE;
}

static int dispatch(int argc, char *const *argv)
{
    const char *name = argc > 1 ? argv[1] : "";
    bool json = has_json(argc, argv);
    if (strcmp(name, "--version") == 0) {
        return version(json);
    }
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0) {
        cli_help_program(stdout, commands, ARRAY_LEN(commands));
        return CLI_DONE;
    }
    if (name[0] == '\0') {
        cli_help_program(stderr, commands, ARRAY_LEN(commands));
        return CLI_USAGE;
    }
    const struct cli_command *cmd = find(name);
    return cmd == NULL ? unknown(name, json) : run(cmd, argc - 2, argv + 2);
}

/* Started without stdin, stdout or stderr, the next file opened would take its number: messages would go into the
 * store's lock or to a peer. */
static bool are_standard_open(void)
{
    int fd = 0;
    while (fd >= 0 && fd <= STDERR_FILENO) {
        fd = fcntl(fd, F_GETFD) >= 0 ? fd + 1 : open("/dev/null", O_RDWR) == fd ? fd + 1 : -1;
    }
    return fd > STDERR_FILENO;
}

int main(int argc, char **argv)
{
    const struct rlimit none = {0, 0};
    if (!are_standard_open() || setrlimit(RLIMIT_CORE, &none) != 0) { /* every command may hold keys */
        return CLI_INTERNAL;
    }
    wiped_json(); /* of a command with a key, on both sides of the control socket */
    if (wiped_xml() != ERR_OK) {
        return CLI_INTERNAL;
    }
    key_source_prepare();
    int code = dispatch(argc, argv);
    /* A full disk behind stdout must not look like success. */
    bool is_lost = fflush(stdout) != 0 || ferror(stdout) != 0;
    return is_lost && code == CLI_DONE ? CLI_INTERNAL : code;
}
