/*
 * keystead trace: what happened, drawn from the audit chains of servers that run, or from their events in a file. It asks
 * for `audit tail` and `explain` alone: it changes nothing, and neither holds a key.
 */
#include "cli/cli.h"
#include "cli/ctl_client.h"
#include "cli/trace_steps.h"
#include "shell/conf_fault.h"
#include "store/audit_find.h"
#include "wire/json.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

extern const struct cli_command cmd_trace;

#define PAGE "50" /* events of one question: with names of full length they fit one answer */
#define LIMIT_DEFAULT 2000
#define NAME_MAX_OCTETS (AUDIT_TEXT_MAX - 1)

struct trace {
    const struct cli_args *a;
    struct trail trail;
    const char *id; /* NULL: everything */
    uint64_t limit; /* events of each server that are looked at */
    char detail[768];
};

static void trace_free(struct trace *t)
{
    trail_free(&t->trail);
}

static err_t fail(struct trace *t, err_t e, const char *what, const char *why)
{
    (void)snprintf(t->detail, sizeof(t->detail), "%.300s%s%.400s", what, why[0] == '\0' ? "" : ": ", why);
    return e;
}

/* -- servers ---------------------------------------------------------------------------------------------------------- */
static err_t ask(struct trace *t, const char *socket, struct text line, json_t **result)
{
    char detail[CTL_CLIENT_DETAIL_MAX] = "";
    bool served = false;
    err_t e = ctl_client_ask(socket, line, result, &served, detail);
    if (!served) {
        return fail(t, ERR_PEER_UNREACHABLE, socket,
                    "nobody listens: start the server, or give a file of what `keystead ctl -c FILE audit tail --json` prints");
    }
    return e == ERR_OK ? ERR_OK : fail(t, e, detail, "");
}

/* The page before event `before`, 0: the last one. *first: the number of its oldest event, 0 if it is empty. */
static err_t page(struct trace *t, size_t source, const char *socket, uint64_t before, uint64_t *first)
{
    SCOPED(json_scope) json_t *result = NULL;
    char line[160];
    char why[TRAIL_DETAIL_MAX] = "";
    char number[40] = "";
    if (before > 0) {
        (void)snprintf(number, sizeof(number), ",\"before\":\"%llu\"", (unsigned long long)before);
    }
    (void)snprintf(line, sizeof(line), "{\"noun\":\"audit\",\"verb\":\"tail\",\"args\":{\"limit\":\"" PAGE "\"%s}}\n", number);
    TRY(ask(t, socket, text_of(line), &result));
    const json_t *oldest = json_array_get(json_object_get(result, "events"), 0);
    json_int_t n = json_integer_value(json_object_get(oldest, "number"));
    *first = n > 0 ? (uint64_t)n : 0;
    err_t e = trail_add(&t->trail, source, result, why);
    return e == ERR_OK ? ERR_OK : fail(t, e == ERR_MALFORMED ? ERR_PEER_NONSENSE : e, socket, why);
}

static bool is_of_a_device(struct text name)
{
    return text_find(name, '@') < name.n || text_starts(name, "//");
}

static err_t take_name(struct trace *t, const json_t *v)
{
    struct text name = text_span(json_string_value(v), json_string_length(v));
    return is_of_a_device(name) ? trail_name(&t->trail, name) : ERR_OK;
}

/* What came of what: the chain alone does not say which Enrolment Key came of which bootstrap credential. */
static err_t take_names(struct trace *t, const json_t *objects)
{
    static const char *const members[] = {"id", "came-from", "enrolee-id"};
    for (size_t i = 0; i < json_array_size(objects); i++) {
        const json_t *o = json_array_get(objects, i);
        const json_t *gave = json_object_get(o, "gave");
        for (size_t k = 0; k < ARRAY_LEN(members); k++) {
            TRY(take_name(t, json_object_get(o, members[k])));
        }
        for (size_t k = 0; k < json_array_size(gave); k++) {
            TRY(take_name(t, json_array_get(gave, k)));
        }
    }
    return ERR_OK;
}

static err_t related(struct trace *t, const char *socket)
{
    SCOPED(json_scope) json_t *result = NULL;
    char line[64 + 6 * AUDIT_TEXT_MAX];
    struct writer w = WRITER_ARRAY(line);
    writer_z(&w, "{\"noun\":\"explain\",\"verb\":\"\",\"args\":{\"ID\":");
    json_write_string(&w, text_of(t->id));
    writer_z(&w, "}}\n");
    TRY(writer_finish(&w));
    TRY(ask(t, socket, writer_view_text(&w), &result));
    return take_names(t, json_object_get(result, "objects"));
}

static err_t from_server(struct trace *t, size_t source, const char *socket)
{
    uint64_t before = 0;
    size_t had = t->trail.n + t->trail.unknown;
    do {
        TRY(page(t, source, socket, before, &before));
    } while (before > 1 && t->trail.n + t->trail.unknown - had < t->limit);
    return t->id == NULL ? ERR_OK : related(t, socket);
}

static err_t from_servers(struct trace *t)
{
    for (size_t i = 0; i < t->a->more_n; i++) {
        struct ctl_client_server server;
        const char *socket = t->a->more[i];
        if (strcmp(t->a->more_of[i]->name, "-c") == 0) {
            char why[CTL_CLIENT_DETAIL_MAX] = "";
            err_t e = ctl_client_find(t->a->more[i], &server, why);
            if (e != ERR_OK) {
                return fail(t, e, why, "");
            }
            socket = server.socket;
        }
        TRY(from_server(t, i, socket));
    }
    return ERR_OK;
}

/* -- a file ------------------------------------------------------------------------------------------------------------ */
static void close_file(FILE **f)
{
    if (*f != NULL && *f != stdin) {
        (void)fclose(*f);
    }
}

static err_t from_file(struct trace *t, const char *name)
{
    SCOPED(close_file) FILE *f = strcmp(name, "-") == 0 ? stdin : fopen(name, "re");
    char why[TRAIL_DETAIL_MAX] = "";
    if (f == NULL) {
        (void)snprintf(why, sizeof(why), "%s. For a name, say whose chains: -c FILE or --socket PATH, once for each server",
                       strerror(errno));
        return fail(t, ERR_USAGE, name, why);
    }
    err_t e = trail_add_file(&t->trail, 0, f, why);
    return e == ERR_OK ? ERR_OK : fail(t, e == ERR_IO ? ERR_USAGE : e, strcmp(name, "-") == 0 ? "stdin" : name, why);
}

/* -- what is shown ----------------------------------------------------------------------------------------------------- */
static err_t nothing(struct trace *t)
{
    struct conf_fault_guess g = conf_fault_guess_of(text_of(t->id));
    struct audit_find_names names;
    char best[AUDIT_FIND_NAME_MAX] = "";
    for (size_t i = 0; i < t->trail.n; i++) {
        audit_find_names(&t->trail.at[i].event, &names);
        for (size_t k = 0; k < names.n; k++) {
            conf_fault_guess_offer(&g, names.at[k]);
            if (g.best == names.at[k]) { /* it borrows, and the names go */
                memcpy(best, names.at[k], sizeof(best));
                g.best = best;
            }
        }
    }
    (void)snprintf(t->detail, sizeof(t->detail), "none of the %zu events looked at is about '%.120s'%s%s%s", t->trail.n, t->id,
                   best[0] == '\0' ? "; `keystead ctl -c FILE explain ID` tells what a server knows of a name" : "; did you mean '",
                   best, best[0] == '\0' ? "" : "'?");
    return ERR_NOT_FOUND;
}

static err_t narrow(struct trace *t)
{
    size_t shown = 0;
    if (t->trail.n == 0) {
        return fail(t, ERR_NOT_FOUND, "there are no audit events", "");
    }
    if (t->id == NULL) {
        trail_all(&t->trail);
        return ERR_OK;
    }
    TRY(trail_name(&t->trail, text_of(t->id)));
    TRY(trail_narrow(&t->trail, &shown));
    return shown > 0 ? ERR_OK : nothing(t);
}

static err_t arguments(struct trace *t, const char **file)
{
    const char *what = cli_arg(t->a, "WHAT");
    const char *limit = cli_arg(t->a, "--limit");
    bool of_servers = t->a->more_n > 0;
    t->id = cli_arg(t->a, "--id");
    t->limit = LIMIT_DEFAULT;
    *file = of_servers ? NULL : what;
    if (of_servers && what != NULL && t->id != NULL) {
        return fail(t, ERR_USAGE, "the name twice: as an argument and as --id", "");
    }
    t->id = of_servers && what != NULL ? what : t->id;
    if (!of_servers && what == NULL) {
        return fail(t, ERR_USAGE, "what to draw: a file of audit events, or servers: -c FILE or --socket PATH, and a name", "");
    }
    if (limit != NULL && (text_u64(text_of(limit), TRAIL_EVENTS_MAX, &t->limit) != ERR_OK || t->limit == 0)) {
        return fail(t, ERR_USAGE, "--limit is 1 to 20000", "");
    }
    if (t->id != NULL && (t->id[0] == '\0' || strlen(t->id) > NAME_MAX_OCTETS)) {
        return fail(t, ERR_USAGE, "a name has 1 to 255 octets", "");
    }
    if (cli_arg(t->a, "--svg") != NULL && t->a->json) {
        return fail(t, ERR_USAGE, "--svg or --json, not both", "");
    }
    return ERR_OK;
}

static err_t collect(struct trace *t)
{
    const char *file = NULL;
    TRY(arguments(t, &file));
    TRY(file == NULL ? from_servers(t) : from_file(t, file));
    TRY(trail_sort(&t->trail));
    return narrow(t);
}

static int trace(const struct cli_args *a)
{
    SCOPED(trace_free) struct trace t = {.a = a};
    err_t e = collect(&t);
    if (e != ERR_OK) {
        return cli_fail(a, e, t.detail);
    }
    if (a->json) {
        trace_steps_json(&t.trail, stdout);
    } else if (cli_arg(a, "--svg") != NULL) {
        trace_steps_svg(&t.trail, stdout);
    } else {
        trace_steps_text(&t.trail, stdout);
    }
    if (t.trail.unknown > 0) {
        (void)fprintf(stderr, "keystead: %zu events of kinds that this program does not know are left out\n", t.trail.unknown);
    }
    return CLI_DONE;
}

static const struct cli_opt opts[] = {
    {"WHAT", CLI_OPT_POSITIONAL,
     "with -c or --socket: a device, key identifier, credential or association id, all if not given; else a file of what "
     "`ctl audit tail --json` prints, - for stdin"},
    {"-c", CLI_OPT_REPEATS, "configuration file of a server that runs"},
    {"--socket", CLI_OPT_REPEATS, "control socket of a server that runs"},
    {"--id", 0, "the name, with a file"},
    {"--limit", 0, "how many events of each server are looked at, 2000 if not given"},
    {"--svg", CLI_OPT_FLAG, "draw as SVG"},
};
static const struct cli_verb verbs[] = {
    {"", opts, ARRAY_LEN(opts), trace,
     "Draws the ladder of what happened from the audit chains, each arrow with its clause, each refusal with its reason and "
     "what to do; with --json one object a line for each step.",
     "-"},
};
const struct cli_command cmd_trace = {"trace", verbs, ARRAY_LEN(verbs), "the ladder of what happened, from the audit chains", NULL};
