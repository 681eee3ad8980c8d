/* Configuration text: faults and a snapshot exclude each other, and a snapshot written out reads as the same one. */
#include "fuzz.h"
#include "shell/conf_file.h"

#include <string.h>

static const struct conf_row rows[] = {
    {"toy", "", CONF_TEXT, 0, NULL, 0, 0, NULL, "A toy."},
    {"toy", "fqdn", CONF_FQDN, 0, "a.example", 0, 0, NULL, "Its name."},
    {"toy", "colour", CONF_CHOICE, 0, "green", 0, 0, "red|green|blue", "Its colour."},
    {"toy", "weight", CONF_NUMBER, 0, "7", 1, 100, NULL, "Its weight."},
    {"toy", "age", CONF_DURATION, 0, "90d", 0, 365 * 86400 * USEC_PER_SEC, NULL, "How long."},
    {"toy", "sings", CONF_BOOL, 0, "off", 0, 0, NULL, "Whether."},
    {"toy", "label", CONF_TEXT, 0, NULL, 0, 12, NULL, "A label."},
    {"toy", "words", CONF_TEXT, CONF_MANY, NULL, 0, 0, NULL, "Words."},
    {"toy", "friends", CONF_FQDN, CONF_MANY, NULL, 0, 0, NULL, "Who."},
    {"toy", "at", CONF_ADDRESS, 0, NULL, 0, 0, NULL, "Where."},
    {"toy", "nest", CONF_PATH, 0, NULL, 0, 40, NULL, "A path."},
    {"room", "", CONF_FQDN, CONF_REPEATS, NULL, 0, 0, NULL, "A room."},
    {"room", "door", CONF_NUMBER, CONF_REPEATS, "1", 0, 9, NULL, "A door."},
};
static const struct conf_schema toy = {rows, ARRAY_LEN(rows)};

static char page[1 << 21];

static void section_write(const struct conf *c, const struct conf_section *s, struct writer *w)
{
    writer_z(w, "[");
    writer_z(w, s->name);
    writer_z(w, s->arg == NULL ? "" : " ");
    writer_z(w, s->arg == NULL ? "" : s->arg);
    writer_z(w, "]\n");
    for (size_t i = 0; i < c->values_n; i++) {
        const struct conf_value *v = &c->values[i];
        bool here = strcmp(v->row->section, s->name) == 0 &&
                    (v->arg == NULL ? s->arg == NULL : s->arg != NULL && strcmp(v->arg, s->arg) == 0);
        if (here && v->line > 0) {
            writer_z(w, v->row->key);
            writer_z(w, "=");
            writer_z(w, v->text);
            writer_z(w, "\n");
        }
    }
}

static void same_again(const struct conf *c)
{
    struct writer w = WRITER_ARRAY(page);
    for (size_t i = 0; i < c->sections_n; i++) {
        section_write(c, &c->sections[i], &w);
    }
    MUST_HOLD(writer_finish(&w) == ERR_OK);
    static struct conf_faults faults;
    faults.n = 0;
    struct conf *again = NULL;
    MUST_HOLD(conf_file_parse(writer_view_text(&w), "", &toy, 1, &again, &faults) == ERR_OK);
    MUST_HOLD(again->values_n == c->values_n && again->sections_n == c->sections_n);
    for (size_t i = 0; i < c->values_n; i++) {
        const struct conf_value *v = &c->values[i];
        const struct conf_value *o = conf_value_of(again, v->row->section, v->arg, v->row->key);
        MUST_HOLD(o != NULL && strcmp(o->text, v->text) == 0 && o->number == v->number);
    }
    conf_file_free(again);
}

static void faults_are_clean(const struct conf_faults *f)
{
    for (size_t i = 0; i < f->n && i < CONF_FAULTS_MAX; i++) {
        MUST_HOLD(f->at[i].line >= 0 && memchr(f->at[i].text, 0, sizeof(f->at[i].text)) != NULL);
        MUST_HOLD(strpbrk(f->at[i].text, "\n\r\x1b") == NULL);
        MUST_HOLD(i == 0 || f->at[i - 1].line <= f->at[i].line);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct conf_faults faults;
    faults.n = 0;
    struct conf *c = NULL;
    struct text content = text_span((const char *)data, size);
    err_t e = conf_file_parse(content, "", &toy, 1, &c, &faults);
    MUST_HOLD((e == ERR_OK) == (faults.n == 0) && (e == ERR_OK) == (c != NULL));
    faults_are_clean(&faults);
    if (c != NULL) {
        same_again(c);
        conf_file_free(c);
    }
    /* The server's own tables, with the checks that join keys. Relative files are looked for where nothing is. */
    faults.n = 0;
    e = conf_file_parse(content, "/nonexistent", &conf_file_server_schema, 1, &c, &faults);
    MUST_HOLD((e == ERR_OK) == (faults.n == 0));
    faults_are_clean(&faults);
    conf_file_free(c);
    return 0;
}
