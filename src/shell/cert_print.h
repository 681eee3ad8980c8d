/* Certificates by their fingerprint: SHA-256 over the DER, in hexadecimal digits, with or without colons. */
#ifndef KEYSTEAD_SHELL_CERT_PRINT_H
#define KEYSTEAD_SHELL_CERT_PRINT_H

#include "base/text.h"

/* Does this PEM file hold a certificate of this fingerprint and, unless key_file is NULL, the other its private key? */
bool cert_print_has(const char *cert_file, const char *key_file, struct text print);

#endif
