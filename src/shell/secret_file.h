/* A secret that lives in a file: hexadecimal digits and a newline, regular, readable by its owner alone. */
#ifndef KEYSTEAD_SHELL_SECRET_FILE_H
#define KEYSTEAD_SHELL_SECRET_FILE_H

#include "base/secret.h"

/* `octets` 0: any length up to SECRET_MAX. ERR_IO, ERR_FILE_MODE, ERR_MALFORMED_HEX, ERR_MALFORMED_KEY. */
MUST_USE err_t secret_file_read(const char *file, size_t octets, struct secret *out);

/* Makes the file with mode 0400 and brings it to the disk; never overwrites: ERR_EXISTS, ERR_IO. */
MUST_USE err_t secret_file_write(const char *file, const struct secret *in);

#endif
