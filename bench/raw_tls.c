#include "raw_tls.h"

#include "load.h"
#include "shell/openssl.h"

#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define KEY_LEN 16
#define CHUNK 8192
#define TURNS_MAX 8
#define MTU 1200
#define COOKIE_LEN 20

struct pair {
    SSL *server, *client;
};

#define CONTENT_MAX 8192
#define RECORD_ROUNDS 256 /* between looks at the clock */

struct raw {
    const struct raw_tls_plan *plan;
    SSL_CTX *server, *client;
    struct pair *pairs;
    size_t n;
    int64_t cpu_ns;
};

static unsigned client_key(SSL *ssl, const char *hint, char *identity, unsigned identity_max, unsigned char *key,
                           unsigned key_max)
{
    (void)ssl;
    (void)hint;
    if (text_copy(text_of("bench@mef.keystead.test"), identity, identity_max) != ERR_OK || key_max < KEY_LEN) {
        return 0;
    }
    memset(key, 0x4b, KEY_LEN); /* a made-up key */
    return KEY_LEN;
}

static unsigned server_key(SSL *ssl, const char *identity, unsigned char *key, unsigned key_max)
{
    (void)ssl;
    (void)identity;
    if (key_max < KEY_LEN) {
        return 0;
    }
    memset(key, 0x4b, KEY_LEN);
    return KEY_LEN;
}

static const SSL_METHOD *method(bool datagram, bool server)
{
    if (datagram) {
        return server ? DTLS_server_method() : DTLS_client_method();
    }
    return server ? TLS_server_method() : TLS_client_method();
}

static bool certificate_set(SSL_CTX *c, const char *cert, const char *key, const char *trust)
{
    bool ok = SSL_CTX_use_certificate_chain_file(c, cert) == 1 &&
              SSL_CTX_use_PrivateKey_file(c, key, SSL_FILETYPE_PEM) == 1 &&
              SSL_CTX_load_verify_locations(c, trust, NULL) == 1 && SSL_CTX_set1_groups_list(c, "P-256") == 1 &&
              SSL_CTX_set1_sigalgs_list(c, "ECDSA+SHA256") == 1;
    (void)SSL_CTX_set_mode(c, SSL_MODE_NO_AUTO_CHAIN); /* else it looks for the path of its own certificate each time */
    SSL_CTX_set_verify(c, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    return ok;
}

static int cookie_give(SSL *ssl, unsigned char *cookie, unsigned *n)
{
    (void)ssl;
    memset(cookie, 0x43, COOKIE_LEN); /* costs nothing: the exchange alone counts */
    *n = COOKIE_LEN;
    return 1;
}

static int cookie_take(SSL *ssl, const unsigned char *cookie, unsigned n)
{
    (void)ssl;
    return n == COOKIE_LEN && cookie[0] == 0x43;
}

static void cookies_set(SSL_CTX *c)
{
    SSL_CTX_set_cookie_generate_cb(c, cookie_give);
    SSL_CTX_set_cookie_verify_cb(c, cookie_take);
    (void)SSL_CTX_set_options(c, SSL_OP_COOKIE_EXCHANGE);
}

static SSL_CTX *context(const struct raw_tls_plan *p, bool server)
{
    const int version = p->datagram ? DTLS1_2_VERSION : TLS1_2_VERSION;
    SSL_CTX *c = SSL_CTX_new(method(p->datagram, server));
    bool ok = c != NULL && SSL_CTX_set_min_proto_version(c, version) == 1 &&
              SSL_CTX_set_max_proto_version(c, version) == 1 && SSL_CTX_set_cipher_list(c, p->suite) == 1;
    ok = ok && (p->trust == NULL || certificate_set(c, server ? p->server_cert : p->client_cert,
                                                    server ? p->server_key : p->client_key, p->trust));
    if (!ok) {
        SSL_CTX_free(c);
        return NULL;
    }
    if (p->datagram && server) {
        cookies_set(c);
    }
    SSL_CTX_set_options(c, SSL_OP_NO_TICKET | SSL_OP_NO_QUERY_MTU);
    SSL_CTX_set_session_cache_mode(c, SSL_SESS_CACHE_OFF);
    return c;
}

static SSL *connection(SSL_CTX *c, bool server)
{
    SSL *s = SSL_new(c);
    if (s == NULL) {
        return NULL;
    }
    SSL_set_bio(s, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    (void)SSL_set_mtu(s, MTU);
    if (server) {
        SSL_set_accept_state(s);
    } else {
        SSL_set_connect_state(s);
    }
    return s;
}

/* What a shell around TLS has to do as well: octets out of one side and into the other. */
static void move(SSL *from, SSL *to)
{
    char buf[CHUNK];
    int n = 0;
    while ((n = BIO_read(SSL_get_wbio(from), buf, sizeof(buf))) > 0) {
        (void)BIO_write(SSL_get_rbio(to), buf, n);
    }
}

static int64_t cpu_now(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

typedef void step_fn(struct raw *r, struct pair *p);

static void server_new(struct raw *r, struct pair *p)
{
    p->server = connection(r->server, true);
}

static void server_step(struct raw *r, struct pair *p)
{
    (void)r;
    (void)SSL_do_handshake(p->server);
}

static void server_free(struct raw *r, struct pair *p)
{
    (void)r;
    SSL_free(p->server);
    p->server = NULL;
}

static void timed(struct raw *r, step_fn *step)
{
    int64_t begun = cpu_now();
    for (size_t i = 0; i < r->n; i++) {
        step(r, &r->pairs[i]);
    }
    r->cpu_ns += cpu_now() - begun;
}

static bool clients_step(struct raw *r)
{
    bool done = true;
    for (size_t i = 0; i < r->n; i++) {
        struct pair *p = &r->pairs[i];
        move(p->server, p->client);
        (void)SSL_do_handshake(p->client);
        move(p->client, p->server);
        done = done && SSL_is_init_finished(p->client) == 1 && SSL_is_init_finished(p->server) == 1;
    }
    return done;
}

/* -- records ------------------------------------------------------------------------------------------- */
static void server_turn(struct raw *r, struct pair *p)
{
    char content[CONTENT_MAX] = "";
    (void)SSL_read(p->server, content, (int)r->plan->in);
    (void)SSL_write(p->server, content, (int)r->plan->out);
}

static bool records(struct raw *r)
{
    char content[CONTENT_MAX] = "";
    bool ok = true;
    for (int i = 0; ok && i < RECORD_ROUNDS; i++) {
        for (size_t k = 0; k < r->n; k++) {
            struct pair *p = &r->pairs[k];
            ok = ok && SSL_write(p->client, content, (int)r->plan->in) == (int)r->plan->in;
            move(p->client, p->server);
        }
        timed(r, server_turn);
        for (size_t k = 0; k < r->n; k++) {
            struct pair *p = &r->pairs[k];
            move(p->server, p->client);
            ok = ok && SSL_read(p->client, content, (int)r->plan->out) == (int)r->plan->out;
        }
    }
    return ok;
}

static uint64_t records_for(struct raw *r, usec_t time)
{
    uint64_t done = 0;
    bool ok = true;
    r->cpu_ns = 0; /* not the handshakes */
    for (usec_t begun = load_now(); ok && load_now() - begun < time; done += ok ? r->n * RECORD_ROUNDS : 0) {
        ok = records(r);
    }
    return ok ? done : 0;
}

/* -- handshakes ---------------------------------------------------------------------------------------- */
static bool handshakes(struct raw *r, usec_t time, uint64_t *made)
{
    bool done = false;
    timed(r, server_new);
    for (size_t i = 0; i < r->n; i++) {
        r->pairs[i].client = connection(r->client, false);
        if (r->pairs[i].server == NULL || r->pairs[i].client == NULL) {
            return false;
        }
    }
    (void)clients_step(r);
    for (int turn = 0; turn < TURNS_MAX && !done; turn++) {
        timed(r, server_step);
        done = clients_step(r);
    }
    *made = done && r->plan->in > 0 ? records_for(r, time) : done ? r->n : 0;
    timed(r, server_free);
    for (size_t i = 0; i < r->n; i++) {
        SSL_free(r->pairs[i].client);
        r->pairs[i].client = NULL;
    }
    return *made > 0;
}

err_t raw_tls_run(const struct raw_tls_plan *p, struct raw_tls_result *out)
{
    struct raw r = {.plan = p,
                    .server = context(p, true),
                    .client = context(p, false),
                    .pairs = calloc(p->lockstep, sizeof(struct pair)),
                    .n = p->lockstep};
    bool ok = r.server != NULL && r.client != NULL && r.pairs != NULL && p->in <= CONTENT_MAX && p->out <= CONTENT_MAX;
    if (ok && p->trust == NULL) {
        SSL_CTX_set_psk_client_callback(r.client, client_key);
        SSL_CTX_set_psk_server_callback(r.server, server_key);
    }
    *out = (struct raw_tls_result){0};
    for (usec_t begun = load_now(); ok && load_now() - begun < p->time;) {
        uint64_t made = 0;
        ok = handshakes(&r, p->time, &made);
        out->done += made;
    }
    out->cpu_ns = r.cpu_ns;
    free(r.pairs);
    SSL_CTX_free(r.server);
    SSL_CTX_free(r.client);
    return ok ? ERR_OK : ERR_CRYPTO;
}
