/*
 * Reads an INI file (libinih) under the schema tables of the shell and of the roles it names, and reports
 * every fault with file, line, reason and the nearest right key. The result is immutable.
 */
#ifndef KEYSTEAD_SHELL_CONF_FILE_H
#define KEYSTEAD_SHELL_CONF_FILE_H

#include "role/role.h"

struct conf_schema {
    const struct conf_row *rows;
    size_t n;
};

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
void conf_file_free(struct conf *c);

/* Sections every server has: [server] roles, store, root-secret, audit-key, control, workers, log-level; [limits] ... */
extern const struct conf_schema conf_file_server_schema;

#endif
