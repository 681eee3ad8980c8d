#include "shell/device_cert.h"

#include "role/cert_key.h"
#include "role/detail.h"
#include "shell/key_source.h"
#include "shell/x509.h"

#include <limits.h>
#include <stdlib.h>

static err_t absolute(char name[static DEVICE_STATE_FILE_MAX], char detail[static ROLE_DETAIL_MAX])
{
    char path[PATH_MAX];
    if (realpath(name, path) == NULL) {
        return detail_fail(detail, ERR_IO, "no such file", text_of(name));
    }
    return text_copy(text_of(path), name, DEVICE_STATE_FILE_MAX) == ERR_OK
               ? ERR_OK
               : detail_fail(detail, ERR_LIMIT_SIZE, "the name of the file is too long", text_of(path));
}

static err_t key_name(char name[static DEVICE_STATE_FILE_MAX], char detail[static ROLE_DETAIL_MAX])
{
    if (key_source_is_file(text_of(name))) {
        return absolute(name, detail);
    }
    char why[KEY_PIN_WHY_MAX];
    err_t e = key_source_check(text_of(name), why);
    return e == ERR_OK ? e : detail_fail(detail, e, "--private-key", text_of(why));
}

static void free_cert(X509 **x)
{
    X509_free(*x);
}

static void free_key(EVP_PKEY **k)
{
    EVP_PKEY_free(*k);
}

static void free_names(void **store)
{
    x509_names_free(*store);
}

/* The first AE-ID, else the first host name. */
static err_t identity_of(X509 *x, char out[static M2MID_MAX])
{
    SCOPED(free_names) void *store = NULL;
    struct role_cert names;
    struct cert_key_list l;
    TRY(x509_names(x, &names, &store));
    cert_key_all(&names, &l);
    out[0] = '\0';
    if (l.n > 0 && (l.at[0].flavour == CERT_ID_AE || l.at[0].flavour == CERT_ID_CSE)) {
        return text_copy(text_of(l.at[0].name.z), out, M2MID_MAX);
    }
    return ERR_OK;
}

err_t device_cert_look(struct device_state_certificate *c, char detail[static ROLE_DETAIL_MAX])
{
    SCOPED(free_cert) X509 *x = NULL;
    SCOPED(free_cert) X509 *anchor = NULL;
    SCOPED(free_key) EVP_PKEY *key = NULL;
    TRY(absolute(c->file, detail));
    TRY(key_name(c->key, detail));
    TRY(absolute(c->trust, detail));
    err_t e = x509_cert_load(c->file, &x);
    e = e == ERR_OK ? x509_profile_check(x) : e;
    e = e == ERR_OK ? identity_of(x, c->identity) : e;
    if (e != ERR_OK) {
        return detail_fail(detail, e, "--certificate", text_of(c->file));
    }
    e = x509_key_load(c->key, &key);
    if (e == ERR_OK && X509_check_private_key(x, key) != 1) {
        e = ERR_DENIED_CERT_PROOF; /* R001-13 */
        ERR_clear_error();
    }
    if (e != ERR_OK) {
        return detail_fail(detail, e, "--private-key", text_of(c->key));
    }
    e = x509_cert_load(c->trust, &anchor);
    return e == ERR_OK ? e : detail_fail(detail, e, "--trust", text_of(c->trust));
}

err_t device_cert_look_trust(char trust[static DEVICE_STATE_FILE_MAX], char detail[static ROLE_DETAIL_MAX])
{
    SCOPED(free_cert) X509 *anchor = NULL;
    TRY(absolute(trust, detail));
    return x509_cert_load(trust, &anchor) == ERR_OK ? ERR_OK : detail_fail(detail, ERR_USAGE, "--trust: no certificate in", text_of(trust));
}
