/* The callbacks of the handshake. They run inside SSL_do_handshake, with PSK on the stack of an ASYNC job. */
#include "shell/tls_impl.h"

#include "base/ct.h"
#include "base/reader.h"

#include <openssl/async.h>
#include <string.h>

#define TLS1_2 0x0303

/* -- ClientHello ---------------------------------------------------------------------------------------- */

/* A client that cannot do 1.2 at all is left to OpenSSL, which answers protocol_version. */
static bool offers_tls12(SSL *ssl)
{
    const unsigned char *p = NULL;
    size_t n = 0;
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

/* SNI (RFC 6066 3): absent is fine, another name is refused [CHOICE-29]. */
static int on_server_name(SSL *ssl, int *alert, void *arg)
{
    (void)arg;
    struct tls *t = SSL_get_app_data(ssl);
    const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    if (name == NULL) {
        return SSL_TLSEXT_ERR_OK;
    }
    for (char **own = t->ctx->names; *own != NULL; own++) {
        if (text_eq_nocase(text_of(name), text_of(*own))) {
            return SSL_TLSEXT_ERR_OK;
        }
    }
    t->refused = ERR_DENIED_SNI;
    *alert = SSL_AD_UNRECOGNIZED_NAME;
    return SSL_TLSEXT_ERR_ALERT_FATAL;
}

/* -- messages as they pass ------------------------------------------------------------------------------ */

static void on_handshake_in(struct tls *t, struct bytes msg)
{
    struct reader r = reader_of(msg);
    if (reader_u8(&r) == SSL3_MT_CLIENT_KEY_EXCHANGE) {
        (void)reader_u24(&r);
        t->cke_identity_n = reader_block16(&r).n; /* of a certificate handshake: nonsense, and never looked at */
    }
}

static void on_message(int out, int version, int type, const void *buf, size_t n, SSL *ssl, void *arg)
{
    (void)version;
    (void)arg;
    struct tls *t = SSL_get_app_data(ssl);
    if (t == NULL) {
        return;
    }
    if (type == SSL3_RT_HANDSHAKE && out == 0) {
        on_handshake_in(t, bytes_of(buf, n));
    } else if (type == SSL3_RT_ALERT && out == 1 && n == 2 && ((const uint8_t *)buf)[0] == SSL3_AL_FATAL) {
        t->alert_out = true;
    }
}

/* -- psk_identity --------------------------------------------------------------------------------------- */

static err_t identity_take(struct tls *t, const char *identity)
{
    struct text seen = text_of(identity);
    if (seen.n != t->cke_identity_n) {
        return ERR_MALFORMED_NUL; /* the longer name must not pass as the shorter one */
    }
    if (seen.n == 0 || seen.n > TLS_IDENTITY_MAX) {
        return ERR_MALFORMED_ID;
    }
    TRY(TEXT_COPY(seen, t->identity_buf));
    t->identity = text_span(t->identity_buf, seen.n);
    return ERR_OK;
}

/* Suspends the handshake until tls_answer or tls_refuse. The loop: a resume without an answer pauses again. */
static err_t answer_wait(struct tls *t)
{
    while (!t->answered) {
        if (ASYNC_get_current_job() == NULL || ASYNC_pause_job() != 1) {
            return ERR_BUG;
        }
    }
    return t->refused;
}

/* R001-82: the identity names the key; R001-83: and both sides must hold the same. 0 refuses. */
static unsigned on_psk(SSL *ssl, const char *identity, unsigned char *psk, unsigned cap)
{
    struct tls *t = SSL_get_app_data(ssl);
    err_t e = identity_take(t, identity);
    if (e == ERR_OK) {
        e = answer_wait(t);
    }
    struct bytes key = secret_view(&t->key);
    if (e == ERR_OK && (key.n == 0 || key.n > cap)) {
        e = ERR_DENIED_PSK_UNKNOWN;
    }
    unsigned n = 0;
    if (e == ERR_OK) {
        memcpy(psk, key.p, key.n);
        n = (unsigned)key.n;
        t->keyed = true;
    }
    t->refused = e;
    secret_wipe(&t->key);
    return n;
}

void tls_hook_install(SSL_CTX *ssl, struct tls_ctx *ctx)
{
    SSL_CTX_set_client_hello_cb(ssl, on_client_hello, NULL);
    SSL_CTX_set_tlsext_servername_callback(ssl, on_server_name);
    SSL_CTX_set_msg_callback(ssl, on_message);
    if (ctx->psk) {
        SSL_CTX_set_psk_server_callback(ssl, on_psk);
    }
}
