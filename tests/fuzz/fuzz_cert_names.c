/*
 * A DER certificate from a stranger: its names, its profile, what `pki show` would say of them, and a revocation list's
 * table asked for it. What holds for each: a name that is taken is printable, bounded and without wildcards where an
 * identity is matched, and nothing outside the profile passes.
 */
#include "fuzz.h"

#include "role/cert_id.h"
#include "shell/x509.h"

#include <string.h>

static void text_holds(struct text t)
{
    MUST_HOLD(t.n > 0);
    for (size_t i = 0; i < t.n; i++) {
        MUST_HOLD(t.p[i] > ' ' && t.p[i] <= '~');
    }
}

static void names_hold(const struct role_cert *n)
{
    for (size_t i = 0; i < n->dns_n; i++) {
        text_holds(n->dns[i]);
        bool wild = text_find(n->dns[i], '*') != n->dns[i].n;
        MUST_HOLD(!wild || cert_id_check(n, CERT_ID_FQDN, n->dns[i]) == ERR_DENIED_CERT_NAME);
        MUST_HOLD(cert_id_check(n, CERT_ID_AE, n->dns[i]) == ERR_DENIED_CERT_NAME || n->uri_n > 0);
    }
    for (size_t i = 0; i < n->uri_n; i++) {
        enum cert_id_flavour f;
        struct text id;
        text_holds(n->uri[i]);
        if (cert_id_of_uri(n->uri[i], &f, &id) == ERR_OK) {
            MUST_HOLD(cert_id_check(n, f, id) == ERR_OK);
        }
    }
    for (size_t i = 0; i < n->device_n; i++) {
        text_holds(n->device[i]);
        MUST_HOLD(strspn(n->device[i].p, "0123456789.") == n->device[i].n && n->device[i].n < X509_DEVICE_MAX);
        MUST_HOLD(cert_id_check(n, CERT_ID_DEVICE, n->device[i]) == ERR_OK);
    }
    MUST_HOLD(cert_id_key_check(n->key_id) == ERR_OK && cert_id_check(n, CERT_ID_RAW, n->key_id) == ERR_OK);
}

static void device_round_trip(const struct role_cert *n)
{
    for (size_t i = 0; i < n->device_n; i++) {
        GENERAL_NAME *made = NULL;
        if (x509_device_make(n->device[i], text_empty(), &made) != ERR_OK) {
            continue; /* an expanded ID behind a short arc */
        }
        char z[X509_DEVICE_MAX];
        struct writer w = WRITER_ARRAY(z);
        int type = 0;
        MUST_HOLD(x509_device_parse(GENERAL_NAME_get0_value(made, &type), &w) == ERR_OK);
        MUST_HOLD(text_eq(writer_view_text(&w), n->device[i]));
        GENERAL_NAME_free(made);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static X509_STORE *nobody;
    char detail[ROLE_DETAIL_MAX];
    if (nobody == NULL) {
        MUST_HOLD(x509_trust_load(&(struct x509_trust){.pinned = true}, &nobody, detail) == ERR_OK);
    }
    const unsigned char *p = data;
    X509 *cert = size > INT32_MAX ? NULL : d2i_X509(NULL, &p, (long)size);
    if (cert == NULL) {
        ERR_clear_error();
        return 0;
    }
    struct role_cert names;
    void *store = NULL;
    err_t e = x509_names(cert, &names, &store);
    if (e == ERR_OK) {
        names_hold(&names);
        device_round_trip(&names);
        x509_names_raw(&names);
        MUST_HOLD(names.raw && names.dns_n + names.uri_n + names.device_n == 0);
    }
    MUST_HOLD((e == ERR_OK) == (store != NULL));
    x509_names_free(store);
    err_t profile = x509_profile_check(cert);
    err_t path = x509_trust_check(nobody, cert, NULL);
    MUST_HOLD(path != ERR_OK || (profile == ERR_OK && e == ERR_OK)); /* pinned: no path, but the profile */
    X509_free(cert);
    ERR_clear_error();
    return 0;
}
