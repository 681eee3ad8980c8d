#include "cli/cli_parse.h"

#include "shell/conf_fault.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define WORDS_MAX 4 /* that a verb may have */

const struct cli_verb *cli_parse_verbs(const struct cli_command *cmd, size_t *n)
{
    if (cmd->build != NULL) {
        return cmd->build(n);
    }
    *n = cmd->verbs_n;
    return cmd->verbs;
}

static err_t fault(struct cli_parse *p, const char *format, ...) __attribute__((format(printf, 2, 3)));
static err_t fault(struct cli_parse *p, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    (void)vsnprintf(p->fault, sizeof(p->fault), format, ap);
    va_end(ap);
    return ERR_USAGE;
}

static bool is_option(const char *a)
{
    return a[0] == '-' && a[1] != '\0';
}

/* Length of the name in "--name=value". */
static size_t name_length(const char *a)
{
    return a[0] == '-' && a[1] == '-' ? text_find(text_of(a), '=') : strlen(a);
}

static const struct cli_opt *find_opt(const struct cli_opt *opts, size_t n, const char *a, size_t name_n)
{
    for (size_t i = 0; i < n; i++) {
        if ((opts[i].flags & CLI_OPT_POSITIONAL) == 0 && text_eq_z(text_span(a, name_n), opts[i].name)) {
            return &opts[i];
        }
    }
    return NULL;
}

static bool is_common_name(struct text a)
{
    return text_eq_z(a, "--json") || text_eq_z(a, "--help") || text_eq_z(a, "-h");
}

static bool is_common(const char *a)
{
    return is_common_name(text_of(a));
}

/* Before the verb is known: does this option of some verb take the next argument? */
static bool takes_next(const struct cli_verb *verbs, size_t n, const char *a)
{
    size_t name_n = name_length(a);
    for (size_t i = 0; i < n && a[name_n] == '\0'; i++) {
        const struct cli_opt *o = find_opt(verbs[i].opts, verbs[i].opts_n, a, name_n);
        if (o != NULL) {
            return (o->flags & CLI_OPT_FLAG) == 0;
        }
    }
    return false;
}

struct words {
    const char *at[WORDS_MAX];
    size_t n;
};

/* The first arguments that are no options; sees --json and --help on the way. */
static void collect(const struct cli_verb *verbs, size_t n, int argc, char *const *argv, struct cli_parse *out,
                    struct words *w)
{
    for (int i = 0; i < argc && strcmp(argv[i], "--") != 0; i++) {
        if (is_common(argv[i])) {
            bool json = strcmp(argv[i], "--json") == 0;
            out->args.json = out->args.json || json;
            out->help = out->help || !json;
        } else if (is_option(argv[i])) {
            i += takes_next(verbs, n, argv[i]) ? 1 : 0;
        } else if (w->n < WORDS_MAX) {
            w->at[w->n++] = argv[i];
        }
    }
}

/* Number of words of `verb` if the arguments start with them, else -1. */
static int match(const char *verb, const struct words *w)
{
    struct text rest = text_of(verb), word;
    size_t i = 0;
    while (text_next(&rest, ' ', &word)) {
        if (i >= w->n || !text_eq_z(word, w->at[i])) {
            return -1;
        }
        i++;
    }
    return (int)i;
}

static err_t find_verb(const struct cli_command *cmd, const struct words *w, size_t *used, struct cli_parse *out)
{
    size_t n = 0;
    const struct cli_verb *verbs = cli_parse_verbs(cmd, &n);
    int best = -1;
    for (size_t i = 0; i < n; i++) {
        int m = match(verbs[i].verb, w);
        if (m > best) {
            best = m;
            out->verb = &verbs[i];
        }
    }
    if (out->verb != NULL) {
        *used = (size_t)best;
        return ERR_OK;
    }
    if (w->n == 0) {
        return out->help ? ERR_OK : fault(out, "%s needs a verb: see keystead %s --help", cmd->name, cmd->name);
    }
    char given[64];
    (void)snprintf(given, sizeof(given), "%s%s%s", w->at[0], w->n > 1 ? " " : "", w->n > 1 ? w->at[1] : "");
    struct conf_fault_guess one = conf_fault_guess_of(text_of(w->at[0]));
    struct conf_fault_guess two = conf_fault_guess_of(text_of(given));
    for (size_t i = 0; i < n; i++) {
        conf_fault_guess_offer(strchr(verbs[i].verb, ' ') == NULL ? &one : &two, verbs[i].verb);
    }
    const char *guess = one.best != NULL ? one.best : two.best;
    return fault(out, "%s has no verb '%.40s'%s%s%s", cmd->name, w->at[0], guess == NULL ? "" : "; did you mean '",
                 guess == NULL ? "" : guess, guess == NULL ? "" : "'?");
}

static err_t set_value(struct cli_parse *out, const struct cli_opt *o, const char *value)
{
    struct cli_args *a = &out->args;
    size_t i = (size_t)(o - a->opts);
    if ((o->flags & CLI_OPT_REPEATS) != 0) {
        if (a->more_n == CLI_REPEATS_MAX) {
            return fault(out, "%s is given more than %d times", o->name, CLI_REPEATS_MAX);
        }
        a->more_of[a->more_n] = o;
        a->more[a->more_n++] = value;
    } else if (a->value[i] != NULL) {
        return fault(out, "%s is given twice", o->name);
    }
    if (a->value[i] == NULL) {
        a->value[i] = value;
    }
    return ERR_OK;
}

static err_t positional(struct cli_parse *out, const char *value)
{
    struct cli_args *a = &out->args;
    for (size_t i = 0; i < a->opts_n; i++) {
        bool is_open = a->value[i] == NULL || (a->opts[i].flags & CLI_OPT_REPEATS) != 0;
        if ((a->opts[i].flags & CLI_OPT_POSITIONAL) != 0 && is_open) {
            return set_value(out, &a->opts[i], value);
        }
    }
    return fault(out, "unexpected argument '%.60s'", value);
}

/* *i: the argument looked at; moves on to the value if that is a separate argument. */
static err_t option(struct cli_parse *out, int argc, char *const *argv, int *i)
{
    const char *a = argv[*i];
    size_t n = name_length(a);
    const struct cli_opt *o = find_opt(out->args.opts, out->args.opts_n, a, n);
    if (o == NULL && a[n] == '=' && is_common_name(text_span(a, n))) {
        return fault(out, "%.*s takes no value", (int)n, a);
    }
    if (o == NULL) {
        struct conf_fault_guess g = conf_fault_guess_of(text_span(a, n));
        for (size_t j = 0; j < out->args.opts_n; j++) {
            conf_fault_guess_offer(&g, out->args.opts[j].name);
        }
        conf_fault_guess_offer(&g, "--json");
        conf_fault_guess_offer(&g, "--help");
        return fault(out, "unknown option '%.*s'%s%s%s", (int)(n < 60 ? n : 60), a,
                     g.best == NULL ? "" : "; did you mean '", g.best == NULL ? "" : g.best, g.best == NULL ? "" : "'?");
    }
    bool has_inline = a[n] == '=';
    if ((o->flags & CLI_OPT_FLAG) != 0) {
        return has_inline ? fault(out, "%s takes no value", o->name) : set_value(out, o, "on");
    }
    if (has_inline) {
        return set_value(out, o, a + n + 1);
    }
    if (*i + 1 >= argc) {
        return fault(out, "%s needs a value", o->name);
    }
    *i += 1;
    return set_value(out, o, argv[*i]);
}

static err_t read_all(struct cli_parse *out, size_t verb_words, int argc, char *const *argv)
{
    bool options_ended = false;
    for (int i = 0; i < argc; i++) {
        if (!options_ended && strcmp(argv[i], "--") == 0) {
            options_ended = true;
        } else if (!options_ended && is_common(argv[i])) {
            continue; /* seen by collect() */
        } else if (!options_ended && is_option(argv[i])) {
            TRY(option(out, argc, argv, &i));
        } else if (verb_words > 0) {
            verb_words--;
        } else {
            TRY(positional(out, argv[i]));
        }
    }
    return ERR_OK;
}

err_t cli_parse_args(const struct cli_command *cmd, int argc, char *const *argv, struct cli_parse *out)
{
    *out = (struct cli_parse){0};
    size_t n = 0;
    const struct cli_verb *verbs = cli_parse_verbs(cmd, &n);
    struct words w = {{NULL}, 0};
    size_t verb_words = 0;
    collect(verbs, n, argc, argv, out, &w);
    TRY(find_verb(cmd, &w, &verb_words, out));
    if (out->help) {
        return ERR_OK;
    }
    struct cli_args *a = &out->args;
    a->verb = out->verb;
    a->opts = out->verb->opts;
    a->opts_n = out->verb->opts_n;
    TRY(read_all(out, verb_words, argc, argv));
    for (size_t i = 0; i < a->opts_n; i++) {
        if ((a->opts[i].flags & CLI_OPT_REQUIRED) != 0 && a->value[i] == NULL) {
            return fault(out, "%s is missing", a->opts[i].name);
        }
    }
    return ERR_OK;
}
