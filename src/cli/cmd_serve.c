/* keystead serve: the self-test, then the supervisor with the roles of this program. */
#include "cli/cmd_check.h"
#include "cli/roles.h"
#include "keys/keys_selftest.h"
#include "shell/clock.h"
#include "shell/provider.h"
#include "shell/provider_selftest.h"
#include "shell/supervisor.h"

#include <stdio.h>

#define WORKERS_MAX 256

static err_t number(const struct cli_args *a, const char *option, uint64_t most, uint64_t *out)
{
    const char *value = cli_arg(a, option);
    return value == NULL ? ERR_OK : text_u64(text_of(value), most, out) == ERR_OK ? ERR_OK : ERR_USAGE;
}

static err_t self_test(const char **failed)
{
    const struct snapshot_source source = roles_source("");
    TRY(provider_selftest_run(NULL, failed));
    return keys_selftest_run(source.crypto, failed);
}

static int serve(const struct cli_args *a)
{
    uint64_t workers = 0;
    uint64_t ready = UINT64_MAX;
    const char *failed = NULL;
    if (number(a, "--workers", WORKERS_MAX, &workers) != ERR_OK) {
        return cli_fail(a, ERR_USAGE, "--workers is 1 to 256, or 0 for one a core");
    }
    if (number(a, "--ready-fd", 1 << 20, &ready) != ERR_OK) {
        return cli_fail(a, ERR_USAGE, "--ready-fd is the number of an open descriptor");
    }
    if (cli_arg(a, "--test-clock") != NULL && clock_test_offset() != ERR_OK) {
        return cli_fail(a, ERR_USAGE, "KEYSTEAD_CLOCK_OFFSET is a number of seconds");
    }
    err_t e = provider_install();
    e = e == ERR_OK ? self_test(&failed) : e;
    if (e != ERR_OK) { /* nothing is served with cryptography that gives wrong answers */
        return cli_fail(a, e, failed);
    }
    struct supervisor_options o = {.source = roles_source(cli_arg(a, "-c")),
                                   .ready_fd = ready == UINT64_MAX ? -1 : (int)ready};
    o.source.only = a->more;
    o.source.only_n = a->more_n;
    o.source.workers = (size_t)workers;
    struct conf_faults faults = {.n = 0};
    char detail[ROLE_DETAIL_MAX] = "";
    e = supervisor_run(&o, &faults, detail);
    if (e != ERR_OK && faults.n > 0) {
        return cmd_check_faults(a, o.source.file, &faults);
    }
    return e == ERR_OK ? CLI_DONE : cli_fail(a, e, detail);
}

static const struct cli_opt opts[] = {
    {"-c", CLI_OPT_REQUIRED, "the configuration file"},
    {"--role", CLI_OPT_REPEATS, "serve only this role of the file; may be given several times"},
    {"--workers", 0, "worker processes instead of the file's number; 0 is one a core"},
    {"--ready-fd", 0, "write one line of JSON with the listeners to this descriptor when all serve, and close it"},
    {"--test-clock", CLI_OPT_FLAG, "for tests: shift the clock by KEYSTEAD_CLOCK_OFFSET seconds"},
};
static const struct cli_verb verbs[] = {
    {"", opts, ARRAY_LEN(opts), serve,
     "Serves the roles of a configuration until SIGTERM or `ctl stop`; SIGHUP or `ctl reload` reads the file again.",
     "-"},
};
const struct cli_command cmd_serve = {"serve", verbs, ARRAY_LEN(verbs), "run the servers", NULL};
