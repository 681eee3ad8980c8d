/* subjectAltName and what else a certificate says of its holder, as views that live as long as an opaque store. */
#include "shell/x509.h"

#include "base/hex.h"
#include "role/cert_id.h"

#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define KEY_ID_MAX 64

/* What the views of a struct role_cert point into. */
struct names {
    GENERAL_NAMES *list;
    char device[ARRAY_LEN(((struct role_cert *)0)->device)][X509_DEVICE_MAX];
    char key_id[KEY_ID_MAX];
};

/* Printable ASCII only: an embedded NUL or a control character could make two names look like one. */
static err_t name_parse(const ASN1_STRING *s, struct text *out)
{
    int n = ASN1_STRING_length(s);
    *out = text_span((const char *)ASN1_STRING_get0_data(s), n > 0 ? (size_t)n : 0);
    for (size_t i = 0; i < out->n; i++) {
        if (out->p[i] <= ' ' || out->p[i] > '~') {
            return ERR_DENIED_CERT_NAME;
        }
    }
    return out->n > 0 ? ERR_OK : ERR_DENIED_CERT_NAME;
}

static err_t name_add(struct text *names, size_t cap, size_t *count, const ASN1_STRING *s)
{
    struct text t;
    TRY(name_parse(s, &t));
    if (*count == cap) {
        return ERR_LIMIT_CAPACITY;
    }
    names[(*count)++] = t;
    return ERR_OK;
}

static err_t device_add(struct names *n, struct role_cert *out, const OTHERNAME *other)
{
    char dotted[X509_DEVICE_MAX];
    struct writer w = WRITER_ARRAY(dotted);
    err_t e = x509_device_parse(other, &w);
    if (e == ERR_NOT_FOUND) {
        return ERR_OK; /* a name of another kind */
    }
    TRY(e);
    if (out->device_n == ARRAY_LEN(out->device)) {
        return ERR_LIMIT_CAPACITY;
    }
    char *z = n->device[out->device_n];
    TRY(text_copy(writer_view_text(&w), z, X509_DEVICE_MAX));
    out->device[out->device_n++] = text_of(z);
    return ERR_OK;
}

static err_t names_collect(struct names *n, struct role_cert *out)
{
    for (int i = 0; i < sk_GENERAL_NAME_num(n->list); i++) {
        int type = 0;
        const void *value = GENERAL_NAME_get0_value(sk_GENERAL_NAME_value(n->list, i), &type);
        if (type == GEN_DNS) {
            TRY(name_add(out->dns, ARRAY_LEN(out->dns), &out->dns_n, value));
        } else if (type == GEN_URI) {
            TRY(name_add(out->uri, ARRAY_LEN(out->uri), &out->uri_n, value));
        } else if (type == GEN_OTHERNAME) {
            TRY(device_add(n, out, value));
        }
    }
    return ERR_OK;
}

/* [10.1.2, CHOICE-36]: over the DER of the SubjectPublicKeyInfo */
static err_t key_id_get(struct names *n, const X509 *cert, struct role_cert *out)
{
    uint8_t digest[CRYPTO_HASH_LEN];
    struct writer w = WRITER_ARRAY(n->key_id);
    TRY(x509_key_digest(X509_get_X509_PUBKEY(cert), digest));
    cert_id_key_write(&w, digest, 256);
    TRY(writer_finish_z(&w));
    out->key_id = text_of(n->key_id);
    return ERR_OK;
}

static err_t not_after_get(X509 *cert, usec_t *out)
{
    struct tm tm = {0};
    if (ASN1_TIME_to_tm(X509_get0_notAfter(cert), &tm) != 1) {
        return ERR_DENIED_CERT_PROFILE;
    }
    *out = (usec_t)timegm(&tm) * USEC_PER_SEC;
    return ERR_OK;
}

/* A serial longer than RFC 5280 allows is left out: nothing of ours has one. */
static void serial_get(const X509 *cert, char out[static ASSOCIATION_SERIAL_MAX])
{
    const ASN1_INTEGER *serial = X509_get0_serialNumber(cert);
    struct bytes b = bytes_of(ASN1_STRING_get0_data(serial), (size_t)ASN1_STRING_length(serial));
    struct writer w = writer_of(out, ASSOCIATION_SERIAL_MAX);
    hex_write_lower(&w, b);
    if (writer_finish_z(&w) != ERR_OK) {
        out[0] = '\0';
    }
}

static err_t names_fill(struct names *n, X509 *cert, struct role_cert *out)
{
    int critical = 0;
    n->list = X509_get_ext_d2i(cert, NID_subject_alt_name, &critical, NULL);
    if (n->list == NULL && critical != -1) { /* twice, or not DER; -1: absent */
        return ERR_DENIED_CERT_NAME;
    }
    serial_get(cert, out->serial);
    TRY(not_after_get(cert, &out->not_after));
    TRY(key_id_get(n, cert, out));
    return n->list == NULL ? ERR_OK : names_collect(n, out);
}

err_t x509_names(X509 *cert, struct role_cert *out, void **store)
{
    *out = (struct role_cert){0};
    *store = NULL;
    struct names *n = calloc(1, sizeof(*n));
    if (n == NULL) {
        return ERR_LIMIT_CAPACITY;
    }
    err_t e = names_fill(n, cert, out);
    if (e != ERR_OK) {
        *out = (struct role_cert){0};
        x509_names_free(n);
        return e;
    }
    *store = n;
    return ERR_OK;
}

void x509_names_free(void *store)
{
    struct names *n = store;
    if (n != NULL) {
        GENERAL_NAMES_free(n->list);
        free(n);
    }
}

bool x509_names_wild(const struct role_cert *names)
{
    for (size_t i = 0; i < names->dns_n; i++) {
        if (text_find(names->dns[i], '*') != names->dns[i].n) {
            return true;
        }
    }
    return false;
}

/* A raw key is its digest: what a certificate says that nobody vouched for is not passed on. */
void x509_names_raw(struct role_cert *names)
{
    names->raw = true;
    names->dns_n = 0;
    names->uri_n = 0;
    names->device_n = 0;
}
