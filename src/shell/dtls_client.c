#include "shell/dtls_client.h"

#include "base/ct.h"
#include "proto/coap_engine.h"
#include "shell/clock.h"
#include "shell/openssl.h" /* before any other header of OpenSSL */
#include "shell/tls.h"
#include "wire/coap_binding.h"

#include <errno.h>
#include <netdb.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define BLOCK_SZX 5 /* as the server: 512 octets and any options fit into a datagram */
#define MESSAGE_ROOM 4096

struct run {
    struct dtls_client *d;
    int fd;
    SSL_CTX *ctx;
    SSL *ssl;
    usec_t until;
    bool answered;
    err_t outcome; /* of the answer */
    struct coap_engine_params params;
    struct coap_engine engine;
    uint8_t body[MESSAGE_ROOM + (64u << 10)];
};

static void run_free(struct run **r)
{
    struct run *x = *r;
    if (x == NULL) {
        return;
    }
    SSL_free(x->ssl);
    SSL_CTX_free(x->ctx);
    if (x->fd >= 0) {
        (void)close(x->fd);
    }
    ct_wipe(x, sizeof(*x));
    free(x);
}

/* -- the socket ------------------------------------------------------------------------------------------ */
static err_t address_split(const char *address, char *host, size_t cap, const char **port)
{
    struct text t = text_of(address);
    size_t colon = text_find_last(t, ':');
    if (colon >= t.n) {
        return ERR_USAGE;
    }
    struct text h = text_take(t, colon);
    if (h.n > 2 && h.p[0] == '[') {
        h = text_take(text_skip(h, 1), h.n - 2);
    }
    *port = address + colon + 1;
    return text_copy(h, host, cap);
}

static int connected(const struct addrinfo *list)
{
    for (const struct addrinfo *a = list; a != NULL; a = a->ai_next) {
        int fd = socket(a->ai_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (fd >= 0 && connect(fd, a->ai_addr, a->ai_addrlen) == 0) {
            return fd;
        }
        if (fd >= 0) {
            (void)close(fd);
        }
    }
    return -1;
}

static err_t open_socket(struct run *r)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_DGRAM};
    struct addrinfo *list = NULL;
    char host[256];
    const char *port = NULL;
    TRY(address_split(r->d->tls.address, host, sizeof(host), &port));
    if (getaddrinfo(host, port, &hints, &list) != 0) {
        return ERR_PEER_UNREACHABLE;
    }
    r->fd = connected(list);
    freeaddrinfo(list);
    return r->fd < 0 ? ERR_PEER_UNREACHABLE : ERR_OK;
}

/* -- the session ------------------------------------------------------------------------------------------- */
static err_t open_session(struct run *r)
{
    r->ctx = SSL_CTX_new(DTLS_client_method());
    if (r->ctx == NULL) {
        return ERR_LIMIT_CAPACITY;
    }
    TRY(client_tls_context(r->ctx, &r->d->tls));
    r->ssl = SSL_new(r->ctx);
    BIO *bio = r->ssl == NULL ? NULL : BIO_new_dgram(r->fd, BIO_NOCLOSE);
    if (bio == NULL) {
        return ERR_LIMIT_CAPACITY;
    }
    struct sockaddr_storage peer;
    socklen_t n = sizeof(peer);
    if (getpeername(r->fd, (struct sockaddr *)&peer, &n) == 0) {
        (void)BIO_ctrl(bio, BIO_CTRL_DGRAM_SET_CONNECTED, 0, &peer);
    }
    SSL_set_bio(r->ssl, bio, bio);
    (void)SSL_set_options(r->ssl, SSL_OP_NO_QUERY_MTU);
    (void)SSL_set_mtu(r->ssl, TLS_DATAGRAM_MTU);
    SSL_set_verify(r->ssl, r->d->tls.psk == NULL ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, NULL);
    return SSL_set_tlsext_host_name(r->ssl, r->d->tls.fqdn) == 1 ? ERR_OK : ERR_CRYPTO;
}

/* Until something comes or `next` (clock_monotonic) is there. */
static err_t wait_until(struct run *r, usec_t next)
{
    usec_t now = clock_monotonic();
    usec_t end = next < r->until ? next : r->until;
    struct pollfd p = {r->fd, POLLIN, 0};
    if (now >= r->until) {
        return ERR_PEER_TIMEOUT;
    }
    int ms = end <= now ? 0 : (int)((end - now) / 1000 + 1);
    return poll(&p, 1, ms) < 0 && errno != EINTR ? ERR_IO : ERR_OK;
}

/* OpenSSL's verdict on the last call: ERR_OK means that more must come. */
static err_t verdict(struct run *r, int rc)
{
    int why = SSL_get_error(r->ssl, rc);
    TRY(client_tls_refusal(&r->d->tls));
    switch (why) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
        return ERR_OK;
    case SSL_ERROR_SYSCALL: /* nobody listens there */
        return ERR_PEER_UNREACHABLE;
    case SSL_ERROR_ZERO_RETURN: /* it leaves, and has not answered: worth another try */
        return ERR_PEER_UNREACHABLE;
    default:
        return ERR_PEER_NONSENSE;
    }
}

static err_t handshake(struct run *r)
{
    ERR_clear_error();
    for (int rc = SSL_connect(r->ssl); rc != 1; rc = SSL_connect(r->ssl)) {
        struct timeval left = {1, 0};
        TRY(verdict(r, rc));
        (void)DTLSv1_get_timeout(r->ssl, &left);
        TRY(wait_until(r, clock_monotonic() + (usec_t)left.tv_sec * USEC_PER_SEC + (usec_t)left.tv_usec));
        ERR_clear_error();
        if (DTLSv1_handle_timeout(r->ssl) < 0) {
            return ERR_PEER_TIMEOUT;
        }
    }
    return client_tls_refusal(&r->d->tls);
}

/* -- the request ------------------------------------------------------------------------------------------- */
static void take_answer(struct run *r, const struct coap_message *m)
{
    uint8_t room[COAP_BINDING_SCRATCH];
    struct writer scratch = writer_of(room, sizeof(room));
    struct primitive_response p;
    r->d->code = m->code;
    r->outcome = coap_binding_parse_response(m, &scratch, &p);
    if (r->outcome == ERR_OK && p.body.n > r->d->body_cap) {
        r->outcome = ERR_PEER_NONSENSE;
    }
    if (r->outcome == ERR_OK) {
        r->d->rsc = p.rsc;
        r->d->media = p.media;
        r->d->body_n = p.body.n;
        if (p.body.n > 0) {
            memcpy(r->d->body, p.body.p, p.body.n);
        }
    }
}

static void take_event(struct run *r, const struct coap_event *ev)
{
    if (ev->kind == COAP_EVENT_RESPONSE) {
        r->answered = true;
        take_answer(r, &ev->message);
    } else if (ev->kind == COAP_EVENT_FAILED) {
        r->answered = true;
        r->outcome = ev->reason;
    }
}

static err_t say(struct run *r)
{
    uint8_t b[COAP_ENGINE_DATAGRAM];
    struct writer w = writer_of(b, sizeof(b));
    err_t e = ERR_OK;
    while (e == ERR_OK && coap_engine_poll(&r->engine, &w)) {
        ERR_clear_error();
        int rc = SSL_write(r->ssl, b, (int)w.n);
        e = rc > 0 ? ERR_OK : verdict(r, rc);
        ct_wipe(b, w.n);
        w = writer_of(b, sizeof(b));
    }
    return e;
}

static err_t hear(struct run *r)
{
    uint8_t b[COAP_ENGINE_DATAGRAM];
    struct coap_event ev;
    for (;;) {
        ERR_clear_error();
        int n = SSL_read(r->ssl, b, sizeof(b));
        if (n <= 0) {
            return verdict(r, n);
        }
        coap_engine_recv(&r->engine, bytes_of(b, (size_t)n), clock_monotonic(), &ev);
        ct_wipe(b, (size_t)n);
        take_event(r, &ev);
        if (r->answered) {
            return ERR_OK;
        }
    }
}

static err_t converse(struct run *r)
{
    uint8_t room[COAP_BINDING_SCRATCH];
    struct writer scratch = writer_of(room, sizeof(room));
    struct coap_message m;
    struct coap_event ev;
    r->params = coap_engine_defaults;
    r->params.szx = BLOCK_SZX;
    const struct coap_engine_memory memory = {.client = r->body, .client_n = sizeof(r->body)};
    TRY(coap_engine_init(&r->engine, &r->params, &memory, r->d->crypto));
    TRY(coap_binding_request(r->d->request, &scratch, &m));
    TRY(coap_engine_request(&r->engine, &m, clock_monotonic()));
    TRY(say(r));
    while (!r->answered) {
        TRY(wait_until(r, coap_engine_deadline(&r->engine)));
        TRY(hear(r));
        if (!r->answered) {
            coap_engine_tick(&r->engine, clock_monotonic(), &ev);
            take_event(r, &ev);
        }
        TRY(say(r)); /* the acknowledgement of a separate answer too */
    }
    return r->outcome;
}

static void run_scope(struct run **r)
{
    run_free(r);
}

err_t dtls_client_exchange(struct dtls_client *d)
{
    SCOPED(run_scope) struct run *r = calloc(1, sizeof(*r));
    if (r == NULL) {
        return ERR_LIMIT_CAPACITY;
    }
    r->d = d;
    r->fd = -1;
    r->until = d->until;
    d->tls.datagram = true;
    d->code = 0;
    d->rsc = 0;
    d->body_n = 0;
    TRY(open_socket(r));
    TRY(open_session(r));
    TRY(handshake(r));
    err_t e = d->request == NULL ? ERR_OK : converse(r);
    ERR_clear_error();
    (void)SSL_shutdown(r->ssl); /* says so, and does not wait */
    ERR_clear_error();
    return e;
}
