/* The one callback that can wait: it runs inside SSL_do_handshake, on the stack of an ASYNC job. */
#include "shell/tls_impl.h"

#include <openssl/async.h>
#include <string.h>

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
unsigned tls_psk_take(SSL *ssl, const char *identity, unsigned char *psk, unsigned cap)
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
