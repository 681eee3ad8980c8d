#include "cli/device_request.h"

#include "role/detail.h"
#include "wire/jwt.h"
#include "wire/target.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FILE_BODY_MAX = 1048576, TARGET_MAX = 2048 };

const struct cli_opt device_request_opts[DEVICE_REQUEST_OPTS_N] = {
    DEVICE_WORK_OPT_STATE,
    DEVICE_WORK_OPT_EXCHANGE,
    {"OPERATION", CLI_OPT_POSITIONAL | CLI_OPT_REQUIRED, "create, retrieve, update, delete or notify"},
    {"PATH", CLI_OPT_POSITIONAL | CLI_OPT_REQUIRED, "address, e.g. /Cae1/box or /~/in/Cae1/box/la"},
    {"--type", 0, "resource type to create: 1 ACP, 3 container, 4 contentInstance"},
    {"--content", 0, "JSON text, or @FILE"},
    {"--from", 0, "originator, if not the registered AE"},
    {"--token", 0, "file with a token of a DAS, shown with the request (docs/procedures/tokens.md); over HTTP"},
    {"--filter", 0, "of a retrieve: query parameters, e.g. 'fu=1&lbl=warm' (docs/operate/discovery.md)"},
};

static err_t operation(struct device_work *w)
{
    static const struct {
        const char *name;
        enum op op;
    } names[] = {{"create", OP_CREATE}, {"retrieve", OP_RETRIEVE}, {"update", OP_UPDATE}, {"delete", OP_DELETE},
               {"notify", OP_NOTIFY}};
    const char *want = cli_arg(w->a, "OPERATION");
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (strcmp(names[i].name, want) == 0) {
            w->task.op = names[i].op;
            return ERR_OK;
        }
    }
    return detail_fail(w->detail, ERR_USAGE, "OPERATION is create, retrieve, update, delete or notify", text_of(want));
}

static err_t file_text(struct device_work *w, const char *option, const char *file, char **out)
{
    FILE *f = fopen(file, "re");
    char *text = calloc(1, FILE_BODY_MAX + 1);
    size_t n = f != NULL && text != NULL ? fread(text, 1, FILE_BODY_MAX + 1, f) : 0;
    bool good = f != NULL && text != NULL && ferror(f) == 0 && n <= FILE_BODY_MAX;
    if (f != NULL) {
        (void)fclose(f);
    }
    if (!good) {
        free(text);
        return detail_fail(w->detail, ERR_IO, option, text_of(file));
    }
    text[n] = '\0';
    *out = text;
    return ERR_OK;
}

/* A token is longer, and has no slash: pasted where its file should be named, it goes into no message. */
static bool is_file_name(struct text t)
{
    return t.n < 64 || text_find(t, '/') < t.n;
}

/* One line; blanks around it are an editor's. */
static err_t token_text(struct device_work *w, const char *file, char **out)
{
    if (file_text(w, "--token", file, out) != ERR_OK) {
        return detail_fail(w->detail, ERR_USAGE, "--token wants the name of a file with a token in it: this one cannot be read",
                           is_file_name(text_of(file)) ? text_of(file) : text_empty());
    }
    struct text t = text_trim(text_of(*out), " \t\r\n");
    if (!target_is_token(t) || t.n > JWT_MAX) {
        return detail_fail(w->detail, ERR_USAGE, "--token: no token of at most 8192 octets in", text_of(file));
    }
    memmove(*out, t.p, t.n);
    (*out)[t.n] = '\0';
    return ERR_OK;
}

static void free_text(char **p)
{
    free(*p);
}

/* What the operation needs and what it does not take, before anybody is asked. */
static err_t check(struct device_work *w)
{
    static const struct {
        enum op op;
        const char *option;
        bool wanted;
    } rules[] = {{OP_CREATE, "--type", true},      {OP_CREATE, "--content", true},  {OP_RETRIEVE, "--type", false},
                 {OP_RETRIEVE, "--content", false}, {OP_UPDATE, "--type", false},   {OP_UPDATE, "--content", true},
                 {OP_DELETE, "--type", false},     {OP_DELETE, "--content", false},
                 {OP_CREATE, "--filter", false},   {OP_UPDATE, "--filter", false},  {OP_DELETE, "--filter", false},
                 {OP_NOTIFY, "--type", false},     {OP_NOTIFY, "--content", true},  {OP_NOTIFY, "--filter", false}};
    for (size_t i = 0; i < ARRAY_LEN(rules); i++) {
        if (rules[i].op == w->task.op && (cli_arg(w->a, rules[i].option) != NULL) != rules[i].wanted) {
            return detail_fail(w->detail, ERR_USAGE, rules[i].option,
                               text_of(rules[i].wanted ? "is missing" : "is not for this operation"));
        }
    }
    return ERR_OK;
}

static err_t type_of(struct device_work *w)
{
    const char *ty = cli_arg(w->a, "--type");
    uint64_t type = 0;
    if (ty != NULL && (text_u64(text_of(ty), 99999, &type) != ERR_OK || type == 0)) {
        return detail_fail(w->detail, ERR_USAGE, "--type", text_of(ty));
    }
    w->task.ty = (uint32_t)type;
    return ERR_OK;
}

static void answer(struct device_work *w)
{
    struct text content = text_span((const char *)w->run.body, w->run.body_n);
    cli_out_begin(w->a);
    cli_out_number(w->a, "rsc", w->run.rsc);
    if (w->run.media == MEDIA_JSON || content.n == 0) {
        cli_out_json(w->a, "content", content);
    } else {
        cli_out(w->a, "content", content);
    }
    cli_out_end(w->a);
}

/* The path with its query, in `out`. */
static err_t target(const struct device_work *w, struct writer *out)
{
    const char *filter = cli_arg(w->a, "--filter");
    writer_z(out, cli_arg(w->a, "PATH"));
    if (filter != NULL) {
        writer_z(out, "?");
        writer_z(out, filter);
    }
    return writer_finish_z(out);
}

err_t device_request(struct device_work *w)
{
    char path[TARGET_MAX];
    struct writer to = WRITER_ARRAY(path);
    SCOPED(free_text) char *from_file = NULL;
    SCOPED(free_text) char *token = NULL;
    const char *content = cli_arg(w->a, "--content");
    TRY(operation(w));
    TRY(check(w));
    TRY(type_of(w));
    TRY(target(w, &to));
    TRY(device_work_open(w, false));
    if (content != NULL && content[0] == '@') {
        TRY(file_text(w, "--content", content + 1, &from_file));
        content = from_file;
    }
    if (cli_arg(w->a, "--token") != NULL) {
        TRY(token_text(w, cli_arg(w->a, "--token"), &token));
    }
    w->task.goal = DEVICE_REQUEST;
    w->task.path = path;
    w->task.body = content;
    w->task.from = cli_arg(w->a, "--from");
    w->task.token = token;
    TRY(device_work_pursue(w));
    answer(w);
    return ERR_OK;
}
