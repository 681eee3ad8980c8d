#include "role/conf_values.h"

#include <assert.h>
#include <string.h>

const struct conf_row *conf_row_of(const struct conf *c, struct text section, struct text key)
{
    for (size_t s = 0; s < c->schemas_n; s++) {
        for (size_t i = 0; i < c->schemas[s].n; i++) {
            const struct conf_row *row = &c->schemas[s].rows[i];
            if (text_eq_z(section, row->section) && text_eq_z(key, row->key)) {
                return row;
            }
        }
    }
    return NULL;
}

static bool same_arg(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : text_eq_nocase(text_of(a), text_of(b));
}

const struct conf_value *conf_value_of(const struct conf *c, const char *section, const char *arg, const char *key)
{
    for (size_t i = 0; i < c->values_n; i++) {
        const struct conf_value *v = &c->values[i];
        if (strcmp(v->row->section, section) == 0 && strcmp(v->row->key, key) == 0 && same_arg(v->arg, arg)) {
            return v;
        }
    }
    return NULL;
}

/* Asking for a key that no table declares is a mistake in the program that no input can cause. */
static const struct conf_value *lookup(const struct conf *c, const char *section, const char *arg, const char *key)
{
    assert(conf_row_of(c, text_of(section), text_of(key)) != NULL);
    return conf_value_of(c, section, arg, key);
}

struct text conf_text(const struct conf *c, const char *section, const char *arg, const char *key)
{
    const struct conf_value *v = lookup(c, section, arg, key);
    return v == NULL ? text_empty() : text_of(v->text);
}

int64_t conf_number(const struct conf *c, const char *section, const char *arg, const char *key)
{
    const struct conf_value *v = lookup(c, section, arg, key);
    return v == NULL ? 0 : v->number;
}

bool conf_bool(const struct conf *c, const char *section, const char *arg, const char *key)
{
    return conf_number(c, section, arg, key) != 0;
}

const char *conf_section_arg(const struct conf *c, const char *section, size_t i)
{
    for (size_t s = 0; s < c->sections_n; s++) {
        if (strcmp(c->sections[s].name, section) == 0 && c->sections[s].arg != NULL && i-- == 0) {
            return c->sections[s].arg;
        }
    }
    return NULL;
}
