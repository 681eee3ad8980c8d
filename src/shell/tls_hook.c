/* The callbacks of the handshake that look and refuse; the one that asks for a key is in tls_psk.c. */
#include "shell/tls_impl.h"

#include "base/reader.h"

#define TLS1_2 0x0303

/* -- ClientHello ---------------------------------------------------------------------------------------- */

/* A client that cannot do 1.2 at all is left to OpenSSL, which answers protocol_version. */
static bool offers_tls12(SSL *ssl)
{
    const unsigned char *p = NULL;
    size_t n = 0;
    if (SSL_is_dtls(ssl) == 1) {
        return SSL_client_hello_get0_legacy_version(ssl) <= DTLS1_2_VERSION; /* its numbers count down */
    }
    if (SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_supported_versions, &p, &n) != 1) {
        return SSL_client_hello_get0_legacy_version(ssl) >= TLS1_2;
    }
    struct reader r = reader_of(bytes_of(p, n));
    struct reader list = reader_of(reader_block8(&r));
    while (reader_left(&list) >= 2) {
        if (reader_u16(&list) == TLS1_2) {
            return true;
        }
    }
    return false;
}

/* Without the extended master secret an attacker in the middle could give two sessions one export [CHOICE-09]. Seen
 * here, before anybody is asked for a key. */
static int on_client_hello(SSL *ssl, int *alert, void *arg)
{
    (void)arg;
    struct tls *t = SSL_get_app_data(ssl);
    const unsigned char *p = NULL;
    size_t n = 0;
    if (t->ctx->require_ems && offers_tls12(ssl) &&
        SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_extended_master_secret, &p, &n) != 1) {
        t->refused = ERR_DENIED_TLS;
        *alert = SSL_AD_HANDSHAKE_FAILURE;
        return SSL_CLIENT_HELLO_ERROR;
    }
    return SSL_CLIENT_HELLO_SUCCESS;
}

static bool has_name(const struct tls_ctx *ctx, struct text name)
{
    for (char **own = ctx->names; *own != NULL; own++) {
        if (text_eq_nocase(name, text_of(*own))) {
            return true;
        }
    }
    return false;
}

/* What SSL_set_SSL_CTX leaves behind: how to judge the peer's certificate. The suites it takes from the new context. */
static bool context_choose(SSL *ssl, struct tls *t, const struct tls_ctx *ctx)
{
    if (SSL_set_SSL_CTX(ssl, ctx->ssl) == NULL) {
        return false;
    }
    SSL_set_verify(ssl, SSL_CTX_get_verify_mode(ctx->ssl), SSL_CTX_get_verify_callback(ctx->ssl));
    SSL_set_verify_depth(ssl, SSL_CTX_get_verify_depth(ctx->ssl));
    t->ctx = ctx;
    return true;
}

/* SNI (RFC 6066 3): absent is fine, a name of another instance leads there, an unknown one is refused [CHOICE-29]. */
static int on_server_name(SSL *ssl, int *alert, void *arg)
{
    (void)arg;
    struct tls *t = SSL_get_app_data(ssl);
    const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    if (name == NULL) {
        return SSL_TLSEXT_ERR_OK;
    }
    const struct tls_ctx *ctx = t->ctx;
    while (ctx != NULL && !has_name(ctx, text_of(name))) {
        ctx = ctx->next;
    }
    if (ctx != NULL && (ctx == t->ctx || context_choose(ssl, t, ctx))) {
        return SSL_TLSEXT_ERR_OK;
    }
    t->refused = ctx == NULL ? ERR_DENIED_SNI : ERR_CRYPTO;
    *alert = SSL_AD_UNRECOGNIZED_NAME;
    return SSL_TLSEXT_ERR_ALERT_FATAL;
}

/* -- messages as they pass ------------------------------------------------------------------------------ */

static void on_handshake_in(struct tls *t, struct bytes msg)
{
    struct reader r = reader_of(msg);
    if (reader_u8(&r) == SSL3_MT_CLIENT_KEY_EXCHANGE) {
        (void)reader_u24(&r);
        (void)reader_take(&r, t->ctx->datagram == NULL ? 0 : 8); /* message_seq, and the fragment: the whole of it */
        t->cke_identity_n = reader_block16(&r).n; /* of a certificate handshake: nonsense, and never looked at */
    }
}

static void on_alert(struct tls *t, bool out, struct bytes alert)
{
    struct reader r = reader_of(alert);
    bool fatal = reader_u8(&r) == SSL3_AL_FATAL;
    bool closes = reader_u8(&r) == SSL3_AD_CLOSE_NOTIFY;
    t->alert_out = t->alert_out || (out && fatal);
    t->alert_in = t->alert_in || (!out && (fatal || closes));
}

/* Seven parameters: the signature is OpenSSL's. There is no other way to the true length of the identity. */
static void on_message(int out, int version, int type, const void *buf, size_t n, SSL *ssl, void *arg)
{
    (void)version;
    (void)arg;
    struct tls *t = SSL_get_app_data(ssl);
    if (type == SSL3_RT_HANDSHAKE && out == 0) {
        on_handshake_in(t, bytes_of(buf, n));
    } else if (type == SSL3_RT_ALERT) {
        on_alert(t, out == 1, bytes_of(buf, n));
    } else if (type == SSL3_RT_HEADER && out == 0 && t->ctx->datagram != NULL) {
        tls_datagram_header(t, bytes_of(buf, n));
    } else if (type == SSL3_RT_CHANGE_CIPHER_SPEC && out == 0) {
        t->cipher_in = true;
    }
}

void tls_hook_install(SSL_CTX *ssl, struct tls_ctx *ctx)
{
    SSL_CTX_set_client_hello_cb(ssl, on_client_hello, NULL);
    SSL_CTX_set_tlsext_servername_callback(ssl, on_server_name);
    SSL_CTX_set_msg_callback(ssl, on_message);
    if (ctx->psk) {
        SSL_CTX_set_psk_server_callback(ssl, tls_psk_take);
    }
}
