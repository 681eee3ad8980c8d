#include "cli/ctl_print.h"

#include "base/writer.h"

#include <stdlib.h>
#include <string.h>

#define COLUMNS_MAX 16
#define CELL_MAX 512
#define PREFIX_MAX 128

/* Text that came from peers: nothing in it may drive a terminal or forge a line. */
static void text_clean(char *z)
{
    for (; *z != '\0'; z++) {
        if ((unsigned char)*z < 0x20 || *z == 0x7F) {
            *z = '?';
        }
    }
}

static void cell_write(const json_t *v, char cell[static CELL_MAX])
{
    cell[0] = '\0';
    if (json_is_string(v)) {
        (void)snprintf(cell, CELL_MAX, "%s", json_string_value(v));
    } else if (v != NULL && !json_is_null(v)) {
        char *dump = json_dumps(v, JSON_COMPACT | JSON_ENCODE_ANY);
        (void)snprintf(cell, CELL_MAX, "%s", dump == NULL ? "" : dump);
        free(dump);
    }
    text_clean(cell);
}

/* -- tables ---------------------------------------------------------------------------------------- */
struct table {
    const char *column[COLUMNS_MAX];
    size_t width[COLUMNS_MAX];
    size_t n;
};

static void table_column(struct table *t, const char *name)
{
    for (size_t i = 0; i < t->n; i++) {
        if (strcmp(t->column[i], name) == 0) {
            return;
        }
    }
    if (t->n < COLUMNS_MAX) {
        t->column[t->n] = name;
        t->width[t->n++] = strlen(name);
    }
}

static void table_measure(struct table *t, const json_t *list)
{
    size_t i;
    const json_t *item;
    json_array_foreach(list, i, item)
    {
        const char *name;
        json_t *v;
        json_object_foreach((json_t *)(uintptr_t)item, name, v)
        {
            table_column(t, name);
        }
        for (size_t c = 0; c < t->n; c++) {
            char cell[CELL_MAX];
            cell_write(json_object_get(item, t->column[c]), cell);
            t->width[c] = strlen(cell) > t->width[c] ? strlen(cell) : t->width[c];
        }
    }
}

static void table_cell(FILE *out, const struct table *t, size_t c, const char *cell)
{
    bool last = c + 1 == t->n;
    (void)fprintf(out, "%-*s%s", last ? 0 : (int)t->width[c], cell, last ? "\n" : "  ");
}

static void table_print(FILE *out, const json_t *list)
{
    struct table t = {.n = 0};
    table_measure(&t, list);
    for (size_t c = 0; c < t.n; c++) {
        table_cell(out, &t, c, t.column[c]);
    }
    size_t i;
    const json_t *item;
    json_array_foreach(list, i, item)
    {
        for (size_t c = 0; c < t.n; c++) {
            char cell[CELL_MAX];
            cell_write(json_object_get(item, t.column[c]), cell);
            table_cell(out, &t, c, cell);
        }
    }
}

/* -- the rest -------------------------------------------------------------------------------------- */
static void object_print(FILE *out, const json_t *o, const char *prefix, int depth);

/* Objects of different kinds: a table of them would be mostly empty. */
static void blocks_print(FILE *out, const json_t *list)
{
    size_t i;
    const json_t *item;
    json_array_foreach(list, i, item)
    {
        (void)fputc('\n', out);
        object_print(out, item, "  ", 1);
    }
    (void)fputc('\n', out);
}

static void member_print(FILE *out, const char *name, const json_t *v, const char *prefix, int depth)
{
    if (strcmp(name, "objects") == 0 && json_array_size(v) > 0) {
        blocks_print(out, v);
        return;
    }
    if (json_is_array(v) && json_is_object(json_array_get(v, 0))) {
        table_print(out, v);
        return;
    }
    if (json_is_array(v) && json_array_size(v) == 0) {
        (void)fprintf(out, "%s%s: none\n", prefix, name);
        return;
    }
    if (json_is_object(v) && depth < 4) {
        char longer[PREFIX_MAX];
        (void)snprintf(longer, sizeof(longer), "%s%s.", prefix, name);
        object_print(out, v, longer, depth + 1);
        return;
    }
    char cell[CELL_MAX];
    cell_write(v, cell);
    (void)fprintf(out, "%s%s: %s\n", prefix, name, cell);
}

static void object_print(FILE *out, const json_t *o, const char *prefix, int depth)
{
    const char *name;
    json_t *v;
    json_object_foreach((json_t *)(uintptr_t)o, name, v)
    {
        member_print(out, name, v, prefix, depth);
    }
}

void ctl_print(FILE *out, const json_t *result)
{
    if (!json_is_object(result) || json_object_size(result) == 0) {
        (void)fputs("ok\n", out);
        return;
    }
    object_print(out, result, "", 0);
}
