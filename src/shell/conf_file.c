#include "shell/conf_file.h"

#include "shell/conf_fault.h"
#include "shell/conf_value.h"

#include <errno.h>
#include <ini.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_MAX (1U << 20)
#define LINE_MAX_OCTETS 4094 /* without its end; inih gets two more and NUL */
#define SHOWN 80

/*
 * libinih splits KEY = VALUE and comments. It calls back for keys only, without the line, and cuts section
 * names at 49 octets (an FQDN has up to 253), so the line source counts lines and takes section headers apart itself.
 */
struct parser {
    struct text rest;
    int line;
    const char *dir;
    struct conf *conf;
    struct conf_faults *faults;
    struct conf_section *section; /* NULL: none yet, or one at fault whose keys are passed over */
    bool seen_section;
    bool expects; /* the line just handed out should be KEY = VALUE ... */
    bool handled; /* ... and was */
};

static char *dup_text(struct text t)
{
    return strndup(t.p, t.n);
}

static struct text trim(struct text t)
{
    return text_trim(t, " \t\r");
}

/* -- sections -------------------------------------------------------------------------------------- */
enum section_shape { SECTION_UNKNOWN, SECTION_SINGLE, SECTION_EITHER, SECTION_REPEATS };

static enum section_shape section_shape(const struct conf *c, struct text name)
{
    enum section_shape shape = SECTION_UNKNOWN;
    for (size_t s = 0; s < c->schemas_n; s++) {
        for (size_t i = 0; i < c->schemas[s].n; i++) {
            const struct conf_row *row = &c->schemas[s].rows[i];
            enum section_shape of = (row->flags & CONF_REPEATS) != 0     ? SECTION_REPEATS
                                    : (row->flags & CONF_INSTANCES) != 0 ? SECTION_EITHER
                                                                         : SECTION_SINGLE;
            shape = text_eq_z(name, row->section) && of > shape ? of : shape;
        }
    }
    return shape;
}

static void section_unknown(struct parser *p, struct text name)
{
    struct conf_fault_guess guess = conf_fault_guess_of(name);
    for (size_t s = 0; s < p->conf->schemas_n; s++) {
        for (size_t i = 0; i < p->conf->schemas[s].n; i++) {
            conf_fault_guess_offer(&guess, p->conf->schemas[s].rows[i].section);
        }
    }
    if (guess.best != NULL) {
        conf_fault_add(p->faults, p->line, "unknown section [%.*s]; did you mean [%s]?", (int)text_take(name, SHOWN).n,
                       name.p, guess.best);
    } else {
        conf_fault_add(p->faults, p->line, "unknown section [%.*s] (a role's section counts only if [server] roles names it)",
                       (int)text_take(name, SHOWN).n, name.p);
    }
}

static bool section_arg_check(struct parser *p, struct text name, struct text arg, enum section_shape shape)
{
    if (shape == SECTION_SINGLE && arg.n > 0) {
        conf_fault_add(p->faults, p->line, "section [%.*s] takes no name", (int)name.n, name.p);
        return false;
    }
    if (shape == SECTION_REPEATS && arg.n == 0) {
        conf_fault_add(p->faults, p->line, "section [%.*s] needs a name: [%.*s NAME]", (int)name.n, name.p, (int)name.n,
                       name.p);
        return false;
    }
    const struct conf_row *row = conf_row_of(p->conf, name, text_empty());
    if (arg.n > 0 && row != NULL) {
        char buf[CONF_VALUE_MAX];
        struct writer w = WRITER_ARRAY(buf);
        int64_t number = 0;
        char why[CONF_VALUE_WHY_MAX];
        if (!conf_value_parse(row, arg, p->dir, &w, &number, why)) {
            conf_fault_add(p->faults, p->line, "[%.*s ...]: %s", (int)name.n, name.p, why);
            return false;
        }
    }
    return true;
}

static const struct conf_section *section_of(const struct conf *c, struct text name, struct text arg)
{
    for (size_t i = 0; i < c->sections_n; i++) {
        const struct conf_section *s = &c->sections[i];
        if (text_eq_z(name, s->name) && text_eq_nocase(arg, text_of(s->arg))) {
            return s;
        }
    }
    return NULL;
}

static void section_begin(struct parser *p, struct text header)
{
    p->section = NULL;
    p->seen_section = true;
    size_t end = text_find(header, ']');
    struct text after = trim(text_skip(header, end + 1));
    if (end == header.n || (after.n > 0 && after.p[0] != ';' && after.p[0] != '#')) {
        conf_fault_add(p->faults, p->line, "a section header is [name] or [name ARGUMENT]");
        return;
    }
    struct text inner = trim(text_span(header.p + 1, end - 1));
    size_t space = text_find(inner, ' ');
    struct text name = text_take(inner, space);
    struct text arg = trim(text_skip(inner, space));
    enum section_shape shape = section_shape(p->conf, name);
    if (shape == SECTION_UNKNOWN) {
        section_unknown(p, name);
        return;
    }
    if (!section_arg_check(p, name, arg, shape)) {
        return;
    }
    const struct conf_section *other = section_of(p->conf, name, arg);
    if (other != NULL) {
        conf_fault_add(p->faults, p->line, "section [%.*s] stands twice (first on line %d)",
                       (int)text_take(inner, SHOWN).n, inner.p, other->line);
        return;
    }
    if (p->conf->sections_n == CONF_SECTIONS_MAX) {
        conf_fault_add(p->faults, p->line, "more than %d sections", CONF_SECTIONS_MAX);
        return;
    }
    p->section = &p->conf->sections[p->conf->sections_n++];
    *p->section = (struct conf_section){.name = dup_text(name), .arg = arg.n > 0 ? dup_text(arg) : NULL,
                                        .line = p->line};
}

/* -- keys ------------------------------------------------------------------------------------------ */
static void key_unknown(struct parser *p, const char *key)
{
    struct conf_fault_guess guess = conf_fault_guess_of(text_of(key));
    const char *elsewhere = NULL;
    for (size_t s = 0; s < p->conf->schemas_n; s++) {
        for (size_t i = 0; i < p->conf->schemas[s].n; i++) {
            const struct conf_row *row = &p->conf->schemas[s].rows[i];
            if (strcmp(row->section, p->section->name) == 0) {
                conf_fault_guess_offer(&guess, row->key);
            } else if (strcmp(row->key, key) == 0) {
                elsewhere = row->section;
            }
        }
    }
    const char *section = p->section->name;
    if (guess.best != NULL) {
        conf_fault_add(p->faults, p->line, "unknown key \"%.80s\" in [%s]; did you mean \"%s\"?", key, section, guess.best);
    } else if (elsewhere != NULL) {
        conf_fault_add(p->faults, p->line, "unknown key \"%.80s\" in [%s]; it belongs in [%s]", key, section, elsewhere);
    } else {
        conf_fault_add(p->faults, p->line, "unknown key \"%.80s\" in [%s]", key, section);
    }
}

/* Stores a value; one at fault is kept without text, so that it still counts as given. */
static void value_add(struct parser *p, const struct conf_section *section, const struct conf_row *row, struct text raw,
                      int line)
{
    if (p->conf->values_n == CONF_VALUES_MAX) {
        conf_fault_add(p->faults, line, "more than %d values", CONF_VALUES_MAX);
        return;
    }
    struct conf_value *v = &p->conf->values[p->conf->values_n++];
    const char *arg = section == NULL ? NULL : section->arg;
    *v = (struct conf_value){.row = row, .arg = arg == NULL ? NULL : strdup(arg), .line = line};
    char buf[CONF_VALUE_MAX];
    struct writer w = WRITER_ARRAY(buf);
    char why[CONF_VALUE_WHY_MAX];
    if (conf_value_parse(row, raw, p->dir, &w, &v->number, why)) {
        v->text = dup_text(writer_view_text(&w));
    } else {
        conf_fault_add(p->faults, line, "[%s] %s: %s", row->section, row->key, why);
    }
}

static int on_pair(void *user, const char *section_seen, const char *key, const char *value)
{
    struct parser *p = user;
    (void)section_seen; /* cut at 49 octets by libinih: p->section is the whole */
    p->handled = true;
    if (p->section == NULL) {
        if (!p->seen_section) {
            conf_fault_add(p->faults, p->line, "\"%.80s\" stands before the first [section]", key);
        }
        return 1;
    }
    const struct conf_row *row = conf_row_of(p->conf, text_of(p->section->name), text_of(key));
    if (row == NULL || key[0] == '\0') {
        key_unknown(p, key);
        return 1;
    }
    const struct conf_value *other = conf_value_of(p->conf, row->section, p->section->arg, row->key);
    if (other != NULL) {
        conf_fault_add(p->faults, p->line, "key \"%s\" stands twice in [%s] (first on line %d)", key, row->section,
                       other->line);
        return 1;
    }
    value_add(p, p->section, row, text_of(value), p->line);
    return 1;
}

/* -- lines ----------------------------------------------------------------------------------------- */
static struct text line_take(struct parser *p)
{
    size_t end = text_find(p->rest, '\n');
    struct text line = text_take(p->rest, end);
    p->rest = text_skip(p->rest, end + 1);
    p->line++;
    return line;
}

static void expectation_check(struct parser *p)
{
    if (p->expects && !p->handled) {
        conf_fault_add(p->faults, p->line, "not a line of the form KEY = VALUE");
    }
    p->expects = false;
    p->handled = false;
}

/* The line source of libinih, in the manner of fgets. */
static char *on_line(char *out, int cap, void *user)
{
    struct parser *p = user;
    expectation_check(p);
    if (p->rest.n == 0) {
        return NULL;
    }
    struct text line = line_take(p);
    struct text shown = trim(line);
    const char *given = "\n";
    if (text_find(line, '\0') < line.n) {
        conf_fault_add(p->faults, p->line, "the line holds a NUL octet");
    } else if (line.n > LINE_MAX_OCTETS || cap < 0 || line.n + 2 > (size_t)cap) {
        conf_fault_add(p->faults, p->line, "the line is longer than %d octets", LINE_MAX_OCTETS);
    } else if (shown.n > 0 && shown.p[0] == '[') {
        section_begin(p, shown);
    } else if (shown.n > 0 && shown.p[0] != ';' && shown.p[0] != '#') {
        p->expects = true;
        given = NULL;
    }
    struct writer w = writer_of(out, (size_t)cap);
    if (given == NULL) {
        writer_text(&w, shown);
        writer_z(&w, "\n");
    } else {
        writer_z(&w, given);
    }
    return writer_finish_z(&w) == ERR_OK ? out : NULL;
}

static bool ini_run(struct parser *p)
{
    /* Debian's libinih has these as variables of the library; their own defaults cut lines at 200 octets. */
    ini_use_stack = false;
    ini_max_line = LINE_MAX_OCTETS + 8;
    ini_initial_alloc = LINE_MAX_OCTETS + 8;
    ini_allow_multiline = false;
    ini_allow_bom = false;
    return ini_parse_stream(on_line, p, on_pair, p) != -2;
}

/* -- the whole -------------------------------------------------------------------------------------- */
static const struct conf_section *section_bare(const struct conf *c, const char *name)
{
    for (size_t i = 0; i < c->sections_n; i++) {
        if (strcmp(c->sections[i].name, name) == 0 && c->sections[i].arg == NULL) {
            return &c->sections[i];
        }
    }
    return NULL;
}

static void complete_in(struct parser *p, const struct conf_row *row, const struct conf_section *section)
{
    const char *arg = section == NULL ? NULL : section->arg;
    if (conf_value_of(p->conf, row->section, arg, row->key) != NULL) {
        return;
    }
    if (row->fallback != NULL) {
        value_add(p, section, row, text_of(row->fallback), 0);
    } else if ((row->flags & CONF_REQUIRED) != 0) {
        conf_fault_add(p->faults, section == NULL ? 0 : section->line, "[%s%s%.80s] %s is missing: %s", row->section,
                       arg == NULL ? "" : " ", arg == NULL ? "" : arg, row->key, row->doc);
    }
}

/* Fallbacks for what was left out; faults for what must not be. */
static void complete(struct parser *p, const struct conf_row *row)
{
    if (row->key[0] == '\0') {
        return;
    }
    if ((row->flags & CONF_REPEATS) == 0) {
        complete_in(p, row, section_bare(p->conf, row->section));
    }
    for (size_t i = 0; i < p->conf->sections_n; i++) {
        if (p->conf->sections[i].arg != NULL && strcmp(p->conf->sections[i].name, row->section) == 0) {
            complete_in(p, row, &p->conf->sections[i]);
        }
    }
}

static void faults_sort(struct conf_faults *f)
{
    size_t n = f->n < CONF_FAULTS_MAX ? f->n : CONF_FAULTS_MAX;
    for (size_t i = 1; i < n; i++) {
        struct conf_fault moved = f->at[i];
        size_t j = i;
        for (; j > 0 && f->at[j - 1].line > moved.line; j--) {
            f->at[j] = f->at[j - 1];
        }
        f->at[j] = moved;
    }
}

static bool has_schema(const struct conf *c, const struct conf_schema *s)
{
    for (size_t i = 0; i < c->schemas_n; i++) {
        if (c->schemas[i].rows == s->rows) {
            return true;
        }
    }
    return false;
}

static err_t parse(struct text content, const char *dir, struct conf *c, struct conf_faults *faults)
{
    if (text_starts(content, "\xEF\xBB\xBF")) {
        content = text_skip(content, 3);
    }
    struct parser p = {.rest = content, .dir = dir, .conf = c, .faults = faults};
    if (!ini_run(&p)) {
        return ERR_LIMIT_CAPACITY;
    }
    for (size_t s = 0; s < c->schemas_n; s++) {
        for (size_t i = 0; i < c->schemas[s].n; i++) {
            complete(&p, &c->schemas[s].rows[i]);
        }
    }
    if (has_schema(c, &conf_file_server_schema)) {
        conf_file_server_check(c, faults);
    }
    faults_sort(faults);
    return faults->n == 0 ? ERR_OK : ERR_CONFIG;
}

static struct conf *conf_new(const struct conf_schema *schemas, size_t n)
{
    struct conf *c = n > CONF_SCHEMAS_MAX ? NULL : calloc(1, sizeof(*c));
    if (c != NULL) {
        memcpy(c->schemas, schemas, n * sizeof(*schemas));
        c->schemas_n = n;
    }
    return c;
}

err_t conf_file_parse(struct text content, const char *dir, const struct conf_schema *schemas, size_t n,
                      struct conf **out, struct conf_faults *faults)
{
    *out = NULL;
    struct conf *c = conf_new(schemas, n);
    if (c == NULL) {
        return ERR_LIMIT_CAPACITY;
    }
    err_t e = parse(content, dir, c, faults);
    if (e != ERR_OK) {
        conf_file_free(c);
        return e;
    }
    *out = c;
    return ERR_OK;
}

void conf_file_free(struct conf *c)
{
    if (c == NULL) {
        return;
    }
    for (size_t i = 0; i < c->sections_n; i++) {
        free(c->sections[i].name);
        free(c->sections[i].arg);
    }
    for (size_t i = 0; i < c->values_n; i++) {
        free(c->values[i].arg);
        free(c->values[i].text);
    }
    free(c);
}

static void close_file(FILE **f)
{
    if (*f != NULL) {
        (void)fclose(*f);
    }
}

/* The caller frees *out. */
static err_t slurp(const char *file, struct text *out, struct conf_faults *faults)
{
    SCOPED(close_file) FILE *f = fopen(file, "re");
    char *buf = f == NULL ? NULL : malloc(FILE_MAX + 1);
    if (f != NULL && buf == NULL) {
        return ERR_LIMIT_CAPACITY;
    }
    size_t n = buf == NULL ? 0 : fread(buf, 1, FILE_MAX + 1, f);
    if (f == NULL || ferror(f) != 0) {
        conf_fault_add(faults, 0, "the file cannot be read: %s", strerror(errno));
        free(buf);
        return ERR_CONFIG;
    }
    if (n > FILE_MAX) {
        conf_fault_add(faults, 0, "the file is larger than %u octets", FILE_MAX);
        free(buf);
        return ERR_CONFIG;
    }
    *out = (struct text){buf, n};
    return ERR_OK;
}

static void free_text(struct text *t)
{
    free((void *)(uintptr_t)t->p);
}

err_t conf_file_read(const char *file, const struct conf_schema *schemas, size_t n, struct conf **out,
                     struct conf_faults *faults)
{
    *out = NULL;
    SCOPED(free_text) struct text content = {NULL, 0};
    TRY(slurp(file, &content, faults));
    char dir[CONF_VALUE_MAX];
    struct text path = text_of(file);
    size_t slash = text_find_last(path, '/');
    if (TEXT_COPY(slash == path.n ? text_empty() : text_take(path, slash == 0 ? 1 : slash), dir) != ERR_OK) {
        conf_fault_add(faults, 0, "the name of the file is too long");
        return ERR_CONFIG;
    }
    return conf_file_parse(content, dir, schemas, n, out, faults);
}

static void free_conf(struct conf **c)
{
    conf_file_free(*c);
}

err_t conf_file_peek(const char *file, const char *section, const char *key, struct writer *out, int *line)
{
    struct conf_faults *faults = calloc(1, sizeof(*faults));
    struct conf_row row = {.section = section, .key = key, .type = CONF_TEXT, .flags = CONF_MANY};
    struct conf_schema schema = {&row, 1};
    SCOPED(free_conf) struct conf *c = conf_new(&schema, 1);
    SCOPED(free_text) struct text content = {NULL, 0};
    err_t e = faults == NULL || c == NULL ? ERR_LIMIT_CAPACITY : slurp(file, &content, faults);
    if (e == ERR_OK) {
        e = parse(content, "", c, faults); /* its faults are found again by conf_file_read, with all tables */
    }
    free(faults);
    if (e != ERR_OK && e != ERR_CONFIG) {
        return e;
    }
    if (c == NULL || content.p == NULL) {
        return ERR_IO;
    }
    const struct conf_value *v = conf_value_of(c, section, NULL, key);
    if (v == NULL || v->text == NULL) {
        return ERR_NOT_FOUND;
    }
    *line = v->line;
    writer_z(out, v->text);
    return writer_finish(out);
}
