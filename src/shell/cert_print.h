/* Certificates by their fingerprint: SHA-256 over the DER, in hexadecimal digits, with or without colons. */
#ifndef KEYSTEAD_SHELL_CERT_PRINT_H
#define KEYSTEAD_SHELL_CERT_PRINT_H

#include "base/writer.h"

/* Does this PEM file hold a certificate of this fingerprint and, unless key_file is NULL, the other its private key? */
bool cert_print_has(const char *cert_file, const char *key_file, struct text print);

/* One certificate in DER or PEM that has this fingerprint, as PEM. ERR_MALFORMED: it is none, or another one. */
MUST_USE err_t cert_print_take(struct bytes given, struct text print, struct writer *pem);

#endif
