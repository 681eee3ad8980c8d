/*
 * Reads an INI file (libinih) under the schema tables of the shell and of the roles it names, and reports
 * every fault with file, line, reason and the nearest right key. The result is immutable.
 */
#ifndef KEYSTEAD_SHELL_CONF_FILE_H
#define KEYSTEAD_SHELL_CONF_FILE_H

#include "role/conf_values.h"
#include "role/role.h"

struct conf_fault {
    int line; /* 0: about the file as a whole */
    char text[256];
};
#define CONF_FAULTS_MAX 32
struct conf_faults {
    struct conf_fault at[CONF_FAULTS_MAX];
    size_t n; /* may exceed CONF_FAULTS_MAX; only the first are kept */
};

/* ERR_CONFIG with *faults filled. The caller frees *out with conf_file_free. */
MUST_USE err_t conf_file_read(const char *file, const struct conf_schema *schemas, size_t n, struct conf **out,
                              struct conf_faults *faults);
/* The same over text that is in memory; relative paths are taken from `dir`. */
MUST_USE err_t conf_file_parse(struct text content, const char *dir, const struct conf_schema *schemas, size_t n,
                               struct conf **out, struct conf_faults *faults);
void conf_file_free(struct conf *c);

/* One value as it stands in the file, before any schema is known: `[server] roles` says which tables apply.
 * *line is where it stands. ERR_IO, ERR_NOT_FOUND, ERR_LIMIT_SIZE. */
MUST_USE err_t conf_file_peek(const char *file, const char *section, const char *key, struct writer *out, int *line);

/* What joins several keys of the server's sections: listeners and their roles, certificates and their keys.
 * conf_file_read calls it when the server's schema is among the schemas. */
void conf_file_server_check(const struct conf *c, struct conf_faults *faults);

/* Sections every server has: [server] roles, store, root-secret, audit-key, control, workers, log-level; [limits] ... */
extern const struct conf_schema conf_file_server_schema;

#endif
