/* What the verbs of `keystead object` share: contents of files, and keys given as ID=FILE. */
#ifndef KEYSTEAD_CLI_OBJECT_FILE_H
#define KEYSTEAD_CLI_OBJECT_FILE_H

#include "base/secret.h"
#include "base/writer.h"
#include "proto/esdata.h"
#include "wire/m2mid.h"

#define OBJECT_FILE_MAX JOSE_OBJECT_MAX

struct object_file {
    uint8_t b[OBJECT_FILE_MAX];
    size_t n;
};
/* NULL or "-": standard input. ERR_IO, ERR_LIMIT_SIZE. */
MUST_USE err_t object_file_read(const char *name, struct object_file *out);
/* NULL or "-": standard output. A file gets mode 0600; what was there is replaced whole. */
MUST_USE err_t object_file_write(const char *name, struct bytes b);
/* Opened without making it; ERR_NOT_FOUND. */
MUST_USE err_t object_file_read_if(const char *name, struct object_file *out);

/* A key of the command line: hex in a file of mode 0600, PEM, or a JWK. */
struct object_file_key {
    struct esdata_key k;
    struct secret secret;
    struct object_file text;
};
/* ID=FILE, or FILE. Private and symmetric keys only from a file that its owner alone may read. */
MUST_USE err_t object_file_key_read(const char *spec, struct object_file_key *out);

/* KEYID of a usage-constrained key in the state of a device (`device use-register`, `use-retrieve`). `who` gets its Source, empty
 * if that is the device itself. ERR_NOT_FOUND also for one that has ended. */
MUST_USE err_t object_file_key_kept(const char *dir, const char *id, struct object_file_key *out, char who[static M2MID_MAX]);

#endif
