#include "shell/coap_link.h"

#include "base/ct.h"
#include "proto/coap_engine.h"
#include "shell/clock.h"
#include "shell/openssl.h" /* before any other header of OpenSSL */
#include "shell/tls.h"
#include "wire/coap_binding.h"

#include <errno.h>
#include <netdb.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define BLOCK_SZX 5 /* as the server: 512 octets and any options fit into a datagram */
#define MESSAGE_ROOM 4096
#define BURST 64 /* datagrams that one step takes: who sends faster than they are read would keep the loop for himself */

struct coap_link {
    struct coap_link_setup s;
    int fd;
    SSL_CTX *ctx;
    SSL *ssl; /* NULL: without security */
    bool handshaken, asked, answered;
    err_t outcome; /* of the answer */
    uint8_t code;
    struct primitive_response answer;
    uint8_t options[COAP_BINDING_SCRATCH]; /* of the answer */
    struct coap_engine_params params;
    struct coap_engine engine;
    uint8_t body[MESSAGE_ROOM + (64u << 10)];
};

void coap_link_free(struct coap_link *l)
{
    if (l == NULL) {
        return;
    }
    if (l->ssl != NULL && l->handshaken) {
        ERR_clear_error();
        (void)SSL_shutdown(l->ssl); /* says so, and does not wait */
        ERR_clear_error();
    }
    SSL_free(l->ssl);
    SSL_CTX_free(l->ctx);
    if (l->fd >= 0) {
        (void)close(l->fd);
    }
    ct_wipe(l, sizeof(*l));
    free(l);
}

int coap_link_fd(const struct coap_link *l)
{
    return l->fd;
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

static err_t open_socket(struct coap_link *l)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_DGRAM, .ai_flags = l->s.in_digits ? AI_NUMERICHOST | AI_NUMERICSERV : 0};
    struct addrinfo *list = NULL;
    char host[256];
    const char *port = NULL;
    TRY(address_split(l->s.address, host, sizeof(host), &port));
    if (getaddrinfo(host, port, &hints, &list) != 0) {
        return ERR_PEER_UNREACHABLE;
    }
    l->fd = connected(list);
    freeaddrinfo(list);
    return l->fd < 0 ? ERR_PEER_UNREACHABLE : ERR_OK;
}

/* -- the session ------------------------------------------------------------------------------------------- */
static err_t open_session(struct coap_link *l)
{
    l->ctx = SSL_CTX_new(DTLS_client_method());
    if (l->ctx == NULL) {
        return ERR_LIMIT_CAPACITY;
    }
    TRY(client_tls_context(l->ctx, l->s.tls));
    l->ssl = SSL_new(l->ctx);
    BIO *bio = l->ssl == NULL ? NULL : BIO_new_dgram(l->fd, BIO_NOCLOSE);
    if (bio == NULL) {
        return ERR_LIMIT_CAPACITY;
    }
    struct sockaddr_storage peer;
    socklen_t n = sizeof(peer);
    if (getpeername(l->fd, (struct sockaddr *)&peer, &n) == 0) {
        (void)BIO_ctrl(bio, BIO_CTRL_DGRAM_SET_CONNECTED, 0, &peer);
    }
    SSL_set_bio(l->ssl, bio, bio);
    (void)SSL_set_options(l->ssl, SSL_OP_NO_QUERY_MTU);
    (void)SSL_set_mtu(l->ssl, TLS_DATAGRAM_MTU);
    SSL_set_verify(l->ssl, client_tls_by_psk(l->s.tls) ? SSL_VERIFY_NONE : SSL_VERIFY_PEER, NULL);
    return SSL_set_tlsext_host_name(l->ssl, l->s.tls->fqdn) == 1 ? ERR_OK : ERR_CRYPTO;
}

/* OpenSSL's verdict on the last call: ERR_OK means that more must come. */
static err_t verdict(struct coap_link *l, int rc)
{
    int why = SSL_get_error(l->ssl, rc);
    TRY(client_tls_refusal(l->s.tls));
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

static err_t handshake(struct coap_link *l)
{
    ERR_clear_error();
    if (DTLSv1_handle_timeout(l->ssl) < 0) {
        return ERR_PEER_TIMEOUT;
    }
    ERR_clear_error();
    int rc = SSL_connect(l->ssl);
    TRY(rc == 1 ? client_tls_refusal(l->s.tls) : verdict(l, rc));
    l->handshaken = rc == 1;
    return ERR_OK;
}

/* -- datagrams, with and without ------------------------------------------------------------------------------ */
static err_t send_datagram(struct coap_link *l, struct bytes b)
{
    if (l->ssl == NULL) {
        ssize_t rc = send(l->fd, b.p, b.n, MSG_NOSIGNAL);
        return rc >= 0 || errno == EAGAIN || errno == EINTR ? ERR_OK : ERR_PEER_UNREACHABLE; /* it is sent again */
    }
    ERR_clear_error();
    int rc = SSL_write(l->ssl, b.p, (int)b.n);
    return rc > 0 ? ERR_OK : verdict(l, rc);
}

/* *n 0: nothing more is there. */
static err_t receive_datagram(struct coap_link *l, uint8_t *b, size_t cap, size_t *n)
{
    *n = 0;
    if (l->ssl == NULL) {
        ssize_t rc = recv(l->fd, b, cap, 0);
        *n = rc > 0 ? (size_t)rc : 0;
        return rc >= 0 || errno == EAGAIN || errno == EINTR ? ERR_OK : ERR_PEER_UNREACHABLE;
    }
    ERR_clear_error();
    int rc = SSL_read(l->ssl, b, (int)cap);
    *n = rc > 0 ? (size_t)rc : 0;
    return rc > 0 ? ERR_OK : verdict(l, rc);
}

/* -- the request ------------------------------------------------------------------------------------------- */
static void take_answer(struct coap_link *l, const struct coap_message *m)
{
    struct writer scratch = WRITER_ARRAY(l->options);
    l->code = m->code;
    l->outcome = coap_binding_parse_response(m, &scratch, &l->answer);
}

static void take_event(struct coap_link *l, const struct coap_event *ev)
{
    if (ev->kind == COAP_EVENT_RESPONSE) {
        l->answered = true;
        take_answer(l, &ev->message);
    } else if (ev->kind == COAP_EVENT_FAILED) {
        l->answered = true;
        l->outcome = ev->reason;
    }
}

static err_t say(struct coap_link *l)
{
    uint8_t b[COAP_ENGINE_DATAGRAM];
    struct writer w = writer_of(b, sizeof(b));
    err_t e = ERR_OK;
    while (e == ERR_OK && coap_engine_poll(&l->engine, &w)) {
        e = send_datagram(l, writer_view(&w));
        ct_wipe(b, w.n);
        w = writer_of(b, sizeof(b));
    }
    return e;
}

static err_t hear(struct coap_link *l)
{
    uint8_t b[COAP_ENGINE_DATAGRAM];
    struct coap_event ev;
    size_t n = 0;
    for (size_t i = 0; !l->answered && i < BURST; i++) {
        TRY(receive_datagram(l, b, sizeof(b), &n));
        if (n == 0) {
            return ERR_OK;
        }
        coap_engine_recv(&l->engine, bytes_of(b, n), clock_monotonic(), &ev);
        ct_wipe(b, n);
        take_event(l, &ev);
    }
    return ERR_OK;
}

static err_t ask(struct coap_link *l)
{
    uint8_t room[COAP_BINDING_SCRATCH];
    struct writer scratch = writer_of(room, sizeof(room));
    struct coap_message m;
    l->params = coap_engine_defaults;
    l->params.szx = BLOCK_SZX;
    const struct coap_engine_memory memory = {.client = l->body, .client_n = sizeof(l->body)};
    TRY(coap_engine_init(&l->engine, &l->params, &memory, l->s.crypto));
    TRY(coap_binding_request(l->s.request, &scratch, &m));
    TRY(coap_engine_request(&l->engine, &m, clock_monotonic()));
    l->asked = true;
    return say(l);
}

static err_t converse(struct coap_link *l)
{
    struct coap_event ev;
    TRY(l->asked ? ERR_OK : ask(l));
    TRY(hear(l));
    if (!l->answered) {
        coap_engine_tick(&l->engine, clock_monotonic(), &ev);
        take_event(l, &ev);
    }
    return say(l); /* the acknowledgement of a separate answer too */
}

bool coap_link_step(struct coap_link *l, err_t *outcome)
{
    *outcome = l->handshaken ? ERR_OK : handshake(l);
    if (*outcome != ERR_OK || !l->handshaken) {
        return *outcome != ERR_OK;
    }
    if (l->s.request == NULL) {
        return true;
    }
    *outcome = converse(l);
    *outcome = l->answered ? l->outcome : *outcome;
    return l->answered || *outcome != ERR_OK;
}

usec_t coap_link_deadline(const struct coap_link *l)
{
    struct timeval left = {1, 0};
    if (l->handshaken) {
        return coap_engine_deadline(&l->engine);
    }
    (void)DTLSv1_get_timeout(l->ssl, &left);
    return clock_monotonic() + (usec_t)left.tv_sec * USEC_PER_SEC + (usec_t)left.tv_usec;
}

uint8_t coap_link_answer(const struct coap_link *l, struct primitive_response *out)
{
    *out = l->answer;
    return l->code;
}

err_t coap_link_new(const struct coap_link_setup *s, struct coap_link **out)
{
    struct coap_link *l = calloc(1, sizeof(*l));
    if (l == NULL) {
        return ERR_LIMIT_CAPACITY;
    }
    l->s = *s;
    l->fd = -1;
    l->handshaken = s->tls == NULL;
    err_t e = open_socket(l);
    if (e == ERR_OK && s->tls != NULL) {
        s->tls->datagram = true;
        e = open_session(l);
    }
    if (e != ERR_OK) {
        coap_link_free(l);
        return e;
    }
    *out = l;
    return ERR_OK;
}
