/* What a refused client showed: the name, serial and issuer of its certificate, for the person who has to find it. */
#include "shell/tls_impl.h"

#include "base/hex.h"
#include "shell/x509.h"

#include <stdlib.h>
#include <string.h>

static void name_write(X509 *cert, struct writer *w)
{
    struct role_cert names;
    void *store = NULL;
    if (x509_names(cert, &names, &store) != ERR_OK) {
        writer_z(w, "?"); /* names that cannot be read; serial and issuer still tell which certificate it is */
        return;
    }
    struct text first = names.dns_n > 0 ? names.dns[0] : names.uri_n > 0 ? names.uri[0] : names.key_id;
    writer_text(w, text_take(names.device_n > 0 ? names.device[0] : first, 120));
    x509_names_free(store);
}

static void shown_note(struct tls *t, X509 *cert)
{
    char line[TLS_SHOWN_MAX];
    char issuer[100] = "";
    struct writer w = WRITER_ARRAY(line);
    if (t->shown != NULL || cert == NULL) {
        return;
    }
    const ASN1_INTEGER *serial = X509_get0_serialNumber(cert);
    int n = ASN1_STRING_length(serial);
    name_write(cert, &w);
    writer_z(&w, " serial ");
    hex_write_lower(&w, bytes_of(ASN1_STRING_get0_data(serial), n < 0 ? 0 : n > 20 ? 20 : (size_t)n));
    (void)X509_NAME_oneline(X509_get_issuer_name(cert), issuer, sizeof(issuer));
    writer_z(&w, " by ");
    writer_z(&w, issuer);
    if (writer_finish_z(&w) == ERR_OK) {
        t->shown = strdup(line);
    }
    ERR_clear_error();
}

/* In the place of X509_verify_cert, which it calls: afterwards OpenSSL forgets a certificate that it refuses. */
int tls_shown_verify(X509_STORE_CTX *path, void *arg)
{
    (void)arg;
    int ok = X509_verify_cert(path);
    if (ok != 1) {
        SSL *ssl = X509_STORE_CTX_get_ex_data(path, SSL_get_ex_data_X509_STORE_CTX_idx());
        shown_note(SSL_get_app_data(ssl), X509_STORE_CTX_get0_cert(path));
    }
    return ok;
}

struct text tls_shown(struct tls *t)
{
    shown_note(t, SSL_get0_peer_certificate(t->ssl)); /* one with a good path that was refused for what it says */
    return t->shown == NULL ? text_empty() : text_of(t->shown);
}
