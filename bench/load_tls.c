#include "load_tls.h"

#include "base/hex.h"
#include "keys/keys.h"
#include "shell/openssl.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define IN_MAX 16384
#define IDENTITY_MAX 256
#define PATH_MAX_LEN 1024
#define KEY_ID_HEX 32 /* digits of the RelativeKeyID, which comes first in what is exported */

enum stage { HANDSHAKE, ASKING, ANSWER };

struct slot {
    struct load_slot base;
    SSL *ssl;
    enum stage stage;
    const char *line; /* identity, space, key */
    char out[REQUEST_MAX];
    size_t out_n;
    char in[IN_MAX];
    size_t in_n;
};

/* -- keys and certificates ------------------------------------------------------------------------------ */
static unsigned give_key(SSL *ssl, const char *hint, char *identity, unsigned identity_max, unsigned char *key,
                         unsigned key_max)
{
    (void)hint;
    const struct slot *s = SSL_get_app_data(ssl);
    struct text rest = text_of(s->line);
    struct text name = text_empty();
    struct text hex = text_empty();
    struct writer w = writer_of(key, key_max);
    bool ok = text_next(&rest, ' ', &name) && text_next(&rest, ' ', &hex);
    if (!ok || text_copy(name, identity, identity_max) != ERR_OK || hex_parse(hex, &w) != ERR_OK) {
        return 0;
    }
    return (unsigned)w.n;
}

static err_t use_certificate(SSL_CTX *c, const char *cert, const char *key)
{
    bool ok = SSL_CTX_use_certificate_chain_file(c, cert) == 1 && SSL_CTX_use_PrivateKey_file(c, key, SSL_FILETYPE_PEM) == 1;
    return ok ? ERR_OK : ERR_USAGE;
}

static err_t give_certificate(SSL_CTX *c, const char *line)
{
    char cert[PATH_MAX_LEN];
    char key[PATH_MAX_LEN];
    struct text rest = text_of(line);
    struct text name = text_empty();
    TRY(text_next(&rest, ' ', &name) ? text_copy(name, cert, sizeof(cert)) : ERR_USAGE);
    TRY(text_copy(rest, key, sizeof(key)));
    return use_certificate(c, cert, key);
}

static err_t context(const struct load_tls *t, uint64_t n, void **out)
{
    const int version = t->datagram ? DTLS1_2_VERSION : TLS1_2_VERSION;
    SSL_CTX *c = SSL_CTX_new(t->datagram ? DTLS_client_method() : TLS_client_method());
    *out = c;
    if (c == NULL || SSL_CTX_set_min_proto_version(c, version) != 1 ||
        SSL_CTX_set_max_proto_version(c, version) != 1 || SSL_CTX_set_cipher_list(c, t->suite) != 1) {
        return ERR_USAGE;
    }
    SSL_CTX_set_options(c, SSL_OP_NO_TICKET);
    SSL_CTX_set_session_cache_mode(c, SSL_SESS_CACHE_OFF);
    if (t->certificates) {
        return give_certificate(c, request_line(&t->request, n));
    }
    SSL_CTX_set_psk_client_callback(c, give_key);
    return t->cert == NULL ? ERR_OK : use_certificate(c, t->cert, t->key);
}

err_t load_tls_open(struct load_tls *t)
{
    size_t n = t->certificates ? t->request.lines.n : 1;
    t->ctx = calloc(n, sizeof(*t->ctx));
    if (t->ctx == NULL) {
        return ERR_LIMIT_CAPACITY;
    }
    for (; t->ctx_n < n; t->ctx_n++) {
        err_t e = context(t, t->ctx_n, &t->ctx[t->ctx_n]);
        if (e != ERR_OK) {
            t->ctx_n++;
            return e;
        }
    }
    return ERR_OK;
}

void load_tls_close(struct load_tls *t)
{
    while (t->ctx_n > 0) {
        SSL_CTX_free(t->ctx[--t->ctx_n]);
    }
    free(t->ctx);
    t->ctx = NULL;
}

/* -- a connection -------------------------------------------------------------------------------------- */
static void drop(struct slot *s)
{
    SSL_free(s->ssl);
    s->ssl = NULL;
    if (s->base.fd >= 0) {
        (void)close(s->base.fd);
        s->base.fd = -1;
    }
}

static void fail(struct load *l, struct slot *s, int ret)
{
    char why[LOAD_WHY_MAX];
    unsigned long e = ERR_get_error();
    if (e != 0) {
        ERR_error_string_n(e, why, sizeof(why));
    } else {
        (void)snprintf(why, sizeof(why), "stage %d: %s", (int)s->stage, ret == 0 ? "end of stream" : strerror(errno));
    }
    ERR_clear_error();
    drop(s);
    load_fail(l, &s->base, why);
}

/* true: go on; else it waits for the socket, or has failed */
static bool is_on(struct load *l, struct slot *s, int ret)
{
    if (ret > 0) {
        return true;
    }
    int e = SSL_get_error(s->ssl, ret);
    if (e != SSL_ERROR_WANT_READ && e != SSL_ERROR_WANT_WRITE) {
        fail(l, s, ret);
    }
    return false;
}

/* The key of the association that the registration of a key has just made: what both ends export [8.8.2.7]. */
static void keys_write(const struct load_tls *t, const struct slot *s)
{
    uint8_t out[KEYS_EXPORT_LEN];
    char hex[2 * KEYS_EXPORT_LEN + 1];
    struct writer w = WRITER_ARRAY(hex);
    if (SSL_export_keying_material(s->ssl, out, sizeof(out), KEYS_LABEL_CONNECTION, strlen(KEYS_LABEL_CONNECTION), NULL, 0,
                                   0) == 1) {
        hex_write_lower(&w, BYTES_ARRAY(out));
        (void)fprintf(t->keys, "%.*s@%s %.*s\n", KEY_ID_HEX, hex, t->sni, (int)w.n - KEY_ID_HEX, hex + KEY_ID_HEX);
    }
}

static bool answered(struct load *l, struct slot *s)
{
    const struct load_tls *t = l->plan;
    unsigned status = 0;
    struct text location = text_empty();
    while (request_answer(text_span(s->in, s->in_n), &status, &location) == 0) {
        int n = SSL_read(s->ssl, s->in + s->in_n, (int)(IN_MAX - s->in_n));
        if (!is_on(l, s, n)) {
            return false;
        }
        s->in_n += (size_t)n;
    }
    if (status != t->request.status) {
        drop(s);
        s->in[s->in_n < IN_MAX ? s->in_n : IN_MAX - 1] = '\0';
        load_fail(l, &s->base, s->in);
        return false;
    }
    if (t->locations != NULL) {
        (void)fprintf(t->locations, "%.*s\n", (int)location.n, location.p);
    }
    if (t->keys != NULL) {
        keys_write(t, s);
    }
    return true;
}

/* true when all of the operation is done */
static bool drive(struct load *l, struct slot *s)
{
    const struct load_tls *t = l->plan;
    if (s->stage == HANDSHAKE) {
        if (!is_on(l, s, SSL_connect(s->ssl))) {
            return false;
        }
        s->stage = ASKING;
    }
    if (t->handshake_only) {
        return true;
    }
    if (s->stage == ASKING) {
        if (!is_on(l, s, SSL_write(s->ssl, s->out, (int)s->out_n))) {
            return false;
        }
        s->stage = ANSWER;
    }
    return answered(l, s);
}

static bool attach(const struct load *l, struct slot *s)
{
    if (!l->datagram) {
        return SSL_set_fd(s->ssl, s->base.fd) == 1;
    }
    struct sockaddr_in to = l->to;
    BIO *bio = BIO_new_dgram(s->base.fd, BIO_NOCLOSE);
    if (bio == NULL) {
        return false;
    }
    (void)BIO_ctrl(bio, BIO_CTRL_DGRAM_SET_CONNECTED, 0, &to);
    SSL_set_bio(s->ssl, bio, bio);
    return true;
}

static bool prepare(struct load *l, struct slot *s)
{
    const struct load_tls *t = l->plan;
    s->in_n = 0;
    s->line = request_line(&t->request, s->base.n);
    s->out_n = t->handshake_only ? 0 : request_write(&t->request, s->base.n, s->out);
    if (s->ssl != NULL) {
        return true; /* kept */
    }
    s->stage = HANDSHAKE;
    s->ssl = SSL_new(t->ctx[s->base.n % t->ctx_n]);
    if (s->ssl == NULL || load_connect(l, &s->base, false) < 0 || !attach(l, s)) {
        return false;
    }
    if (t->sni != NULL && SSL_set_tlsext_host_name(s->ssl, t->sni) != 1) {
        return false;
    }
    SSL_set_app_data(s->ssl, s);
    return true;
}

static void ready(struct load *l, struct load_slot *base)
{
    struct slot *s = (struct slot *)base;
    if (base->busy && drive(l, s)) {
        const struct load_tls *t = l->plan;
        load_done(l, base);
        if (!t->keep) {
            (void)SSL_shutdown(s->ssl);
            drop(s);
        }
    }
    if (!base->busy) {
        load_next(l, base);
    }
}

static void start(struct load *l, struct load_slot *base)
{
    struct slot *s = (struct slot *)base;
    bool kept = s->ssl != NULL;
    if (!prepare(l, s)) {
        fail(l, s, -1);
    } else if (kept) { /* the socket was ready long ago and will not say so again */
        s->stage = ASKING;
        s->stage = is_on(l, s, SSL_write(s->ssl, s->out, (int)s->out_n)) ? ANSWER : s->stage;
    }
}

static void stop(struct load *l, struct load_slot *base)
{
    (void)l;
    drop((struct slot *)base);
}

const struct load_ops load_tls_ops = {sizeof(struct slot), start, ready, stop};
