/*
 * keystead ctl: the operator's commands. Verbs and options are those of the roles' ctl_row tables and of the shell's
 * own rows. A running server is asked over its control socket; without one the command runs here, on the store.
 */
#include "base/ct.h"
#include "base/hex.h"
#include "base/secret.h"
#include "cli/cmd_check.h"
#include "cli/ctl_client.h"
#include "cli/ctl_lines.h"
#include "cli/ctl_print.h"
#include "cli/roles.h"
#include "shell/clock.h"
#include "shell/control.h"
#include "shell/offline.h"
#include "wire/json.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

extern const struct cli_command cmd_ctl;

#define VERBS_MAX 96
#define NAME_MAX_OCTETS 48
#define RETRY_TIME (10 * USEC_PER_SEC) /* longer than a process takes to leave */
#define RETRY_WAIT 50000                /* microseconds */
#define COMMON_N 4 /* options of the roles' verbs: -c, --role, --instance, --admin; the server's own have the first two */

/* -- the table of verbs, made of the tables of others ---------------------------------------------------- */
struct verb {
    char name[NAME_MAX_OCTETS];
    const struct ctl_row *row; /* of the first role that has it: names and options are the same in each */
    struct cli_opt opts[CLI_OPTS_MAX];
};

static struct {
    struct verb verbs[VERBS_MAX];
    struct cli_verb table[VERBS_MAX];
    size_t n;
} built;

static int run(const struct cli_args *a);

static bool same_command(const struct ctl_row *a, const struct ctl_row *b)
{
    return strcmp(a->noun, b->noun) == 0 && strcmp(a->verb, b->verb) == 0;
}

static unsigned opt_flags(unsigned ctl_flags)
{
    return ((ctl_flags & CTL_ARG_REQUIRED) != 0 ? (unsigned)CLI_OPT_REQUIRED : 0U) |
           ((ctl_flags & CTL_ARG_POSITIONAL) != 0 ? (unsigned)CLI_OPT_POSITIONAL : 0U);
}

static void verb_add(const struct ctl_row *row, bool of_role)
{
    for (size_t i = 0; i < built.n; i++) {
        if (same_command(built.verbs[i].row, row)) {
            return;
        }
    }
    if (built.n == VERBS_MAX || row->args_n + COMMON_N > CLI_OPTS_MAX) {
        return; /* a test counts the rows */
    }
    struct verb *v = &built.verbs[built.n];
    v->row = row;
    (void)snprintf(v->name, sizeof(v->name), "%s%s%s", row->noun, row->verb[0] == '\0' ? "" : " ", row->verb);
    size_t n = 0;
    v->opts[n++] = (struct cli_opt){"-c", CLI_OPT_REQUIRED, "configuration file of the server"};
    v->opts[n++] = (struct cli_opt){"--role", 0, "which role of this server, if several have the command"};
    if (of_role) {
        v->opts[n++] = (struct cli_opt){"--instance", 0, "FQDN or section name of a further instance of the role: [mef NAME]"};
        v->opts[n++] = (struct cli_opt){"--admin", 0, "the instance that serves this stakeholder: its admin-fqdn"};
    }
    for (size_t i = 0; i < row->args_n; i++) {
        v->opts[n++] = (struct cli_opt){row->args[i].name, opt_flags(row->args[i].flags), row->args[i].doc};
    }
    built.table[built.n++] = (struct cli_verb){v->name, v->opts, n, run, row->doc, "-"};
}

static const struct cli_verb *build(size_t *n)
{
    if (built.n == 0) {
        for (size_t r = 0; r < roles_all_n; r++) {
            for (size_t i = 0; i < roles_all[r]->ctl_n; i++) {
                verb_add(&roles_all[r]->ctl[i], true);
            }
        }
        for (size_t i = 0; i < control_rows_n; i++) {
            verb_add(&control_rows[i], false);
        }
    }
    *n = built.n;
    return built.table;
}

/* -- one call ------------------------------------------------------------------------------------------ */
struct call {
    const struct cli_args *a;
    const struct ctl_row *row;
    const struct role *role;         /* NULL: the shell's own row, or several to try */
    const struct role *candidates[8]; /* roles of this server that have the command, in the program's order */
    size_t candidates_n;
    const char *file;
    const char *instance; /* NULL: the default one */
    const char *admin;    /* or by its stakeholder; NULL: not so */
    struct ctl_client_server server;
    const char *list; /* CTL_ARG_LINES, or NULL */
    json_t *answers;  /* of its calls, put together; or NULL */
    json_t *args;
    char *line; /* CONTROL_LINE_MAX: the request, then the answer; it may hold the key */
    char detail[CTL_CLIENT_DETAIL_MAX];
};

/* jansson frees without wiping, so the one secret member goes first. */
static void wipe_key(struct call *c)
{
    const json_t *key = json_object_get(c->args, "key");
    if (key != NULL) {
        ct_wipe((void *)(uintptr_t)json_string_value(key), json_string_length(key));
    }
}

static void call_wipe(struct call *c)
{
    wipe_key(c);
    json_decref(c->args);
    json_decref(c->answers);
    if (c->line != NULL) {
        ct_wipe(c->line, CONTROL_LINE_MAX);
        free(c->line);
    }
}

static err_t fail(struct call *c, err_t e, const char *what, const char *why)
{
    if (snprintf(c->detail, sizeof(c->detail), "%s%s%s", what, why[0] == '\0' ? "" : ": ", why) < 0) {
        c->detail[0] = '\0';
    }
    return e;
}

static const struct ctl_row *row_in(const struct ctl_row *rows, size_t n, const struct ctl_row *like)
{
    for (size_t i = 0; i < n; i++) {
        if (same_command(&rows[i], like)) {
            return &rows[i];
        }
    }
    return NULL;
}

static bool role_is_served(const struct call *c, const char *name)
{
    struct text rest = text_of(c->server.roles);
    struct text part;
    while (text_next(&rest, ',', &part)) {
        if (text_eq_z(part, name)) {
            return true;
        }
    }
    return false;
}

static bool has_arg(const struct ctl_row *row, const char *name)
{
    for (size_t i = 0; i < row->args_n; i++) {
        if (strcmp(row->args[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

/* The only role of this server that has the command, or that of --role. Where --kind tells them apart, all are
 * candidates: each refuses another's kind with ERR_USAGE. */
static err_t role_choose(struct call *c)
{
    if (row_in(control_rows, control_rows_n, c->row) != NULL) {
        c->row = row_in(control_rows, control_rows_n, c->row);
        return ERR_OK;
    }
    const char *wanted = cli_arg(c->a, "--role");
    c->instance = cli_arg(c->a, "--instance");
    if (c->instance != NULL && c->instance[0] == '\0') {
        return fail(c, ERR_USAGE, "--instance needs a name", "");
    }
    c->admin = cli_arg(c->a, "--admin");
    if (c->admin != NULL && (c->admin[0] == '\0' || c->instance != NULL)) {
        return fail(c, ERR_USAGE, "--admin needs an FQDN, and goes without --instance", "");
    }
    for (size_t r = 0; r < roles_all_n && c->candidates_n < ARRAY_LEN(c->candidates); r++) {
        const struct role *role = roles_all[r];
        if (row_in(role->ctl, role->ctl_n, c->row) != NULL && role_is_served(c, role->name) &&
            (wanted == NULL || strcmp(wanted, role->name) == 0)) {
            c->candidates[c->candidates_n++] = role;
        }
    }
    if (c->candidates_n == 0) {
        return fail(c, ERR_USAGE, "no role of this server has the command; its roles", c->server.roles);
    }
    if (c->candidates_n > 1 && !has_arg(c->row, "--kind")) {
        return fail(c, ERR_USAGE, "several roles of this server have the command: add --role, one of", c->server.roles);
    }
    c->role = c->candidates_n == 1 ? c->candidates[0] : NULL;
    return ERR_OK;
}

/* -- arguments ------------------------------------------------------------------------------------------ */
static err_t arg_set(struct call *c, const char *name, struct text value)
{
    while (name[0] == '-') {
        name++;
    }
    return json_set_text(c->args, name, value) ? ERR_OK : fail(c, ERR_USAGE, name, "not valid UTF-8");
}

static void wipe_hex(char (*hex)[2 * SECRET_MAX])
{
    ct_wipe(*hex, sizeof(*hex));
}

static err_t arg_key(struct call *c, const char *file)
{
    SCOPED(secret_wipe) struct secret s = {.n = 0};
    errno = 0;
    err_t e = cli_key_file(file, &s);
    if (e == ERR_IO) { /* mistyped, mostly */
        return fail(c, ERR_USAGE, file, errno == 0 ? "is no regular file" : strerror(errno));
    }
    if (e != ERR_OK) {
        return fail(c, e, file, "");
    }
    SCOPED(wipe_hex) char hex[2 * SECRET_MAX] = {0};
    struct writer w = WRITER_ARRAY(hex);
    hex_write_lower(&w, secret_view(&s));
    return arg_set(c, "key", writer_view_text(&w));
}

/* The server's working directory is not the operator's. */
static err_t arg_path(struct call *c, const char *name, const char *file)
{
    char full[2 * CTL_CLIENT_PATH_MAX];
    char here[CTL_CLIENT_PATH_MAX];
    struct writer w = WRITER_ARRAY(full);
    if (file[0] != '/') {
        if (getcwd(here, sizeof(here)) == NULL) {
            return fail(c, ERR_IO, "the working directory", "");
        }
        writer_z(&w, here);
        writer_z(&w, "/");
    }
    writer_z(&w, file);
    TRY(writer_finish(&w));
    return arg_set(c, name, writer_view_text(&w));
}

static err_t args_take(struct call *c)
{
    c->args = json_object();
    for (size_t i = 0; i < c->row->args_n; i++) {
        const struct ctl_arg *arg = &c->row->args[i];
        const char *value = cli_arg(c->a, arg->name);
        if (value == NULL) {
            continue;
        }
        if ((arg->flags & CTL_ARG_LINES) != 0) {
            c->list = value;
            continue;
        }
        if ((arg->flags & CTL_ARG_SECRET_FILE) != 0) {
            TRY(arg_key(c, value));
        } else if ((arg->flags & CTL_ARG_PATH) != 0) {
            TRY(arg_path(c, arg->name, value));
        } else {
            TRY(arg_set(c, arg->name, text_of(value)));
        }
    }
    return ERR_OK;
}

/* -- with a server -------------------------------------------------------------------------------------- */
static err_t line_write(struct call *c, struct writer *w)
{
    writer_z(w, "{\"noun\":");
    json_write_string(w, text_of(c->row->noun));
    writer_z(w, ",\"verb\":");
    json_write_string(w, text_of(c->row->verb));
    if (c->role != NULL) {
        writer_z(w, ",\"role\":");
        json_write_string(w, text_of(c->role->name));
    }
    if (c->instance != NULL) {
        writer_z(w, ",\"instance\":");
        json_write_string(w, text_of(c->instance));
    }
    if (c->admin != NULL) {
        writer_z(w, ",\"admin\":");
        json_write_string(w, text_of(c->admin));
    }
    writer_z(w, ",\"args\":");
    TRY(json_write(c->args, w));
    writer_z(w, "}\n");
    return writer_finish(w);
}

static void result_print(const struct cli_args *a, const json_t *result)
{
    if (a->json) {
        (void)json_dumpf(result, stdout, JSON_COMPACT);
        (void)fputc('\n', stdout);
    } else {
        ctl_print(stdout, result);
    }
}

static void result_take(const struct call *c, const json_t *result)
{
    if (c->answers != NULL) {
        ctl_lines_add_up(c->answers, result);
    } else {
        result_print(c->a, result);
    }
}

/* ERR_NOT_FOUND with *served false: nobody listens. */
static err_t ask(struct call *c, bool *served)
{
    SCOPED(json_scope) json_t *result = NULL;
    struct writer request = writer_of(c->line, CONTROL_LINE_MAX);
    TRY(line_write(c, &request));
    TRY(ctl_client_ask(c->server.socket, writer_view_text(&request), &result, served, c->detail));
    result_take(c, result);
    return ERR_OK;
}

/* -- without --------------------------------------------------------------------------------------------- */
static void snapshot_scope(struct snapshot **s)
{
    snapshot_free(*s);
}

/* One command: of the shell, or of the first candidate that does not refuse its --kind. */
static err_t try_here(struct call *c, const struct snapshot *snap, struct writer *w)
{
    struct offline_call call = {.row = c->row, .args = c->args, .instance = text_of(c->instance), .admin = text_of(c->admin),
                                .now = clock_now()};
    if (c->candidates_n == 0) {
        return offline_run(snap, &call, w, c->detail);
    }
    err_t e = ERR_USAGE;
    for (size_t i = 0; i < c->candidates_n && e == ERR_USAGE; i++) {
        call.role = c->candidates[i];
        call.row = row_in(call.role->ctl, call.role->ctl_n, c->row);
        e = offline_run(snap, &call, w, c->detail);
    }
    return e;
}

static err_t run_here(struct call *c, int *faults_exit)
{
    const struct snapshot_source source = roles_source(c->file);
    struct conf_faults faults = {.n = 0};
    SCOPED(snapshot_scope) struct snapshot *snap = NULL;
    err_t e = snapshot_load(&source, &snap, &faults);
    if (e != ERR_OK) {
        if (faults.n > 0) {
            *faults_exit = cmd_check_faults(c->a, c->file, &faults);
        }
        return e;
    }
    struct writer w = writer_of(c->line, CONTROL_LINE_MAX);
    e = try_here(c, snap, &w);
    if (e == ERR_STORE_LOCKED) {
        return fail(c, e, "a server holds the store, but nobody answers at its control socket", c->server.socket);
    }
    TRY(e);
    SCOPED(json_scope) json_t *result = NULL;
    TRY(json_parse(writer_view(&w), &result));
    result_take(c, result);
    return ERR_OK;
}

/* -- a server that leaves -------------------------------------------------------------------------------------- */
/* A process that leaves for a reload or a stop says that it did nothing: the next one is asked, or the store. */
static err_t call(struct call *c, int *faults_exit)
{
    usec_t until = clock_monotonic() + RETRY_TIME;
    bool leaving = false;
    for (;;) {
        bool served = false;
        c->detail[0] = '\0';
        err_t e = ask(c, &served);
        if (!served && e == ERR_NOT_FOUND) {
            c->detail[0] = '\0';
            e = run_here(c, faults_exit);
        }
        bool again = e == ERR_STATE_LEAVING || (leaving && e == ERR_STORE_LOCKED);
        leaving = leaving || e == ERR_STATE_LEAVING;
        if (!again || clock_monotonic() >= until) {
            return e;
        }
        (void)usleep(RETRY_WAIT);
    }
}

/* -- a list ------------------------------------------------------------------------------------------------------ */
static void lines_scope(struct ctl_lines **l)
{
    if (*l != NULL) {
        ctl_lines_close(*l);
        free(*l);
    }
}

static err_t call_lines(struct call *c, const struct ctl_lines *l, int *faults_exit)
{
    char number[24];
    (void)snprintf(number, sizeof(number), "%llu", (unsigned long long)l->first);
    wipe_key(c);
    TRY(arg_set(c, "key", text_span(l->lines, l->n)));
    TRY(arg_set(c, "line", text_of(number)));
    TRY(arg_set(c, "head", text_of(l->head)));
    TRY(call(c, faults_exit));
    if (isatty(STDERR_FILENO)) {
        (void)fprintf(stderr, "\r%llu lines", (unsigned long long)l->number);
    }
    return ERR_OK;
}

/* What was added before a call that fails stays, and is said. */
static err_t run_list(struct call *c, int *faults_exit)
{
    SCOPED(lines_scope) struct ctl_lines *l = malloc(sizeof(*l));
    if (l == NULL) {
        return ERR_LIMIT_CAPACITY;
    }
    errno = 0;
    err_t e = ctl_lines_open(l, c->list);
    if (e != ERR_OK) {
        return fail(c, e == ERR_IO ? ERR_USAGE : e, c->list, e != ERR_IO ? "" : errno == 0 ? "is no regular file" : strerror(errno));
    }
    c->answers = json_object();
    bool any = false;
    while ((e = ctl_lines_next(l)) == ERR_OK && l->n > 0 && (e = call_lines(c, l, faults_exit)) == ERR_OK) {
        any = true;
    }
    if (e == ERR_OK && !any) {
        return fail(c, ERR_USAGE, c->list, "nothing in it but, at most, the line that names the columns");
    }
    if (l->number > 0 && isatty(STDERR_FILENO)) {
        (void)fputc('\n', stderr);
    }
    result_print(c->a, c->answers);
    if (e == ERR_LIMIT_SIZE && c->detail[0] == '\0') {
        char line[48];
        (void)snprintf(line, sizeof(line), "line %llu", (unsigned long long)l->number);
        return fail(c, e, line, "");
    }
    return e;
}

static err_t prepare(struct call *c)
{
    c->line = malloc(CONTROL_LINE_MAX);
    if (c->line == NULL) {
        return ERR_LIMIT_CAPACITY;
    }
    c->file = cli_arg(c->a, "-c");
    TRY(ctl_client_find(c->file, &c->server, c->detail));
    TRY(role_choose(c));
    return args_take(c);
}

static int run(const struct cli_args *a)
{
    size_t i = (size_t)(a->verb - built.table);
    SCOPED(call_wipe) struct call c = {.a = a, .row = built.verbs[i].row};
    int faults_exit = -1;
    err_t e = prepare(&c);
    if (e == ERR_OK) {
        e = c.list == NULL ? call(&c, &faults_exit) : run_list(&c, &faults_exit);
    }
    (void)fflush(stdout);
    if (e == ERR_OK) {
        return json_array_size(json_object_get(c.answers, "refused")) > 0 ? CLI_REFUSED : CLI_DONE;
    }
    return faults_exit >= 0 ? faults_exit : cli_fail(a, e, c.detail);
}

const struct cli_command cmd_ctl = {"ctl", NULL, 0, "operate a server: credentials, keys, audit, backup", build};
