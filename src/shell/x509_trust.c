/*
 * Whom to believe: OpenSSL does RFC 5280 6.1 (path, time, name constraints) against configured anchors; what oneM2M asks
 * for besides is added certificate by certificate in the verify callback. The rules travel with the X509_STORE.
 */
#include "shell/x509.h"

#include "role/cert_id.h"
#include "shell/x509_crl.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

struct policy {
    struct x509_crl *crl; /* NULL: revocation is not checked */
    bool crl_stale_ok;
    bool unconstrained_ok;
    bool pinned;
};

static void policy_free(void *parent, void *p, CRYPTO_EX_DATA *ad, int idx, long argl, void *argp)
{
    (void)parent;
    (void)ad;
    (void)idx;
    (void)argl;
    (void)argp;
    struct policy *policy = p;
    if (policy != NULL) {
        x509_crl_free(policy->crl);
        free(policy);
    }
}

static int slot(void)
{
    static int index = -1; /* of our pointer in an X509_STORE; the processes here have one thread that does TLS */
    if (index < 0) {
        index = X509_STORE_get_ex_new_index(0, NULL, NULL, NULL, policy_free);
    }
    return index;
}

static const struct policy *policy_of(const X509_STORE *store)
{
    return X509_STORE_get_ex_data((X509_STORE *)(uintptr_t)store, slot());
}

/* -- name constraints [8.1.2.2, CHOICE-40] ----------------------------------------------------------------- */
enum limit { LIMIT_ANY, LIMIT_DNS, LIMIT_URI };

static bool ca_limits(X509 *ca, enum limit kind)
{
    NAME_CONSTRAINTS *nc = X509_get_ext_d2i(ca, NID_name_constraints, NULL, NULL);
    int want = kind == LIMIT_DNS ? GEN_DNS : GEN_URI;
    bool found = nc != NULL && kind == LIMIT_ANY;
    for (int i = 0; nc != NULL && i < sk_GENERAL_SUBTREE_num(nc->permittedSubtrees); i++) {
        found = found || sk_GENERAL_SUBTREE_value(nc->permittedSubtrees, i)->base->type == want;
    }
    NAME_CONSTRAINTS_free(nc);
    return found;
}

static bool chain_limits(STACK_OF(X509) *chain, enum limit kind)
{
    for (int i = 1; i < sk_X509_num(chain); i++) {
        if (ca_limits(sk_X509_value(chain, i), kind)) {
            return true;
        }
    }
    return false;
}

/* That the names keep to the limits OpenSSL has checked; here: that there are limits. The issuer of an AE-ID must have
 * them itself; for device certificates they are only recommended (10.1.1.4.2). */
static err_t limits_check(const struct policy *p, STACK_OF(X509) *chain, const struct role_cert *names)
{
    if (sk_X509_num(chain) < 2) {
        return ERR_OK; /* the certificate itself is an anchor */
    }
    bool ok = p->unconstrained_ok || names->dns_n == 0 || chain_limits(chain, LIMIT_DNS);
    for (size_t i = 0; i < names->uri_n && ok; i++) {
        enum cert_id_flavour f;
        struct text id;
        if (cert_id_of_uri(names->uri[i], &f, &id) != ERR_OK) {
            continue; /* names nobody */
        }
        if (f == CERT_ID_AE) {
            ok = ca_limits(sk_X509_value(chain, 1), LIMIT_URI);
        } else if (!p->unconstrained_ok) {
            ok = chain_limits(chain, f == CERT_ID_NODE ? LIMIT_ANY : LIMIT_URI); /* a URN has no host to limit */
        }
    }
    return ok ? ERR_OK : ERR_DENIED_CERT_CONSTRAINTS;
}

/* -- one certificate of the path --------------------------------------------------------------------------- */
static err_t leaf_check(const struct policy *p, X509_STORE_CTX *path, X509 *cert)
{
    TRY(x509_profile_check(cert));
    struct role_cert names;
    void *store = NULL;
    TRY(x509_names(cert, &names, &store)); /* names that cannot be read are refused before anybody asks for them */
    bool raw = x509_trust_is_raw(X509_STORE_CTX_get_error(path));
    err_t e = raw ? ERR_OK : x509_names_wild(&names) ? ERR_DENIED_CERT_WILD
                           : limits_check(p, X509_STORE_CTX_get0_chain(path), &names);
    x509_names_free(store);
    return e;
}

static usec_t now(void)
{
    return (usec_t)time(NULL) * USEC_PER_SEC;
}

/* Anchors are believed because they are configured; every certificate below them must be in no list. */
static err_t status_check(const struct policy *p, X509_STORE_CTX *path, X509 *cert)
{
    X509 *issuer = X509_STORE_CTX_get0_current_issuer(path);
    int top = sk_X509_num(X509_STORE_CTX_get0_chain(path)) - 1;
    if (p->crl == NULL || issuer == NULL || X509_STORE_CTX_get_error_depth(path) == top) {
        return ERR_OK;
    }
    return x509_crl_check(p->crl, cert, issuer, now(), p->crl_stale_ok);
}

static err_t cert_check(const struct policy *p, X509_STORE_CTX *path)
{
    X509 *cert = X509_STORE_CTX_get_current_cert(path);
    TRY(X509_STORE_CTX_get_error_depth(path) == 0 ? leaf_check(p, path, cert) : x509_issuer_check(cert));
    return status_check(p, path, cert);
}

/* The reason is kept where the library keeps its own: SSL_get_verify_result. (R001-15, R001-106) */
static int code_of(err_t e)
{
    static const struct {
        err_t e;
        int code;
    } rows[] = {
        {ERR_DENIED_CERT_PROFILE, X509_V_ERR_APPLICATION_VERIFICATION},
        {ERR_DENIED_CERT_KEY, X509_V_ERR_EE_KEY_TOO_SMALL},
        {ERR_DENIED_CERT_USAGE, X509_V_ERR_KEYUSAGE_NO_DIGITAL_SIGNATURE},
        {ERR_DENIED_CERT_WILD, X509_V_ERR_EMAIL_MISMATCH}, /* a code that nothing else here can give */
        {ERR_DENIED_CERT_REVOKED, X509_V_ERR_CERT_REVOKED},
        {ERR_DENIED_CERT_STATUS, X509_V_ERR_UNABLE_TO_GET_CRL},
        {ERR_DENIED_CERT_CONSTRAINTS, X509_V_ERR_UNNESTED_RESOURCE}, /* not used for anything else without RFC 3779 */
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (rows[i].e == e) {
            return rows[i].code;
        }
    }
    return X509_V_ERR_HOSTNAME_MISMATCH;
}

static int on_verify(int ok, X509_STORE_CTX *path)
{
    const struct policy *p = policy_of(X509_STORE_CTX_get0_store(path));
    if (ok != 1) {
        /* A raw key in the clothes of a certificate (design: RFC 7250 is not in OpenSSL 3.0): no path; the role knows the
         * key or ends the handshake. Every other fault of it, its dates too, is refused as ever. */
        return p->pinned && x509_trust_is_raw(X509_STORE_CTX_get_error(path)) && X509_STORE_CTX_get_error_depth(path) == 0;
    }
    err_t e = cert_check(p, path);
    if (e != ERR_OK) {
        X509_STORE_CTX_set_error(path, code_of(e));
    }
    return e == ERR_OK;
}

bool x509_trust_is_raw(long verify_result)
{
    return verify_result == X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT;
}

/* -- loading ------------------------------------------------------------------------------------------------ */
static err_t policy_fill(const struct x509_trust *t, X509_STORE *store, char detail[static ROLE_DETAIL_MAX])
{
    struct policy *p = calloc(1, sizeof(*p));
    if (p == NULL || X509_STORE_set_ex_data(store, slot(), p) != 1) {
        free(p);
        return ERR_LIMIT_CAPACITY;
    }
    p->crl_stale_ok = t->crl_stale_ok;
    p->unconstrained_ok = t->unconstrained_ok;
    p->pinned = t->pinned;
    if (t->anchors != NULL && X509_STORE_load_file(store, t->anchors) != 1) {
        (void)snprintf(detail, ROLE_DETAIL_MAX, "trust anchors: %.70s: %s", t->anchors, x509_file_fault(t->anchors));
        ERR_clear_error();
        return ERR_CONFIG;
    }
    if (X509_STORE_set_depth(store, X509_INTERMEDIATES_MAX) != 1) {
        return ERR_CRYPTO;
    }
    bool lists = t->crls != NULL && t->crls[0] != '\0';
    TRY(lists ? x509_crl_load(t->crls, store, &p->crl, detail) : ERR_OK);
    X509_STORE_set_verify_cb(store, on_verify);
    return ERR_OK;
}

err_t x509_trust_load(const struct x509_trust *t, X509_STORE **out, char detail[static ROLE_DETAIL_MAX])
{
    /* A store of our own: whatever the system or a library put into the context is no trust anchor here [8.1.2.2]. */
    *out = NULL;
    X509_STORE *store = X509_STORE_new();
    if (store == NULL) {
        return ERR_CRYPTO;
    }
    err_t e = policy_fill(t, store, detail);
    if (e != ERR_OK) {
        X509_STORE_free(store);
        return e;
    }
    *out = store;
    return ERR_OK;
}

err_t x509_trust_use(SSL_CTX *ctx, X509_STORE *store)
{
    if (X509_STORE_up_ref(store) != 1) {
        return ERR_CRYPTO;
    }
    SSL_CTX_set_cert_store(ctx, store); /* takes that reference */
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, on_verify);
    SSL_CTX_set_verify_depth(ctx, X509_INTERMEDIATES_MAX);
    return ERR_OK;
}

err_t x509_trust_install(SSL_CTX *ctx, const char *trust_file)
{
    char detail[ROLE_DETAIL_MAX];
    X509_STORE *store = NULL;
    TRY(x509_trust_load(&(struct x509_trust){.anchors = trust_file}, &store, detail));
    err_t e = x509_trust_use(ctx, store);
    X509_STORE_free(store);
    return e;
}

err_t x509_trust_check(X509_STORE *store, X509 *cert, STACK_OF(X509) *more)
{
    X509_STORE_CTX *path = X509_STORE_CTX_new();
    err_t e = ERR_CRYPTO;
    if (path != NULL && X509_STORE_CTX_init(path, store, cert, more) == 1) {
        bool ok = X509_verify_cert(path) == 1;
        err_t why = x509_reason(X509_STORE_CTX_get_error(path));
        e = ok ? ERR_OK : why == ERR_OK ? ERR_DENIED_CERT_CA : why;
    }
    X509_STORE_CTX_free(path);
    ERR_clear_error();
    return e;
}

err_t x509_trust_status(const X509_STORE *store, X509 *cert, X509 *issuer)
{
    const struct policy *p = policy_of(store);
    return p == NULL || p->crl == NULL ? ERR_OK : x509_crl_check(p->crl, cert, issuer, now(), p->crl_stale_ok);
}

usec_t x509_trust_crl_end(const X509_STORE *store)
{
    const struct policy *p = policy_of(store);
    return p == NULL ? USEC_NEVER : x509_crl_end(p->crl); /* a context without certificates has OpenSSL's own store */
}
