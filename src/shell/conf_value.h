/* One configuration value against its row: what each type allows, and the form in which the snapshot keeps it. */
#ifndef KEYSTEAD_SHELL_CONF_VALUE_H
#define KEYSTEAD_SHELL_CONF_VALUE_H

#include "role/conf_values.h"

#include "base/writer.h"

#define CONF_VALUE_MAX 4096
#define CONF_VALUE_WHY_MAX 160

/*
 * Appends the checked form to `out` (lists joined by ',') and sets *number. Relative paths are taken from `dir`.
 * False: `why` says what is wrong, as the end of the sentence "section.key: ...".
 */
bool conf_value_parse(const struct conf_row *row, struct text raw, const char *dir, struct writer *out,
                      int64_t *number, char why[static CONF_VALUE_WHY_MAX]);

const char *conf_value_type_name(enum conf_type t);          /* for people: "fqdn", "secret file" */
void conf_value_write_duration(struct writer *w, int64_t us); /* in the largest unit that divides it */

#endif
