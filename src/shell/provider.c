#include "shell/provider.h"

#include "shell/openssl.h"
#include "shell/provider_mac.h"
#include "shell/provider_prf.h"

#include <openssl/core_dispatch.h>
#include <openssl/provider.h>
#include <string.h>

#define NAME "keystead"
#define ALGORITHMS_MAX 32

struct kept {
    int operation;
    const char *names[8]; /* first names, NULL-terminated; none: all */
    const char *ours;     /* or NULL: the one with another implementation, */
    const OSSL_DISPATCH *(*over)(const OSSL_DISPATCH *theirs); /* which this makes */
    OSSL_ALGORITHM list[ALGORITHMS_MAX + 1];
};

/* OpenSSL hands a provider that is compiled in nothing of ours: what it needs stands here, filled once. */
static struct {
    OSSL_PROVIDER *all; /* OpenSSL's own, in a context of its own */
    OSSL_PROVIDER *ours; /* held as long as the process: let go, it would be memory that nobody can free */
    OSSL_LIB_CTX *context; /* where `ours` is the only one */
    struct kept kept[4];
} here = {
    .kept = {
        /* EC for certificates and ECDHE; the others are how libssl does its HMAC and key blocks */
        {.operation = OSSL_OP_KEYMGMT, .names = {"EC", "ED25519", "HMAC", "TLS1-PRF", "HKDF"},
         .ours = "HMAC", .over = provider_mac_keys},
        {.operation = OSSL_OP_DECODER, .names = {"EC", "DER"}}, /* DER: what reads PEM */
        {.operation = OSSL_OP_KDF, .ours = "TLS1-PRF", .over = provider_prf_over},
        {.operation = OSSL_OP_SIGNATURE, .ours = "HMAC", .over = provider_mac_over}, /* behind the keys */
    },
};

static bool is_first(const char *names, const char *name)
{
    size_t n = strlen(name);
    return strncmp(names, name, n) == 0 && (names[n] == ':' || names[n] == '\0');
}

static bool is_kept(const struct kept *k, const char *names)
{
    for (size_t i = 0; k->names[i] != NULL; i++) {
        if (is_first(names, k->names[i])) {
            return true;
        }
    }
    return k->names[0] == NULL;
}

static bool replace(const struct kept *k, OSSL_ALGORITHM *a)
{
    if (k->ours == NULL || !is_first(a->algorithm_names, k->ours)) {
        return true;
    }
    a->implementation = k->over(a->implementation);
    return a->implementation != NULL;
}

static bool keep(struct kept *k)
{
    int no_cache = 0;
    size_t n = 0;
    const OSSL_ALGORITHM *a = OSSL_PROVIDER_query_operation(here.all, k->operation, &no_cache);
    for (; a != NULL && a->algorithm_names != NULL && n < ALGORITHMS_MAX; a++) {
        if (is_kept(k, a->algorithm_names)) {
            k->list[n] = *a;
            if (!replace(k, &k->list[n++])) {
                return false;
            }
        }
    }
    return n > 0 && n < ALGORITHMS_MAX;
}

/* -- what OpenSSL calls ------------------------------------------------------------------------------------ */
static const OSSL_ALGORITHM *query(void *ctx, int operation, int *no_cache)
{
    (void)ctx;
    for (size_t i = 0; i < ARRAY_LEN(here.kept); i++) {
        if (here.kept[i].operation == operation) {
            *no_cache = 0;
            return here.kept[i].list;
        }
    }
    return OSSL_PROVIDER_query_operation(here.all, operation, no_cache);
}

static int capabilities(void *ctx, const char *capability, OSSL_CALLBACK *cb, void *arg)
{
    (void)ctx;
    return OSSL_PROVIDER_get_capabilities(here.all, capability, cb, arg);
}

static const OSSL_PARAM *gettable(void *ctx)
{
    (void)ctx;
    return OSSL_PROVIDER_gettable_params(here.all);
}

static int params(void *ctx, OSSL_PARAM p[])
{
    (void)ctx;
    return OSSL_PROVIDER_get_params(here.all, p);
}

static int init(const OSSL_CORE_HANDLE *core, const OSSL_DISPATCH *in, const OSSL_DISPATCH **out, void **ctx)
{
    static const OSSL_DISPATCH table[] = {
        {OSSL_FUNC_PROVIDER_QUERY_OPERATION, (void (*)(void))query},
        {OSSL_FUNC_PROVIDER_GET_CAPABILITIES, (void (*)(void))capabilities},
        {OSSL_FUNC_PROVIDER_GETTABLE_PARAMS, (void (*)(void))gettable},
        {OSSL_FUNC_PROVIDER_GET_PARAMS, (void (*)(void))params},
        {0, NULL},
    };
    (void)core;
    (void)in;
    *out = table;
    *ctx = OSSL_PROVIDER_get0_provider_ctx(here.all); /* the algorithms are OpenSSL's and want its context */
    return 1;
}

err_t provider_install(void)
{
    if (here.all != NULL) {
        return ERR_OK;
    }
    OSSL_LIB_CTX *own = OSSL_LIB_CTX_new(); /* lives as long as the process */
    here.all = own == NULL ? NULL : OSSL_PROVIDER_load(own, "default");
    /* A context of its own, not the first one: a library that asks for randomness when it is loaded (libjose) has put the
     * whole default provider there before main began. */
    here.context = OSSL_LIB_CTX_new();
    bool ok = here.all != NULL && here.context != NULL;
    for (size_t i = 0; ok && i < ARRAY_LEN(here.kept); i++) {
        ok = keep(&here.kept[i]);
    }
    ok = ok && OSSL_PROVIDER_add_builtin(here.context, NAME, init) == 1;
    here.ours = ok ? OSSL_PROVIDER_load(here.context, NAME) : NULL;
    if (here.ours == NULL) {
        return ERR_CRYPTO;
    }
    (void)OSSL_LIB_CTX_set0_default(here.context); /* of this thread: the supervisor forks, it starts none */
    return ERR_OK;
}
