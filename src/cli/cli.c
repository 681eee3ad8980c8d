#include "cli/cli.h"

#include "shell/secret_file.h"

#include <assert.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *cli_arg(const struct cli_args *a, const char *name)
{
    for (size_t i = 0; i < a->opts_n; i++) {
        if (strcmp(a->opts[i].name, name) == 0) {
            return a->value[i];
        }
    }
    assert(!"an option that the table does not have");
    return NULL;
}

/* -- exit codes: the group of an error decides, some rows differ from their group ---------------------- */

struct exit_row {
    err_t first;
    int code;
};

/* In the order of err_rows.h: a row counts up to the next. */
static const struct exit_row groups[] = {
    {ERR_OK, CLI_DONE},
    {ERR_MALFORMED, CLI_USAGE},
    {ERR_DENIED_PSK_UNKNOWN, CLI_REFUSED}, /* denied, then state, then limit */
    {ERR_STORE, CLI_INTERNAL},
    {ERR_CRYPTO, CLI_INTERNAL},
    {ERR_PEER_UNREACHABLE, CLI_UNREACHABLE},
    {ERR_CONFIG, CLI_USAGE},
    {ERR_IO, CLI_INTERNAL},
};

static const struct exit_row exceptions[] = {
    {ERR_MALFORMED_RECORD, CLI_INTERNAL}, {ERR_REQUEST_EXPIRED, CLI_REFUSED}, {ERR_LIMIT_SIZE, CLI_USAGE},
    {ERR_LIMIT_TIME, CLI_UNREACHABLE},    {ERR_LIMIT_BUSY, CLI_UNREACHABLE},  {ERR_PEER_NONSENSE, CLI_REFUSED},
    {ERR_PEER_REFUSED, CLI_REFUSED},      {ERR_FILE_MODE, CLI_USAGE},
    {ERR_SIM_MISSING, CLI_USAGE},         {ERR_SIM_FILE, CLI_USAGE},        {ERR_SIM_READER, CLI_USAGE},
    {ERR_SIM_CARD, CLI_USAGE},            {ERR_SIM_PIN, CLI_USAGE},        {ERR_SIM_PIN_BLOCKED, CLI_USAGE},
    {ERR_SIM_SERVICE, CLI_USAGE},         {ERR_SIM_ABSENT, CLI_USAGE},     {ERR_SIM_BUSY, CLI_USAGE},
    {ERR_SIM_MUTE, CLI_USAGE},            {ERR_SIM_NO_USIM, CLI_USAGE},
    {ERR_NO_DEVICE_STATE, CLI_USAGE},
};

int cli_exit_code(err_t e)
{
    for (size_t i = 0; i < ARRAY_LEN(exceptions); i++) {
        if (exceptions[i].first == e) {
            return exceptions[i].code;
        }
    }
    int code = CLI_INTERNAL;
    for (size_t i = 0; i < ARRAY_LEN(groups) && groups[i].first <= e; i++) {
        code = groups[i].code;
    }
    return code;
}

/* -- output ------------------------------------------------------------------------------------------- */

static json_t *object; /* between cli_out_begin() and cli_out_end() with --json */

/* What peers and files may have put into a value cannot forge a second line. */
static void put_escaped(FILE *f, struct text t)
{
    for (size_t i = 0; i < t.n; i++) {
        unsigned char u = (unsigned char)t.p[i];
        if (u < 0x20 || u == 0x7F) {
            (void)fprintf(f, "\\x%02X", u);
        } else {
            (void)fputc(u, f);
        }
    }
}

/* Octets that are no UTF-8 have no place in JSON: they become '?'. */
static json_t *json_of(struct text t)
{
    json_t *v = json_stringn(t.p, t.n);
    if (v != NULL) {
        return v;
    }
    char *copy = malloc(t.n + 1);
    if (copy == NULL) {
        return NULL;
    }
    for (size_t i = 0; i < t.n; i++) {
        copy[i] = (unsigned char)t.p[i] < 0x80 ? t.p[i] : '?';
    }
    v = json_stringn(copy, t.n);
    free(copy);
    return v;
}

static void put_object(json_t *o)
{
    (void)json_dumpf(o, stdout, JSON_COMPACT);
    (void)fputc('\n', stdout);
}

void cli_out_begin(const struct cli_args *a)
{
    json_decref(object);
    object = a->json ? json_object() : NULL;
}

void cli_out(const struct cli_args *a, const char *name, struct text value)
{
    if (a->json) {
        (void)json_object_set_new(object, name, json_of(value));
        return;
    }
    (void)printf("%s=", name);
    put_escaped(stdout, value);
    (void)fputc('\n', stdout);
}

void cli_out_number(const struct cli_args *a, const char *name, uint64_t value)
{
    if (a->json) {
        (void)json_object_set_new(object, name, json_integer((json_int_t)value));
        return;
    }
    (void)printf("%s=%llu\n", name, (unsigned long long)value);
}

void cli_out_json(const struct cli_args *a, const char *name, struct text value)
{
    json_t *v = a->json && value.n > 0 ? json_loadb(value.p, value.n, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, NULL) : NULL;
    if (v == NULL && (!a->json || value.n > 0)) {
        cli_out(a, name, value);
        return;
    }
    (void)json_object_set_new(object, name, v != NULL ? v : json_null());
}

void cli_out_end(const struct cli_args *a)
{
    if (a->json && object != NULL) {
        put_object(object);
    }
    json_decref(object);
    object = NULL;
    (void)fflush(stdout);
}

int cli_fail(const struct cli_args *a, err_t e, const char *detail)
{
    const struct err_info *row = err_info(e);
    int code = cli_exit_code(e);
    json_decref(object); /* a command that fails half-way prints the failure, not the half */
    object = NULL;
    if (a->json) {
        json_t *o = json_object();
        (void)json_object_set_new(o, "error", json_string(row->code));
        (void)json_object_set_new(o, "text", json_string(row->text));
        if (detail != NULL && detail[0] != '\0') {
            (void)json_object_set_new(o, "detail", json_of(text_of(detail)));
        }
        (void)json_object_set_new(o, "hint", json_string(row->hint));
        (void)json_object_set_new(o, "clause", json_string(row->clause));
        (void)json_object_set_new(o, "exit", json_integer(code));
        put_object(o);
        json_decref(o);
        (void)fflush(stdout);
        return code;
    }
    (void)fprintf(stderr, "keystead: %s: %s", row->code, row->text);
    if (detail != NULL && detail[0] != '\0') {
        (void)fputs(" (", stderr);
        put_escaped(stderr, text_of(detail));
        (void)fputc(')', stderr);
    }
    bool has_clause = strcmp(row->clause, "-") != 0;
    (void)fprintf(stderr, "; %s%s%s%s\n", row->hint, has_clause ? " [" : "", row->clause + (has_clause ? 0 : 1),
                  has_clause ? "]" : "");
    return code;
}

err_t cli_key_file(const char *file, struct secret *out)
{
    secret_wipe(out);
    return secret_file_read(file, 0, out);
}
