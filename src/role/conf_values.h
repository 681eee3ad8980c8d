/*
 * The inside of a configuration snapshot, shared by who builds it (shell/conf_file) and who looks things up in
 * it (role/conf.c). Roles use the accessors of conf.h only.
 */
#ifndef KEYSTEAD_ROLE_CONF_VALUES_H
#define KEYSTEAD_ROLE_CONF_VALUES_H

#include "role/conf.h"

/*
 * A table of rows. A row with the key "" describes its section: doc says what it is for and, with CONF_REPEATS or CONF_INSTANCES,
 * type says what its argument must be.
 */
struct conf_schema {
    const struct conf_row *rows;
    size_t n;
};

struct conf_value {
    const struct conf_row *row;
    char *arg;      /* of the section, or NULL */
    char *text;     /* as the accessor gives it: paths resolved, lists without spaces, terminated */
    int64_t number; /* CONF_NUMBER, CONF_DURATION (microseconds), CONF_BOOL (0, 1) */
    int line;       /* 0: the fallback of the row */
};

struct conf_section {
    char *name;
    char *arg; /* or NULL */
    int line;
};

#define CONF_SCHEMAS_MAX 16
#define CONF_SECTIONS_MAX 256
#define CONF_VALUES_MAX 2048

struct conf {
    struct conf_schema schemas[CONF_SCHEMAS_MAX]; /* the rows are static tables */
    size_t schemas_n;
    struct conf_section sections[CONF_SECTIONS_MAX];
    size_t sections_n;
    struct conf_value values[CONF_VALUES_MAX];
    size_t values_n;
};

/* The row of (section, key), or NULL. */
const struct conf_row *conf_row_of(const struct conf *c, struct text section, struct text key);
/* The value as read or defaulted, or NULL if there is none. */
const struct conf_value *conf_value_of(const struct conf *c, const char *section, const char *arg, const char *key);

#endif
