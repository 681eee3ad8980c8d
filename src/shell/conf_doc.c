#include "shell/conf_doc.h"

#include "shell/conf_value.h"

#include <string.h>

static void type_write(const struct conf_row *row, struct writer *w)
{
    writer_z(w, (row->flags & CONF_MANY) != 0 ? "list of " : "");
    if (row->type == CONF_CHOICE) {
        struct text rest = text_of(row->choices);
        struct text word;
        for (bool first = true; text_next(&rest, '|', &word); first = false) {
            writer_z(w, first ? "" : " or ");
            writer_text(w, word);
        }
        return;
    }
    writer_z(w, conf_value_type_name(row->type));
    if (row->max == 0) {
        return;
    }
    if (row->type == CONF_NUMBER) {
        writer_z(w, ", ");
        writer_decimal(w, (uint64_t)row->min);
        writer_z(w, " to ");
        writer_decimal(w, (uint64_t)row->max);
    } else if (row->type == CONF_DURATION) {
        writer_z(w, ", ");
        conf_value_write_duration(w, row->min);
        writer_z(w, " to ");
        conf_value_write_duration(w, row->max);
    } else {
        writer_z(w, ", at most ");
        writer_decimal(w, (uint64_t)row->max);
        writer_z(w, " octets");
    }
}

static void section_write(const struct conf_row *row, struct writer *w)
{
    bool repeats = (row->flags & CONF_REPEATS) != 0;
    writer_z(w, "\n## [");
    writer_z(w, row->section);
    writer_z(w, repeats && row->key[0] == '\0' && row->type == CONF_FQDN ? " FQDN" : repeats ? " NAME" : "");
    if ((row->flags & CONF_INSTANCES) != 0) {
        writer_z(w, "], [");
        writer_z(w, row->section);
        writer_z(w, " NAME");
    }
    writer_z(w, "]\n\n");
    if (row->key[0] == '\0') {
        writer_z(w, row->doc);
        writer_z(w, "\n\n");
    }
    writer_z(w, "| key | value | default | meaning |\n| --- | --- | --- | --- |\n");
}

static void row_write(const struct conf_row *row, struct writer *w)
{
    writer_z(w, "| `");
    writer_z(w, row->key);
    writer_z(w, "` | ");
    type_write(row, w);
    writer_z(w, " | ");
    if (row->fallback != NULL) {
        writer_z(w, "`");
        writer_z(w, row->fallback);
        writer_z(w, "`");
    } else {
        writer_z(w, (row->flags & CONF_REQUIRED) != 0 ? "required" : "none");
    }
    writer_z(w, " | ");
    writer_z(w, row->doc);
    writer_z(w, " |\n");
}

void conf_doc_schema(const struct conf_schema *s, struct writer *w)
{
    const char *section = "";
    for (size_t i = 0; i < s->n; i++) {
        const struct conf_row *row = &s->rows[i];
        if (strcmp(row->section, section) != 0) {
            section = row->section;
            section_write(row, w);
        }
        if (row->key[0] != '\0') {
            row_write(row, w);
        }
    }
}
