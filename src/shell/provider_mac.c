#define OPENSSL_SUPPRESS_DEPRECATED /* see provider_hmac.c */
#include "shell/openssl.h"

#include "shell/provider_mac.h"

#include "base/ct.h"
#include "shell/provider_hmac.h"

#include <openssl/core_names.h>
#include <stdlib.h>
#include <string.h>

/* OpenSSL's functions; filled once. */
static struct {
    OSSL_FUNC_keymgmt_export_fn *key_export;
    OSSL_FUNC_signature_newctx_fn *newctx;
    OSSL_FUNC_signature_freectx_fn *freectx;
    OSSL_FUNC_signature_dupctx_fn *dupctx;
    OSSL_FUNC_signature_digest_sign_init_fn *init;
    OSSL_FUNC_signature_digest_sign_update_fn *update;
    OSSL_FUNC_signature_digest_sign_final_fn *final;
    OSSL_FUNC_signature_set_ctx_params_fn *set;
    OSSL_FUNC_signature_settable_ctx_params_fn *settable;
} theirs;

struct mac {
    void *provider;
    void *theirs; /* of another hash than SHA-256, or with parameters: all that is asked goes there */
    bool keyed;
    void *whole; /* OpenSSL's key, as long as keyed: lives as long as who asks */
    struct provider_hmac key;
    SHA256_CTX now;
};

static void freectx(void *ctx)
{
    struct mac *m = ctx;
    if (m == NULL) {
        return;
    }
    if (m->theirs != NULL) {
        theirs.freectx(m->theirs);
    }
    ct_wipe(m, sizeof(*m));
    free(m);
}

static void *newctx(void *provider, const char *properties)
{
    struct mac *m = calloc(1, sizeof(*m));
    if (m == NULL) {
        return NULL;
    }
    m->provider = provider;
    if (properties != NULL) { /* another implementation is wanted */
        m->theirs = theirs.newctx(provider, properties);
        if (m->theirs == NULL) {
            freectx(m);
            return NULL;
        }
    }
    return m;
}

static void *dupctx(void *ctx)
{
    const struct mac *from = ctx;
    struct mac *m = malloc(sizeof(*m));
    if (m == NULL) {
        return NULL;
    }
    *m = *from;
    if (from->theirs != NULL) {
        m->theirs = theirs.dupctx(from->theirs);
        if (m->theirs == NULL) {
            freectx(m);
            return NULL;
        }
    }
    return m;
}

/* -- the key ---------------------------------------------------------------------------------------------- */
/* OpenSSL's copy, made for this call, is freed as it is: it is wiped here. */
static int take_key(const OSSL_PARAM params[], void *arg)
{
    struct mac *m = arg;
    for (const OSSL_PARAM *p = params; p->key != NULL; p++) {
        if (strcmp(p->key, OSSL_PKEY_PARAM_PRIV_KEY) == 0 && p->data_type == OSSL_PARAM_OCTET_STRING) {
            provider_hmac_key(&m->key, bytes_of(p->data, p->data_size));
            ct_wipe(p->data, p->data_size);
            m->keyed = true;
        }
    }
    return m->keyed;
}

static bool is_sha256(const char *digest)
{
    return digest != NULL && (strcmp(digest, "SHA2-256") == 0 || strcmp(digest, "SHA256") == 0);
}

static bool is_theirs(struct mac *m)
{
    m->theirs = m->theirs != NULL || m->keyed ? m->theirs : theirs.newctx(m->provider, NULL);
    return m->theirs != NULL;
}

static int init(void *ctx, const char *digest, void *key, const OSSL_PARAM params[])
{
    struct mac *m = ctx;
    bool plain = params == NULL || params[0].key == NULL;
    if (m->theirs == NULL && is_sha256(digest) && plain && key != NULL) {
        m->keyed = false;
        m->whole = key;
        if (theirs.key_export(key, OSSL_KEYMGMT_SELECT_PRIVATE_KEY, take_key, m) != 1) {
            return 0;
        }
        m->now = m->key.in;
        return 1;
    }
    return is_theirs(m) ? theirs.init(m->theirs, digest, key, params) : 0;
}

/* -- a message -------------------------------------------------------------------------------------------- */
static int update(void *ctx, const unsigned char *octets, size_t n)
{
    struct mac *m = ctx;
    if (m->theirs != NULL) {
        return theirs.update(m->theirs, octets, n);
    }
    return m->keyed ? SHA256_Update(&m->now, octets, n) : 0;
}

static int final(void *ctx, unsigned char *out, size_t *n, size_t room)
{
    struct mac *m = ctx;
    if (m->theirs != NULL) {
        return theirs.final(m->theirs, out, n, room);
    }
    *n = SHA256_DIGEST_LENGTH;
    if (!m->keyed || (out != NULL && room < SHA256_DIGEST_LENGTH)) {
        return 0;
    }
    if (out != NULL) {
        provider_hmac_end(&m->key, &m->now, out);
    }
    return 1;
}

/* libssl says before a message how long its record was: a MAC inside CBC is then made in constant time, which OpenSSL's does. */
static int set(void *ctx, const OSSL_PARAM params[])
{
    struct mac *m = ctx;
    if (params == NULL || params[0].key == NULL) {
        return 1;
    }
    if (m->keyed) {
        m->keyed = false;
        if (!is_theirs(m) || theirs.init(m->theirs, "SHA256", m->whole, NULL) != 1) {
            return 0;
        }
    }
    return is_theirs(m) ? theirs.set(m->theirs, params) : 0;
}

static const OSSL_PARAM *settable(void *ctx, void *provider)
{
    (void)ctx;
    return theirs.settable(NULL, provider);
}

/* -- what OpenSSL is given -------------------------------------------------------------------------------- */
const OSSL_DISPATCH *provider_mac_keys(const OSSL_DISPATCH *below)
{
    for (const OSSL_DISPATCH *d = below; d->function_id != 0; d++) {
        if (d->function_id == OSSL_FUNC_KEYMGMT_EXPORT) {
            theirs.key_export = OSSL_FUNC_keymgmt_export(d);
        }
    }
    return below;
}

static bool is_whole(void)
{
    return theirs.key_export != NULL && theirs.newctx != NULL && theirs.freectx != NULL && theirs.dupctx != NULL &&
           theirs.init != NULL && theirs.update != NULL && theirs.final != NULL && theirs.set != NULL &&
           theirs.settable != NULL;
}

const OSSL_DISPATCH *provider_mac_over(const OSSL_DISPATCH *below)
{
    static const OSSL_DISPATCH table[] = {
        {OSSL_FUNC_SIGNATURE_NEWCTX, (void (*)(void))newctx},
        {OSSL_FUNC_SIGNATURE_FREECTX, (void (*)(void))freectx},
        {OSSL_FUNC_SIGNATURE_DUPCTX, (void (*)(void))dupctx},
        {OSSL_FUNC_SIGNATURE_DIGEST_SIGN_INIT, (void (*)(void))init},
        {OSSL_FUNC_SIGNATURE_DIGEST_SIGN_UPDATE, (void (*)(void))update},
        {OSSL_FUNC_SIGNATURE_DIGEST_SIGN_FINAL, (void (*)(void))final},
        {OSSL_FUNC_SIGNATURE_SET_CTX_PARAMS, (void (*)(void))set},
        {OSSL_FUNC_SIGNATURE_SETTABLE_CTX_PARAMS, (void (*)(void))settable},
        {0, NULL},
    };
    for (const OSSL_DISPATCH *d = below; d->function_id != 0; d++) {
        switch (d->function_id) {
        case OSSL_FUNC_SIGNATURE_NEWCTX: theirs.newctx = OSSL_FUNC_signature_newctx(d); break;
        case OSSL_FUNC_SIGNATURE_FREECTX: theirs.freectx = OSSL_FUNC_signature_freectx(d); break;
        case OSSL_FUNC_SIGNATURE_DUPCTX: theirs.dupctx = OSSL_FUNC_signature_dupctx(d); break;
        case OSSL_FUNC_SIGNATURE_DIGEST_SIGN_INIT: theirs.init = OSSL_FUNC_signature_digest_sign_init(d); break;
        case OSSL_FUNC_SIGNATURE_DIGEST_SIGN_UPDATE: theirs.update = OSSL_FUNC_signature_digest_sign_update(d); break;
        case OSSL_FUNC_SIGNATURE_DIGEST_SIGN_FINAL: theirs.final = OSSL_FUNC_signature_digest_sign_final(d); break;
        case OSSL_FUNC_SIGNATURE_SET_CTX_PARAMS: theirs.set = OSSL_FUNC_signature_set_ctx_params(d); break;
        case OSSL_FUNC_SIGNATURE_SETTABLE_CTX_PARAMS: theirs.settable = OSSL_FUNC_signature_settable_ctx_params(d); break;
        default: break;
        }
    }
    return is_whole() ? table : NULL;
}
