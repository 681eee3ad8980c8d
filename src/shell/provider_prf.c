#define OPENSSL_SUPPRESS_DEPRECATED /* see provider_hmac.c */
#include "shell/openssl.h"

#include "shell/provider_prf.h"

#include "base/ct.h"
#include "base/err.h"
#include "base/writer.h"
#include "shell/provider_hmac.h"

#include <openssl/core_names.h>
#include <stdlib.h>
#include <string.h>

#define SEEDS_MAX 8 /* label and parts: libssl gives five */

/* OpenSSL's functions; filled once. */
static struct {
    OSSL_FUNC_kdf_newctx_fn *newctx;
    OSSL_FUNC_kdf_freectx_fn *freectx;
    OSSL_FUNC_kdf_derive_fn *derive;
    OSSL_FUNC_kdf_set_ctx_params_fn *set;
    OSSL_FUNC_kdf_get_ctx_params_fn *get;
    OSSL_FUNC_kdf_settable_ctx_params_fn *settable;
    OSSL_FUNC_kdf_gettable_ctx_params_fn *gettable;
} theirs;

struct prf {
    void *provider;
    void *theirs; /* made for whatever is more than one derivation with SHA-256 */
};

struct work {
    struct provider_hmac key;
    SHA256_CTX now, a_in;
    uint8_t a[SHA256_DIGEST_LENGTH], block[SHA256_DIGEST_LENGTH];
};

static void work_wipe(struct work *w)
{
    ct_wipe(w, sizeof(*w));
}

/* -- P_SHA256 -------------------------------------------------------------------------------------------- */
struct asked {
    struct bytes secret;
    struct bytes seeds[SEEDS_MAX];
    size_t seeds_n;
};

static void seeds_hash(const struct asked *q, SHA256_CTX *c)
{
    for (size_t i = 0; i < q->seeds_n; i++) {
        (void)SHA256_Update(c, q->seeds[i].p, q->seeds[i].n);
    }
}

/* A(1) = HMAC(seed), A(i+1) = HMAC(A(i)); output HMAC(A(i) + seed). A(i) is hashed once for both. */
static void derive_sha256(const struct asked *q, uint8_t *out, size_t n)
{
    SCOPED(work_wipe) struct work w;
    provider_hmac_key(&w.key, q->secret);
    w.now = w.key.in;
    seeds_hash(q, &w.now);
    provider_hmac_end(&w.key, &w.now, w.a);
    while (n > 0) {
        size_t part = n < sizeof(w.block) ? n : sizeof(w.block);
        w.a_in = w.key.in;
        (void)SHA256_Update(&w.a_in, w.a, sizeof(w.a));
        w.now = w.a_in;
        seeds_hash(q, &w.now);
        provider_hmac_end(&w.key, &w.now, w.block);
        memcpy(out, w.block, part);
        out += part;
        n -= part;
        w.now = w.a_in;
        provider_hmac_end(&w.key, &w.now, w.a);
    }
}

/* -- what OpenSSL asks for --------------------------------------------------------------------------------- */
static bool is_sha256(const OSSL_PARAM *p)
{
    const char *name = p->data;
    return p->data_type == OSSL_PARAM_UTF8_STRING && name != NULL &&
           (strcmp(name, "SHA2-256") == 0 || strcmp(name, "SHA256") == 0);
}

static bool take(struct asked *q, const OSSL_PARAM *p, bool *sha256)
{
    struct bytes octets = bytes_of(p->data, p->data_size);
    if (strcmp(p->key, OSSL_KDF_PARAM_DIGEST) == 0) {
        *sha256 = is_sha256(p);
        return *sha256;
    }
    if (p->data_type != OSSL_PARAM_OCTET_STRING) {
        return false;
    }
    if (strcmp(p->key, OSSL_KDF_PARAM_SECRET) == 0) {
        q->secret = octets;
        return octets.p != NULL;
    }
    if (strcmp(p->key, OSSL_KDF_PARAM_SEED) != 0 || q->seeds_n == SEEDS_MAX) {
        return false;
    }
    if (octets.p != NULL && octets.n > 0) {
        q->seeds[q->seeds_n++] = octets;
    }
    return true;
}

/* One whole derivation with SHA-256 and nothing else. */
static bool is_ours(const OSSL_PARAM *params, struct asked *out)
{
    bool sha256 = false;
    *out = (struct asked){.secret = bytes_empty()};
    for (const OSSL_PARAM *p = params; p != NULL && p->key != NULL; p++) {
        if (!take(out, p, &sha256)) {
            return false;
        }
    }
    return sha256 && out->secret.n > 0 && out->seeds_n > 0;
}

static void *newctx(void *provider)
{
    struct prf *p = calloc(1, sizeof(*p));
    if (p != NULL) {
        p->provider = provider;
    }
    return p;
}

static void reset(void *ctx)
{
    struct prf *p = ctx;
    if (p->theirs != NULL) {
        theirs.freectx(p->theirs);
        p->theirs = NULL;
    }
}

static void freectx(void *ctx)
{
    if (ctx != NULL) {
        reset(ctx);
        free(ctx);
    }
}

static bool is_theirs(struct prf *p)
{
    p->theirs = p->theirs != NULL ? p->theirs : theirs.newctx(p->provider);
    return p->theirs != NULL;
}

/* -- a key that is elsewhere -------------------------------------------------------------------------------- */
static struct provider_prf_key *elsewhere;

void provider_prf_elsewhere(struct provider_prf_key *k)
{
    elsewhere = k;
}

/* The pre-master secret of RFC 4279 2 ends with the key, so with its name here. */
static bool is_elsewhere(const struct asked *q)
{
    return elsewhere != NULL && q->secret.n > PROVIDER_PRF_NAME_LEN &&
           ct_eq(bytes_of(q->secret.p + q->secret.n - PROVIDER_PRF_NAME_LEN, PROVIDER_PRF_NAME_LEN), BYTES_ARRAY(elsewhere->name));
}

static int derive_elsewhere(const struct asked *q, uint8_t *out, size_t n)
{
    uint8_t room[256];
    struct writer seed = WRITER_ARRAY(room);
    for (size_t i = 1; i < q->seeds_n; i++) {
        writer_bytes(&seed, q->seeds[i]);
    }
    err_t e = writer_finish(&seed);
    elsewhere->outcome = e == ERR_OK ? elsewhere->master(elsewhere->arg, q->seeds[0], writer_view(&seed), out, n) : e;
    return elsewhere->outcome == ERR_OK;
}

static int derive(void *ctx, unsigned char *out, size_t n, const OSSL_PARAM params[])
{
    struct prf *p = ctx;
    struct asked q;
    if (p->theirs == NULL && n > 0 && is_ours(params, &q)) {
        if (is_elsewhere(&q)) {
            return derive_elsewhere(&q, out, n);
        }
        derive_sha256(&q, out, n);
        return 1;
    }
    return is_theirs(p) ? theirs.derive(p->theirs, out, n, params) : 0;
}

static int set(void *ctx, const OSSL_PARAM params[])
{
    return is_theirs(ctx) ? theirs.set(((struct prf *)ctx)->theirs, params) : 0;
}

static int get(void *ctx, OSSL_PARAM params[])
{
    return is_theirs(ctx) ? theirs.get(((struct prf *)ctx)->theirs, params) : 0;
}

static const OSSL_PARAM *settable(void *ctx, void *provider)
{
    (void)ctx;
    return theirs.settable(NULL, provider);
}

static const OSSL_PARAM *gettable(void *ctx, void *provider)
{
    (void)ctx;
    return theirs.gettable(NULL, provider);
}

const OSSL_DISPATCH *provider_prf_over(const OSSL_DISPATCH *below)
{
    static const OSSL_DISPATCH table[] = {
        {OSSL_FUNC_KDF_NEWCTX, (void (*)(void))newctx},
        {OSSL_FUNC_KDF_FREECTX, (void (*)(void))freectx},
        {OSSL_FUNC_KDF_RESET, (void (*)(void))reset},
        {OSSL_FUNC_KDF_DERIVE, (void (*)(void))derive},
        {OSSL_FUNC_KDF_SETTABLE_CTX_PARAMS, (void (*)(void))settable},
        {OSSL_FUNC_KDF_SET_CTX_PARAMS, (void (*)(void))set},
        {OSSL_FUNC_KDF_GETTABLE_CTX_PARAMS, (void (*)(void))gettable},
        {OSSL_FUNC_KDF_GET_CTX_PARAMS, (void (*)(void))get},
        {0, NULL},
    };
    for (const OSSL_DISPATCH *d = below; d->function_id != 0; d++) {
        switch (d->function_id) {
        case OSSL_FUNC_KDF_NEWCTX: theirs.newctx = OSSL_FUNC_kdf_newctx(d); break;
        case OSSL_FUNC_KDF_FREECTX: theirs.freectx = OSSL_FUNC_kdf_freectx(d); break;
        case OSSL_FUNC_KDF_DERIVE: theirs.derive = OSSL_FUNC_kdf_derive(d); break;
        case OSSL_FUNC_KDF_SET_CTX_PARAMS: theirs.set = OSSL_FUNC_kdf_set_ctx_params(d); break;
        case OSSL_FUNC_KDF_GET_CTX_PARAMS: theirs.get = OSSL_FUNC_kdf_get_ctx_params(d); break;
        case OSSL_FUNC_KDF_SETTABLE_CTX_PARAMS: theirs.settable = OSSL_FUNC_kdf_settable_ctx_params(d); break;
        case OSSL_FUNC_KDF_GETTABLE_CTX_PARAMS: theirs.gettable = OSSL_FUNC_kdf_gettable_ctx_params(d); break;
        default: break;
        }
    }
    bool whole = theirs.newctx != NULL && theirs.freectx != NULL && theirs.derive != NULL && theirs.set != NULL &&
                 theirs.get != NULL && theirs.settable != NULL && theirs.gettable != NULL;
    return whole ? table : NULL;
}
