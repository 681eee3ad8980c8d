/* keystead check: the same reading as serve does, and the reference of all keys from the same tables. */
#include "cli/cmd_check.h"

#include "cli/roles.h"
#include "shell/clock.h"
#include "shell/conf_doc.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#define DOC_MAX (256U << 10)

static size_t kept(const struct conf_faults *f)
{
    return f->n < CONF_FAULTS_MAX ? f->n : CONF_FAULTS_MAX;
}

static int faults_json(const char *file, const struct conf_faults *f)
{
    json_t *list = json_array();
    for (size_t i = 0; i < kept(f); i++) {
        (void)json_array_append_new(list, json_pack("{s:i, s:s+}", "line", f->at[i].line, "text", f->at[i].text, ""));
    }
    json_t *o = json_pack("{s:s, s:s, s:I, s:o}", "error", err_code(ERR_CONFIG), "file", file, "count",
                          (json_int_t)f->n, "faults", list);
    (void)json_dumpf(o, stdout, JSON_COMPACT);
    (void)fputc('\n', stdout);
    json_decref(o);
    return cli_exit_code(ERR_CONFIG);
}

static void ok_json(const char *file, const struct conf_faults *warnings)
{
    json_t *o = json_pack("{s:s, s:s}", "file", file, "result", "ok");
    json_t *list = json_array();
    for (size_t i = 0; i < kept(warnings); i++) {
        (void)json_array_append_new(list, json_string(warnings->at[i].text));
    }
    if (json_array_size(list) > 0) {
        (void)json_object_set(o, "warnings", list);
    }
    json_decref(list);
    (void)json_dumpf(o, stdout, JSON_COMPACT);
    (void)fputc('\n', stdout);
    json_decref(o);
}

int cmd_check_faults(const struct cli_args *a, const char *file, const struct conf_faults *f)
{
    if (a->json) {
        return faults_json(file, f);
    }
    for (size_t i = 0; i < kept(f); i++) {
        if (f->at[i].line > 0) {
            (void)fprintf(stderr, "%s:%d: %s\n", file, f->at[i].line, f->at[i].text);
        } else {
            (void)fprintf(stderr, "%s: %s\n", file, f->at[i].text);
        }
    }
    if (f->n > kept(f)) {
        (void)fprintf(stderr, "%s: and %zu more\n", file, f->n - kept(f));
    }
    return cli_exit_code(ERR_CONFIG);
}

static void doc_write(struct writer *w)
{
    writer_z(w, "# Configuration\n\n"
                "Written by `keystead check --doc` from the tables that the program reads files with; do not edit.\n\n"
                "A file has sections `[name]` or `[name ARGUMENT]` and lines `key = value`. A comment starts with `#` or `;` "
                "at the\nstart of a line, or with ` ;` behind a value. Lists are separated by commas. File names are taken "
                "from the directory of\nthe configuration file. A file with any fault is refused as a whole: "
                "`keystead check -c FILE` names each with its line,\nand a running server keeps what it had.\n");
    conf_doc_schema(&conf_file_server_schema, w);
    for (size_t i = 0; i < roles_all_n; i++) {
        const struct conf_schema s = {roles_all[i]->conf, roles_all[i]->conf_n};
        conf_doc_schema(&s, w);
    }
}

static int doc(const struct cli_args *a)
{
    char *page = malloc(DOC_MAX);
    struct writer w = writer_of(page, page == NULL ? 0 : DOC_MAX);
    doc_write(&w);
    if (writer_finish(&w) != ERR_OK) {
        free(page);
        return cli_fail(a, ERR_LIMIT_CAPACITY, "the document");
    }
    (void)fwrite(page, 1, w.n, stdout);
    free(page);
    return CLI_DONE;
}

static int check(const struct cli_args *a)
{
    const char *file = cli_arg(a, "-c");
    if (cli_arg(a, "--doc") != NULL) {
        return doc(a);
    }
    if (file == NULL) {
        return cli_fail(a, ERR_USAGE, "-c FILE is missing");
    }
    const struct snapshot_source source = roles_source(file);
    struct conf_faults faults = {.n = 0};
    struct snapshot *snap = NULL;
    err_t e = snapshot_load(&source, &snap, &faults);
    if (e != ERR_OK) {
        return faults.n > 0 ? cmd_check_faults(a, file, &faults) : cli_fail(a, e, file);
    }
    snapshot_warnings(snap, clock_now(), &faults);
    snapshot_free(snap);
    if (a->json) {
        ok_json(file, &faults);
    } else {
        for (size_t i = 0; i < kept(&faults); i++) {
            (void)fprintf(stderr, "%s: warning: %s\n", file, faults.at[i].text);
        }
        (void)puts("ok");
    }
    return CLI_DONE;
}

static const struct cli_opt opts[] = {
    {"-c", 0, "the configuration file"},
    {"--doc", CLI_OPT_FLAG, "print the reference of all sections and keys (Markdown) instead"},
};
static const struct cli_verb verbs[] = {
    {"", opts, ARRAY_LEN(opts), check,
     "Reads a configuration file as serve would, with its certificates and secrets, and prints every fault with its line "
     "and the nearest right key, or \"ok\".",
     "-"},
};
const struct cli_command cmd_check = {"check", verbs, ARRAY_LEN(verbs), "validate a configuration file", NULL};
