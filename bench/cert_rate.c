#include "cert_rate.h"

#include "shell/openssl.h"
#include "shell/provider.h"

#include <openssl/ssl.h>
#include <time.h>

#define CHUNK 8192

static int64_t cpu_now(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static usec_t wall_now(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (usec_t)t.tv_sec * USEC_PER_SEC + t.tv_nsec / 1000;
}

static SSL_CTX *client_context(const struct cert_rate_plan *p)
{
    SSL_CTX *c = SSL_CTX_new(TLS_client_method());
    bool ok = c != NULL && SSL_CTX_set_max_proto_version(c, TLS1_2_VERSION) == 1 &&
              SSL_CTX_use_certificate_chain_file(c, p->cert) == 1 &&
              SSL_CTX_use_PrivateKey_file(c, p->key, SSL_FILETYPE_PEM) == 1;
    if (!ok) {
        SSL_CTX_free(c);
        return NULL;
    }
    return c;
}

static void client_turn(SSL *ssl, struct tls *t, struct bytes in, bool *moved)
{
    uint8_t buf[CHUNK];
    (void)BIO_write(SSL_get_rbio(ssl), in.p, (int)in.n);
    (void)SSL_do_handshake(ssl);
    ERR_clear_error();
    int n = BIO_read(SSL_get_wbio(ssl), buf, sizeof(buf));
    *moved = n > 0;
    if (n > 0) {
        *moved = tls_feed(t, bytes_of(buf, (size_t)n)) == ERR_OK;
    }
}

static err_t one(struct tls_ctx *server, SSL_CTX *client, int64_t *cpu_ns)
{
    uint8_t buf[CHUNK];
    struct tls *t = NULL;
    TRY(tls_new(server, &t));
    SSL *ssl = SSL_new(client);
    if (ssl == NULL) {
        tls_free(t);
        return ERR_LIMIT_CAPACITY;
    }
    SSL_set_bio(ssl, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    SSL_set_connect_state(ssl);
    enum tls_state s = TLS_HANDSHAKE;
    bool moved = false;
    client_turn(ssl, t, bytes_empty(), &moved);
    while (moved && s == TLS_HANDSHAKE) {
        int64_t from = cpu_now();
        s = tls_step(t);
        size_t n = tls_drain(t, buf, sizeof(buf));
        *cpu_ns += cpu_now() - from;
        if (s == TLS_HANDSHAKE) {
            client_turn(ssl, t, bytes_of(buf, n), &moved);
        }
    }
    err_t e = s == TLS_ESTABLISHED ? ERR_OK : s == TLS_FAILED ? tls_error(t) : ERR_STATE;
    SSL_free(ssl);
    tls_free(t);
    return e;
}

static err_t run(const struct cert_rate_plan *p, struct tls_ctx *server, struct cert_rate_result *out)
{
    SSL_CTX *client = client_context(p);
    if (client == NULL) {
        return ERR_CONFIG;
    }
    err_t e = ERR_OK;
    for (usec_t end = wall_now() + p->time; e == ERR_OK && wall_now() < end; out->done++) {
        e = one(server, client, &out->cpu_ns);
    }
    SSL_CTX_free(client);
    return e;
}

err_t cert_rate_run(const struct cert_rate_plan *p, struct cert_rate_result *out)
{
    static const char *const names[] = {"bench.keystead.test", NULL};
    const struct tls_ctx_config cfg = {.cert_file = p->cert, .key_file = p->key, .trust_file = p->trust,
                                       .crl_files = p->crl, .names = names, .require_ems = true};
    struct tls_ctx *server = NULL;
    TRY(provider_install());
    TRY(tls_thread_init(0));
    TRY(tls_ctx_new(&cfg, &server, out->detail));
    err_t e = run(p, server, out);
    tls_ctx_free(server);
    return e;
}
