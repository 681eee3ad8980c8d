/* Why a file was not what was asked for, in words that say what to do. */
#include "shell/x509.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define HEAD 4096

const char *x509_file_fault(const char *file)
{
    static const struct {
        const char *mark, *why;
    } rows[] = {
        {"ENCRYPTED", "the key has a passphrase; `openssl pkey -in OLD -out NEW` takes it off, then chmod 600"},
        {"-----BEGIN CERTIFICATE-----", "it holds a certificate, which is not what belongs here"},
        {"PRIVATE KEY-----", "it holds a private key, which is not what belongs here"},
        {"-----BEGIN X509 CRL-----", "it holds a revocation list, which is not what belongs here"},
        {"-----BEGIN CERTIFICATE REQUEST-----", "it holds a request; `keystead pki sign` makes the certificate"},
    };
    char head[HEAD + 1];
    FILE *f = fopen(file, "rbe");
    if (f == NULL) {
        return strerror(errno);
    }
    size_t n = fread(head, 1, HEAD, f);
    (void)fclose(f);
    head[n] = '\0';
    if (n > 0 && head[0] == 0x30) { /* SEQUENCE */
        return "this is DER and PEM is needed; convert it by openssl x509, pkey or crl -inform DER";
    }
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (strstr(head, rows[i].mark) != NULL) {
            return rows[i].why;
        }
    }
    return n == 0 ? "it is empty" : "there is no PEM in it (-----BEGIN ...)";
}
