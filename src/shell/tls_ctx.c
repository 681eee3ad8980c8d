/* The context that all connections of a listener share: the TLS profile of TS-0003 10.2, and nothing else. */
#include "shell/tls_impl.h"

#include "base/writer.h"
#include "shell/x509.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CERT_LIST_MAX (16 * 1024) /* octets of a client's chain */

static const struct {
    const char *suite;
    bool certificate, datagram;
} suites[] = {
    /* [10.2.2, 10.2.3]; the CCM_8 suites of the mandatory four are DTLS (R001-84, R001-108) */
    {"PSK-AES128-CBC-SHA256", false, false},
    {"ECDHE-ECDSA-AES128-SHA256", true, false},
    {"PSK-AES128-CCM8", false, true},
    {"ECDHE-ECDSA-AES128-CCM8", true, true},
};

static void detail_set(char detail[static ROLE_DETAIL_MAX], const char *what, const char *file)
{
    (void)snprintf(detail, ROLE_DETAIL_MAX, "%s%s%s", what, file == NULL ? "" : ": ", file == NULL ? "" : file);
}

static void detail_file(char detail[static ROLE_DETAIL_MAX], const char *what, const char *file, const char *why)
{
    bool bare = why[0] == '\0'; /* then there is room for the name of a key that is in no file */
    (void)snprintf(detail, ROLE_DETAIL_MAX, "%s: %.*s%s%s", what, bare ? 150 : 60, file, bare ? "" : ": ", why);
}

static err_t suites_set(SSL_CTX *ssl, const struct tls_ctx_config *cfg)
{
    char list[128];
    struct writer w = WRITER_ARRAY(list);
    for (size_t i = 0; i < ARRAY_LEN(suites); i++) {
        if (suites[i].datagram == cfg->datagram && (suites[i].certificate ? cfg->cert_file != NULL : cfg->psk && !cfg->anonymous)) {
            writer_z(&w, w.n > 0 ? ":" : "");
            writer_z(&w, suites[i].suite);
        }
    }
    TRY(writer_finish_z(&w));
    return SSL_CTX_set_cipher_list(ssl, list) == 1 && SSL_CTX_set_ciphersuites(ssl, "") == 1 ? ERR_OK : ERR_CRYPTO;
}

static err_t profile_set(SSL_CTX *ssl, const struct tls_ctx_config *cfg)
{
    const int version = cfg->datagram ? DTLS1_2_VERSION : TLS1_2_VERSION; /* [10.2.1, CHOICE-28] R001-105 */
    if (cfg->datagram) {
        SSL_CTX_set_security_level(ssl, 0); /* newer OpenSSL wants it for tags of eight octets; the lists here decide */
        tls_datagram_ctx(ssl);
    }
    TRY(suites_set(ssl, cfg));
    bool ok = SSL_CTX_set_min_proto_version(ssl, version) == 1 && SSL_CTX_set_max_proto_version(ssl, version) == 1 &&
              SSL_CTX_set1_groups_list(ssl, "P-256") == 1 &&
              SSL_CTX_set1_sigalgs_list(ssl, "ECDSA+SHA256") == 1 &&
              SSL_CTX_set1_client_sigalgs_list(ssl, "ECDSA+SHA256") == 1;
    (void)SSL_CTX_set_options(ssl, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                       SSL_OP_CIPHER_SERVER_PREFERENCE |
                                       SSL_OP_NO_SESSION_RESUMPTION_ON_RENEGOTIATION);
    (void)SSL_CTX_set_session_cache_mode(ssl, SSL_SESS_CACHE_OFF); /* no resumption [CHOICE-11] */
    SSL_CTX_set_max_cert_list(ssl, CERT_LIST_MAX);
    /* What the certificate file holds is sent: else OpenSSL looks for a path of our own certificate in each handshake. */
    (void)SSL_CTX_set_mode(ssl, SSL_MODE_NO_AUTO_CHAIN);
    return ok ? ERR_OK : ERR_CRYPTO;
}

/* R001-13: a certificate whose key does not match the private key is refused here, at configuration. */
static err_t own_cert_set(SSL_CTX *ssl, const struct tls_ctx_config *cfg, char detail[static ROLE_DETAIL_MAX])
{
    if (cfg->key_file == NULL) {
        detail_set(detail, "certificate without key", cfg->cert_file);
        return ERR_CONFIG;
    }
    EVP_PKEY *key = NULL;
    err_t e = x509_key_load(cfg->key_file, &key);
    if (e != ERR_OK) {
        detail_file(detail, "private key", cfg->key_file, e == ERR_CONFIG ? x509_file_fault(cfg->key_file) : "");
        return e;
    }
    bool chain = SSL_CTX_use_certificate_chain_file(ssl, cfg->cert_file) == 1;
    bool pair = chain && SSL_CTX_use_PrivateKey(ssl, key) == 1 && SSL_CTX_check_private_key(ssl) == 1;
    EVP_PKEY_free(key);
    if (chain) {
        detail_file(detail, "key does not belong to certificate", cfg->cert_file, "`keystead pki key-id` of both must agree");
    } else {
        detail_file(detail, "certificate chain", cfg->cert_file, x509_file_fault(cfg->cert_file));
    }
    if (!pair) {
        return ERR_CONFIG;
    }
    detail_set(detail, "certificate", cfg->cert_file);
    return x509_profile_check(SSL_CTX_get0_certificate(ssl));
}

/* Both sides show certificates [spec 4.7], but where the client has none by configuration; a PSK handshake asks for none. The client signs after us (R001-17), and
 * its certificate must lead to one of these anchors (R001-32, R001-148). */
static err_t peer_trust_set(SSL_CTX *ssl, const struct tls_ctx_config *cfg, char detail[static ROLE_DETAIL_MAX])
{
    const struct x509_trust trust = {.anchors = cfg->trust_file, .crls = cfg->crl_files, .crl_stale_ok = cfg->crl_stale_ok,
                                     .unconstrained_ok = cfg->unconstrained_ok, .pinned = cfg->pinned};
    X509_STORE *store = NULL;
    TRY(x509_trust_load(&trust, &store, detail));
    err_t e = x509_trust_use(ssl, store);
    SSL_CTX_set_cert_verify_callback(ssl, tls_shown_verify, NULL);
    X509_STORE_free(store);
    TRY(e);
    detail_set(detail, "trust anchors", cfg->trust_file);
    if (cfg->trust_file != NULL && !cfg->pinned) { /* who holds a pinned key would find no CA in the list */
        STACK_OF(X509_NAME) *issuers = SSL_load_client_CA_file(cfg->trust_file);
        if (issuers == NULL) {
            return ERR_CONFIG;
        }
        SSL_CTX_set_client_CA_list(ssl, issuers); /* takes them */
    }
    return ERR_OK;
}

static err_t names_copy(struct tls_ctx *ctx, const char *const *names)
{
    size_t n = 0;
    while (names[n] != NULL) {
        n++;
    }
    ctx->names = calloc(n + 1, sizeof(*ctx->names));
    if (ctx->names == NULL) {
        return ERR_LIMIT_CAPACITY;
    }
    for (size_t i = 0; i < n; i++) {
        ctx->names[i] = strdup(names[i]);
        if (ctx->names[i] == NULL) {
            return ERR_LIMIT_CAPACITY;
        }
    }
    return ERR_OK;
}

static err_t ctx_fill(struct tls_ctx *ctx, const struct tls_ctx_config *cfg, char detail[static ROLE_DETAIL_MAX])
{
    if (cfg->names == NULL || cfg->names[0] == NULL) {
        detail_set(detail, "no server name: give the instance its fqdn, or the listener aliases", NULL);
        return ERR_CONFIG;
    }
    if ((!cfg->psk || cfg->anonymous) && cfg->cert_file == NULL) {
        detail_set(detail, "neither psk nor certificate", NULL);
        return ERR_CONFIG;
    }
    ctx->tag = cfg->tag;
    ctx->psk = cfg->psk && !cfg->anonymous;
    ctx->anonymous = cfg->anonymous;
    ctx->require_ems = cfg->require_ems;
    TRY(names_copy(ctx, cfg->names));
    ctx->retransmit = cfg->retransmit > 0 ? cfg->retransmit : USEC_PER_SEC;
    ctx->datagram = cfg->datagram ? tls_datagram_method() : NULL;
    ctx->ssl = SSL_CTX_new(cfg->datagram ? DTLS_server_method() : TLS_server_method());
    if (ctx->ssl == NULL || (cfg->datagram && ctx->datagram == NULL)) {
        return ERR_CRYPTO;
    }
    TRY(profile_set(ctx->ssl, cfg));
    if (cfg->hint != NULL && SSL_CTX_use_psk_identity_hint(ctx->ssl, cfg->hint) != 1) {
        return ERR_CRYPTO;
    }
    if (cfg->cert_file != NULL) {
        TRY(own_cert_set(ctx->ssl, cfg, detail));
        TRY(cfg->anonymous ? ERR_OK : peer_trust_set(ctx->ssl, cfg, detail));
        TRY(cfg->ocsp_file == NULL ? ERR_OK : tls_staple_set(ctx, cfg->ocsp_file, detail));
    }
    tls_hook_install(ctx->ssl, ctx);
    return ERR_OK;
}

err_t tls_ctx_new(const struct tls_ctx_config *cfg, struct tls_ctx **out, char detail[static ROLE_DETAIL_MAX])
{
    *out = NULL;
    detail[0] = '\0';
    struct tls_ctx *ctx = calloc(1, sizeof(*ctx));
    if (ctx == NULL) {
        return ERR_LIMIT_CAPACITY;
    }
    ERR_clear_error();
    err_t e = ctx_fill(ctx, cfg, detail);
    ERR_clear_error();
    if (e != ERR_OK) {
        tls_ctx_free(ctx);
        return e;
    }
    detail[0] = '\0';
    *out = ctx;
    return ERR_OK;
}

usec_t tls_ctx_ocsp_end(const struct tls_ctx *ctx)
{
    usec_t first = USEC_NEVER;
    for (; ctx != NULL; ctx = ctx->next) {
        usec_t end = tls_staple_end(ctx);
        first = end < first ? end : first;
    }
    return first;
}

err_t tls_ctx_shown(const struct tls_ctx *ctx, size_t tag, struct role_cert *out, void **store)
{
    while (ctx != NULL && ctx->tag != tag) {
        ctx = ctx->next;
    }
    X509 *cert = ctx == NULL ? NULL : SSL_CTX_get0_certificate(ctx->ssl);
    if (cert == NULL || (X509_get_extension_flags(cert) & EXFLAG_SS) != 0) {
        return ERR_NOT_FOUND;
    }
    return x509_names(cert, out, store);
}

usec_t tls_ctx_crl_end(const struct tls_ctx *ctx)
{
    usec_t first = USEC_NEVER;
    for (; ctx != NULL; ctx = ctx->next) {
        usec_t end = x509_trust_crl_end(SSL_CTX_get_cert_store(ctx->ssl));
        first = end < first ? end : first;
    }
    return first;
}

static bool shares_a_name(const struct tls_ctx *a, const struct tls_ctx *b)
{
    for (char **x = a->names; *x != NULL; x++) {
        for (char **y = b->names; *y != NULL; y++) {
            if (text_eq_nocase(text_of(*x), text_of(*y))) {
                return true;
            }
        }
    }
    return false;
}

err_t tls_ctx_join(struct tls_ctx *ctx, struct tls_ctx *other)
{
    err_t e = ERR_OK;
    struct tls_ctx **last = &ctx->next;
    for (const struct tls_ctx *c = ctx; c != NULL && e == ERR_OK; c = c->next) {
        e = shares_a_name(c, other) ? ERR_EXISTS : ERR_OK;
    }
    while (*last != NULL) {
        last = &(*last)->next;
    }
    bool alike = ctx->psk == other->psk && ctx->anonymous == other->anonymous && ctx->require_ems == other->require_ems &&
                 (ctx->datagram == NULL) == (other->datagram == NULL);
    e = e == ERR_OK && !alike ? ERR_CONFIG : e;
    if (e != ERR_OK) {
        tls_ctx_free(other);
        return e;
    }
    *last = other;
    return ERR_OK;
}

static void ctx_free(struct tls_ctx *ctx)
{
    for (char **name = ctx->names; name != NULL && *name != NULL; name++) {
        free(*name);
    }
    free(ctx->names);
    free(ctx->staple);
    SSL_CTX_free(ctx->ssl);
    BIO_meth_free(ctx->datagram);
    free(ctx);
}

void tls_ctx_free(struct tls_ctx *ctx)
{
    while (ctx != NULL) {
        struct tls_ctx *next = ctx->next;
        ctx_free(ctx);
        ctx = next;
    }
}
