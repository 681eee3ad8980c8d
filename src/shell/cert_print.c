#include "shell/cert_print.h"

#include "base/hex.h"
#include "shell/key_source.h"
#include "shell/openssl.h"

#include <openssl/pem.h>
#include <stdio.h>

static bool is_print(const X509 *cert, struct text print)
{
    uint8_t digest[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    char hex[2 * EVP_MAX_MD_SIZE];
    struct writer w = WRITER_ARRAY(hex);
    char given[2 * EVP_MAX_MD_SIZE];
    struct writer g = WRITER_ARRAY(given);
    if (X509_digest(cert, EVP_sha256(), digest, &n) != 1) {
        return false;
    }
    hex_write_lower(&w, bytes_of(digest, n));
    for (size_t i = 0; i < print.n; i++) {
        if (print.p[i] != ':') {
            writer_u8(&g, (uint8_t)print.p[i]);
        }
    }
    return writer_finish(&g) == ERR_OK && text_eq_nocase(writer_view_text(&g), writer_view_text(&w));
}

static bool has_key(X509 *cert, const char *key_file)
{
    EVP_PKEY *key = NULL;
    bool good = key_source_load(key_file, &key) == ERR_OK && X509_check_private_key(cert, key) == 1;
    EVP_PKEY_free(key);
    return good;
}

static X509 *parse(struct bytes given)
{
    const uint8_t *p = given.p;
    X509 *cert = d2i_X509(NULL, &p, (long)given.n);
    BIO *in = cert == NULL ? BIO_new_mem_buf(given.p, (int)given.n) : NULL;
    cert = in != NULL ? PEM_read_bio_X509(in, NULL, NULL, NULL) : cert;
    BIO_free(in);
    return cert;
}

err_t cert_print_take(struct bytes given, struct text print, struct writer *pem)
{
    X509 *cert = given.n == 0 ? NULL : parse(given);
    BIO *out = BIO_new(BIO_s_mem());
    char *text = NULL;
    bool good = cert != NULL && out != NULL && is_print(cert, print) && PEM_write_bio_X509(out, cert) == 1;
    long n = good ? BIO_get_mem_data(out, &text) : 0;
    writer_bytes(pem, bytes_of(text, n > 0 ? (size_t)n : 0));
    X509_free(cert);
    BIO_free(out);
    ERR_clear_error();
    return good ? writer_finish(pem) : ERR_MALFORMED;
}

bool cert_print_has(const char *cert_file, const char *key_file, struct text print)
{
    FILE *f = cert_file[0] == '\0' ? NULL : fopen(cert_file, "rbe");
    bool found = false;
    X509 *cert = NULL;
    while (f != NULL && !found && (cert = PEM_read_X509(f, NULL, NULL, NULL)) != NULL) {
        found = is_print(cert, print) && (key_file == NULL || has_key(cert, key_file));
        X509_free(cert);
    }
    if (f != NULL) {
        (void)fclose(f);
    }
    ERR_clear_error();
    return found;
}
