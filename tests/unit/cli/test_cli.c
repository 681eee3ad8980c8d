/* Reading arguments under a table, exit codes, key files. What the program prints is tested in contract.py. */
#include "cli/cli_parse.h"

#include "base/secret.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static int nothing(const struct cli_args *a)
{
    (void)a;
    return CLI_DONE;
}

static const struct cli_opt add_opts[] = {
    {"-c", CLI_OPT_REQUIRED, "configuration"},  {"--id", CLI_OPT_REQUIRED, "identifier"},
    {"--dry", CLI_OPT_FLAG, "only look"},       {"--target", CLI_OPT_REPEATS, "targets"},
    {"NAME", CLI_OPT_POSITIONAL, "a name"},     {"--suid", CLI_OPT_REPEATS, "uses"},
};
static const struct cli_opt list_opts[] = {
    {"-c", CLI_OPT_REQUIRED, "configuration"},
    {"WORD", CLI_OPT_POSITIONAL | CLI_OPT_REPEATS, "words"},
};
static const struct cli_verb verbs[] = {
    {"credential add", add_opts, ARRAY_LEN(add_opts), nothing, "adds", "-"},
    {"credential list", list_opts, ARRAY_LEN(list_opts), nothing, "lists", "-"},
    {"stop", list_opts, 1, nothing, "stops", "-"},
};
static const struct cli_command cmd = {"ctl", verbs, ARRAY_LEN(verbs), "operates", NULL};

#define PARSE(p, ...)                                                                                                  \
    cli_parse_args(&cmd, (int)ARRAY_LEN(((char *[]){__VA_ARGS__})), (char *[]){__VA_ARGS__}, (p))

static void options_may_stand_before_between_and_after_the_verb(void **state)
{
    (void)state;
    struct cli_parse p;
    assert_int_equal(PARSE(&p, "-c", "credential", "credential", "--id=a=b", "add", "who", "--json", "--dry"), ERR_OK);
    assert_ptr_equal(p.verb, &verbs[0]);
    assert_ptr_equal(p.args.verb, &verbs[0]);
    assert_string_equal(cli_arg(&p.args, "-c"), "credential");
    assert_string_equal(cli_arg(&p.args, "--id"), "a=b");
    assert_string_equal(cli_arg(&p.args, "--dry"), "on");
    assert_string_equal(cli_arg(&p.args, "NAME"), "who");
    assert_null(cli_arg(&p.args, "--target"));
    assert_true(p.args.json);
}

static void repeated_values_stay_in_order(void **state)
{
    (void)state;
    struct cli_parse p;
    assert_int_equal(PARSE(&p, "credential", "add", "-c", "f", "--id", "i", "--target", "t1", "--target=t2"), ERR_OK);
    assert_int_equal(p.args.more_n, 2);
    assert_string_equal(p.args.more[0], "t1");
    assert_string_equal(p.args.more[1], "t2");
    assert_string_equal(cli_arg(&p.args, "--target"), "t1");
    assert_int_equal(PARSE(&p, "credential", "add", "-c", "f", "--id", "i", "--suid", "21", "--target=t", "--suid=32"), ERR_OK);
    assert_int_equal(p.args.more_n, 3);
    assert_string_equal(p.args.more[1], "t");
    assert_string_equal(p.args.more_of[1]->name, "--target");
    assert_string_equal(p.args.more[2], "32");
    assert_string_equal(p.args.more_of[2]->name, "--suid");
    assert_int_equal(PARSE(&p, "-c", "f", "credential", "list", "a", "--", "-b", "--help"), ERR_OK);
    assert_false(p.help);
    assert_int_equal(p.args.more_n, 3);
    assert_string_equal(p.args.more[2], "--help");
    char *many[CLI_REPEATS_MAX + 5] = {"credential", "list", "-c", "f"};
    for (size_t i = 4; i < ARRAY_LEN(many); i++) {
        many[i] = "x";
    }
    assert_int_equal(cli_parse_args(&cmd, CLI_REPEATS_MAX + 4, many, &p), ERR_OK);
    assert_int_equal(cli_parse_args(&cmd, CLI_REPEATS_MAX + 5, many, &p), ERR_USAGE);
}

static void help_needs_nothing_else(void **state)
{
    (void)state;
    struct cli_parse p;
    assert_int_equal(PARSE(&p, "--help"), ERR_OK);
    assert_true(p.help && p.verb == NULL);
    assert_int_equal(PARSE(&p, "credential", "list", "-h"), ERR_OK);
    assert_true(p.help && p.verb == &verbs[1]);
}

static void wrong_use_is_told(void **state)
{
    (void)state;
    static const struct {
        const char *args[8];
        const char *fault;
    } rows[] = {
        {{"stop"}, "-c is missing"},
        {{"stop", "-c"}, "-c needs a value"},
        {{"stop", "-c", "f", "-c", "g"}, "-c is given twice"},
        {{"stop", "-c", "f", "now"}, "unexpected argument 'now'"},
        {{"stop", "-c", "f", "--dry"}, "unknown option '--dry'"},
        {{"credential", "add", "-c", "f", "--idd", "x"}, "unknown option '--idd'; did you mean '--id'?"},
        {{"credential", "add", "-c", "f", "--id", "x", "--dry=1"}, "--dry takes no value"},
        {{"stop", "-c", "f", "--json=1"}, "--json takes no value"},
        {{"stop", "-c", "f", "--jsno"}, "unknown option '--jsno'; did you mean '--json'?"},
        {{"stpo"}, "ctl has no verb 'stpo'; did you mean 'stop'?"},
        {{"credential", "lits"}, "ctl has no verb 'credential'; did you mean 'credential list'?"},
        {{"credential"}, "ctl has no verb 'credential'"},
        {{"-c", "f"}, "ctl needs a verb: see keystead ctl --help"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct cli_parse p;
        char *args[8];
        int n = 0;
        for (; n < 8 && rows[i].args[n] != NULL; n++) {
            args[n] = (char *)(uintptr_t)rows[i].args[n];
        }
        assert_int_equal(cli_parse_args(&cmd, n, args, &p), ERR_USAGE);
        assert_string_equal(p.fault, rows[i].fault);
    }
}

static const struct cli_verb *built(size_t *n)
{
    *n = 1;
    return &verbs[2];
}

static void verbs_may_be_built(void **state)
{
    (void)state;
    const struct cli_command other = {"x", NULL, 0, "built", built};
    struct cli_parse p;
    assert_int_equal(cli_parse_args(&other, 3, (char *[]){"stop", "-c", "f"}, &p), ERR_OK);
    assert_int_equal(cli_parse_args(&other, 2, (char *[]){"credential", "list"}, &p), ERR_USAGE);
}

static void exit_codes_follow_the_groups(void **state)
{
    (void)state;
    static const struct {
        err_t e;
        int code;
    } rows[] = {
        {ERR_OK, 0},           {ERR_MALFORMED, 2},      {ERR_MALFORMED_HEX, 2},    {ERR_MALFORMED_RECORD, 4},
        {ERR_NOT_IMPLEMENTED, 2}, {ERR_REQUEST_EXPIRED, 1}, {ERR_DENIED_PSK_UNKNOWN, 1}, {ERR_DENIED_PEER, 1},
        {ERR_NOT_FOUND, 1},    {ERR_STATE, 1},          {ERR_LIMIT_SIZE, 2},       {ERR_LIMIT_TIME, 3},
        {ERR_LIMIT_CAPACITY, 1}, {ERR_STORE, 4},        {ERR_STORE_CONFLICT, 4},   {ERR_CRYPTO_SELFTEST, 4},
        {ERR_AUDIT_CHAIN, 4},  {ERR_PEER_UNREACHABLE, 3}, {ERR_PEER_TIMEOUT, 3},   {ERR_PEER_NONSENSE, 1},
        {ERR_PEER_FAILING, 3}, {ERR_PEER_REFUSED, 1},   {ERR_CONFIG, 2},         {ERR_USAGE, 2},            {ERR_IO, 4},
        {ERR_FILE_MODE, 2},    {ERR_BUG, 4},            {ERR_COUNT, 4},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        assert_int_equal(cli_exit_code(rows[i].e), rows[i].code);
    }
    for (unsigned e = 1; e < ERR_COUNT; e++) { /* no error is success */
        assert_in_range(cli_exit_code((err_t)e), CLI_REFUSED, CLI_INTERNAL);
    }
}

static void key_file(const char *content, mode_t mode, err_t want, size_t octets)
{
    char name[] = "/tmp/keystead-key-XXXXXX";
    int fd = mkstemp(name);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, content, strlen(content)), (ssize_t)strlen(content));
    assert_int_equal(fchmod(fd, mode), 0);
    (void)close(fd);
    SCOPED(secret_wipe) struct secret s = {{9}, 1};
    assert_int_equal(cli_key_file(name, &s), want);
    assert_int_equal(s.n, octets);
    (void)unlink(name);
}

static void key_files_are_hex_and_private(void **state)
{
    (void)state;
    static const char good[] = "4d6164652d75702d6b65792d30303031\n";
    key_file(good, 0600, ERR_OK, 16);
    key_file(good, 0400, ERR_OK, 16);
    key_file("4D6164652D75702D6B65792D30303031", 0600, ERR_OK, 16);
    static const mode_t open_modes[] = {0640, 0604, 0620, 0602, 0610, 0601, 0644, 0666};
    for (size_t i = 0; i < ARRAY_LEN(open_modes); i++) {
        key_file(good, open_modes[i], ERR_FILE_MODE, 0);
    }
    key_file("4d616\n", 0600, ERR_MALFORMED_HEX, 0);
    key_file("not hex!\n", 0600, ERR_MALFORMED_HEX, 0);
    key_file("4d61\n4d61\n", 0600, ERR_MALFORMED_HEX, 0);
    SCOPED(secret_wipe) struct secret s = {{9}, 1};
    assert_int_equal(cli_key_file("/nonexistent/key", &s), ERR_IO);
    assert_int_equal(s.n, 0);
    assert_int_equal(cli_key_file("/", &s), ERR_IO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_may_stand_before_between_and_after_the_verb),
        cmocka_unit_test(repeated_values_stay_in_order),
        cmocka_unit_test(help_needs_nothing_else),
        cmocka_unit_test(wrong_use_is_told),
        cmocka_unit_test(verbs_may_be_built),
        cmocka_unit_test(exit_codes_follow_the_groups),
        cmocka_unit_test(key_files_are_hex_and_private),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
