#include "shell/escertke.h"

#include "base/hex.h"
#include "shell/x509.h"

#include <stdlib.h>
#include <string.h>

#define SUITE "ECDHE-ECDSA-AES128-SHA256" /* TS-0003 10.2.3 */

struct escertke {
    SSL_CTX *ctx;
    SSL *ssl;
    X509_STORE *store;
    bool initiator, started, failed, taken;
    err_t reason; /* why we refused the peer */
    enum cert_id_flavour flavour;
    char peer[ESPRIM_FROM_MAX];
    usec_t lifetime, peer_not_after;
};

/* -- the peer's certificate ---------------------------------------------------------------------------------- */

static err_t peer_check(struct escertke *e, X509 *leaf)
{
    struct role_cert names;
    void *kept = NULL;
    TRY(x509_profile_check(leaf));
    TRY(x509_names(leaf, &names, &kept));
    if (e->flavour == CERT_ID_RAW) {
        x509_names_raw(&names);
    }
    err_t r = e->flavour != CERT_ID_RAW && x509_names_wild(&names) ? ERR_DENIED_CERT_NAME
                                                                   : cert_id_check(&names, e->flavour, text_of(e->peer));
    e->peer_not_after = names.not_after;
    x509_names_free(kept);
    return r;
}

static int verify_cb(X509_STORE_CTX *x, void *arg)
{
    struct escertke *e = arg;
    X509 *leaf = X509_STORE_CTX_get0_cert(x);
    if (X509_verify_cert(x) != 1) {
        e->reason = x509_reason(X509_STORE_CTX_get_error(x));
        return 0;
    }
    e->reason = leaf == NULL ? ERR_DENIED_CERT_MISSING : peer_check(e, leaf);
    if (e->reason != ERR_OK) {
        X509_STORE_CTX_set_error(x, X509_V_ERR_HOSTNAME_MISMATCH);
    }
    return e->reason == ERR_OK;
}

/* -- making one ---------------------------------------------------------------------------------------------- */

static err_t own_certificate(SSL_CTX *ctx, const struct escertke_config *cfg)
{
    EVP_PKEY *key = NULL;
    TRY(x509_key_load(cfg->key_file, &key));
    bool ok = SSL_CTX_use_certificate_chain_file(ctx, cfg->cert_file) == 1 && SSL_CTX_use_PrivateKey(ctx, key) == 1 &&
              SSL_CTX_check_private_key(ctx) == 1;
    EVP_PKEY_free(key);
    return ok ? ERR_OK : ERR_CONFIG;
}

static err_t parameters(SSL_CTX *ctx)
{
    (void)SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    (void)SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF); /* CHOICE-11 */
    bool ok = SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) == 1 &&
              SSL_CTX_set_max_proto_version(ctx, TLS1_2_VERSION) == 1 && SSL_CTX_set_cipher_list(ctx, SUITE) == 1 &&
              SSL_CTX_set1_groups_list(ctx, "P-256") == 1 && SSL_CTX_set1_sigalgs_list(ctx, "ECDSA+SHA256") == 1;
    return ok ? ERR_OK : ERR_CRYPTO;
}

static err_t build(struct escertke *e, const struct escertke_config *cfg, char detail[static ROLE_DETAIL_MAX])
{
    const struct x509_trust trust = {.anchors = cfg->trust_file, .crls = cfg->crl_files, .unconstrained_ok = true,
                                     .pinned = cfg->flavour == CERT_ID_RAW};
    TRY(text_copy(text_of(cfg->peer), e->peer, sizeof(e->peer)));
    e->ctx = SSL_CTX_new(TLS_method());
    if (e->ctx == NULL) {
        return ERR_LIMIT_CAPACITY;
    }
    TRY(parameters(e->ctx));
    TRY(x509_trust_load(&trust, &e->store, detail));
    TRY(x509_trust_use(e->ctx, e->store));
    SSL_CTX_set_cert_verify_callback(e->ctx, verify_cb, e);
    TRY(own_certificate(e->ctx, cfg));
    e->ssl = SSL_new(e->ctx);
    BIO *in = BIO_new(BIO_s_mem());
    BIO *out = BIO_new(BIO_s_mem());
    if (e->ssl == NULL || in == NULL || out == NULL) {
        BIO_free(in);
        BIO_free(out);
        return ERR_LIMIT_CAPACITY;
    }
    (void)BIO_set_mem_eof_return(in, -1);
    SSL_set_bio(e->ssl, in, out);
    if (e->initiator) {
        SSL_set_connect_state(e->ssl);
    } else {
        SSL_set_accept_state(e->ssl);
    }
    return ERR_OK;
}

err_t escertke_new(const struct escertke_config *cfg, bool initiator, struct escertke **out,
                   char detail[static ROLE_DETAIL_MAX])
{
    struct escertke *e = calloc(1, sizeof(*e));
    *out = e;
    if (e == NULL) {
        return ERR_LIMIT_CAPACITY;
    }
    e->initiator = initiator;
    e->flavour = cfg->flavour;
    e->lifetime = cfg->lifetime;
    err_t r = build(e, cfg, detail);
    ERR_clear_error();
    if (r != ERR_OK) {
        escertke_free(e);
        *out = NULL;
    }
    return r;
}

void escertke_free(struct escertke *e)
{
    if (e != NULL) {
        SSL_free(e->ssl);
        SSL_CTX_free(e->ctx);
        X509_STORE_free(e->store);
        free(e);
    }
}

/* -- messages ------------------------------------------------------------------------------------------------ */

static err_t drain(struct escertke *e, struct writer *out)
{
    size_t n = BIO_ctrl_pending(SSL_get_wbio(e->ssl));
    uint8_t *at = n > 0 ? writer_reserve(out, n) : NULL;
    if (n == 0) {
        return ERR_OK;
    }
    return at != NULL && BIO_read(SSL_get_wbio(e->ssl), at, (int)n) == (int)n ? ERR_OK : ERR_LIMIT_SIZE;
}

/* One step of the handshake. Each message but the last must bring an answer: a piece of a flight is refused, so that
 * there are four messages and never more. */
static err_t step(struct escertke *e, struct writer *out)
{
    const size_t before = out->n;
    int r = SSL_do_handshake(e->ssl);
    int why = r == 1 ? SSL_ERROR_NONE : SSL_get_error(e->ssl, r);
    ERR_clear_error();
    TRY(drain(e, out));
    if (e->reason != ERR_OK) {
        return e->reason;
    }
    if (r == 1) {
        bool ends = BIO_ctrl_pending(SSL_get_rbio(e->ssl)) == 0 && SSL_pending(e->ssl) == 0;
        return !ends ? ERR_OBJECT_MALFORMED : SSL_get_extms_support(e->ssl) == 1 ? ERR_OK : ERR_DENIED_TLS;
    }
    if (why == SSL_ERROR_WANT_READ) {
        return out->n > before ? ERR_OK : ERR_OBJECT_MALFORMED;
    }
    return ERR_DENIED_TLS;
}

static err_t run(struct escertke *e, struct writer *out)
{
    err_t r = step(e, out);
    e->failed = r != ERR_OK;
    return r;
}

err_t escertke_start(struct escertke *e, struct writer *out)
{
    if (!e->initiator || e->started || e->failed) {
        return ERR_STATE;
    }
    e->started = true;
    return run(e, out);
}

err_t escertke_recv(struct escertke *e, struct bytes message, struct writer *out)
{
    if (e->failed || escertke_is_done(e) || (e->initiator && !e->started)) {
        return ERR_STATE;
    }
    if (message.n == 0 || message.n > ESCERTKE_MESSAGE_MAX ||
        BIO_write(SSL_get_rbio(e->ssl), message.p, (int)message.n) != (int)message.n) {
        e->failed = true;
        return ERR_OBJECT_MALFORMED;
    }
    return run(e, out);
}

bool escertke_is_done(const struct escertke *e)
{
    return !e->failed && SSL_is_init_finished(e->ssl) == 1;
}

err_t escertke_key(struct escertke *e, usec_t now, struct esprim_key *out)
{
    SCOPED(keys_export_wipe) struct keys_export x = {0};
    struct keys_relative id;
    *out = (struct esprim_key){0};
    if (!escertke_is_done(e) || e->taken) {
        return ERR_STATE;
    }
    x.set = SSL_export_keying_material(e->ssl, x.b, sizeof(x.b), KEYS_LABEL_ESCERTKE, strlen(KEYS_LABEL_ESCERTKE), NULL,
                                       0, 0) == 1;
    TRY(x.set ? ERR_OK : ERR_CRYPTO);
    e->taken = true; /* one key a handshake [CHOICE-10] */
    TRY(keys_escertke_split(&x, &out->k, &id));
    struct writer w = WRITER_ARRAY(out->id);
    hex_write_upper(&w, BYTES_ARRAY(id.b));
    TRY(writer_finish_z(&w));
    out->suid = 43;
    out->not_after = e->peer_not_after - now < e->lifetime ? e->peer_not_after : now + e->lifetime;
    return text_copy(text_of(e->peer), out->peer, sizeof(out->peer));
}
