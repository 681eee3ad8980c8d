/*
 * DTLS 1.2: what differs from TLS when octets come in datagrams. The handshake itself is tls.c's; here are the queues
 * that take the place of byte streams, the entry behind the cookie, the timer, the alert in a datagram, and the wrong
 * key, which DTLS does not tell: a record that does not open is dropped without a word (RFC 6347 4.1.2.7).
 */
#include "shell/tls_impl.h"

#include "base/reader.h"
#include "base/writer.h"
#include "shell/clock.h"

#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#define QUEUE_DATAGRAMS 32 /* waiting at a time; more are dropped, as a network would */
#define QUEUE_OCTETS (64U * 1024U)
#define BIO_TYPE_QUEUE (BIO_TYPE_SOURCE_SINK | 0x7f)
#define ALERT_SEQUENCE 0xffff /* above every record of a handshake, so that no replay window drops it */
#define UNOPENED_MIN 2   /* the client's flight and one repetition of it */
#define UNOPENED_WAITS 4 /* of the first retransmission: an honest client repeats its flight after one and after three */
#define RECORD_OVERHEAD 64 /* head, explicit nonce and tag, rounded up */

struct datagram {
    struct datagram *next;
    size_t n;
    uint8_t b[];
};

struct queue {
    struct datagram *first, *last;
    size_t count, octets;
};

/* -- a queue of datagrams as a BIO --------------------------------------------------------------------------- */

static void queue_pop(struct queue *q)
{
    struct datagram *d = q->first;
    if (d == NULL) {
        return;
    }
    q->first = d->next;
    q->last = q->first == NULL ? NULL : q->last;
    q->count--;
    q->octets -= d->n;
    free(d);
}

static void queue_push(struct queue *q, struct bytes in)
{
    bool room = q->count < QUEUE_DATAGRAMS && in.n <= QUEUE_OCTETS - q->octets;
    struct datagram *d = room ? malloc(sizeof(*d) + in.n) : NULL;
    if (d == NULL) {
        return; /* lost on the way */
    }
    d->next = NULL;
    d->n = in.n;
    memcpy(d->b, in.p, in.n);
    *(q->last != NULL ? &q->last->next : &q->first) = d;
    q->last = d;
    q->count++;
    q->octets += in.n;
}

static int queue_create(BIO *b)
{
    struct queue *q = calloc(1, sizeof(*q));
    BIO_set_data(b, q);
    BIO_set_init(b, q != NULL);
    return q != NULL;
}

static int queue_destroy(BIO *b)
{
    struct queue *q = BIO_get_data(b);
    while (q != NULL && q->first != NULL) {
        queue_pop(q);
    }
    free(q);
    BIO_set_data(b, NULL);
    return 1;
}

static int queue_read(BIO *b, char *out, int cap)
{
    struct queue *q = BIO_get_data(b);
    BIO_clear_retry_flags(b);
    if (q->first == NULL || cap <= 0) {
        BIO_set_retry_read(b);
        return -1;
    }
    size_t n = q->first->n < (size_t)cap ? q->first->n : (size_t)cap; /* the rest of a datagram is lost, as in recv */
    memcpy(out, q->first->b, n);
    queue_pop(q);
    return (int)n;
}

static int queue_write(BIO *b, const char *in, int n)
{
    BIO_clear_retry_flags(b);
    if (n > 0) {
        queue_push(BIO_get_data(b), bytes_of(in, (size_t)n));
    }
    return n;
}

static long queue_reset(struct queue *q)
{
    while (q->first != NULL) {
        queue_pop(q);
    }
    return 1;
}

static long queue_ctrl(BIO *b, int cmd, long n, void *p)
{
    struct queue *q = BIO_get_data(b);
    (void)n;
    switch (cmd) {
    case BIO_CTRL_FLUSH:
    case BIO_CTRL_DUP:
        return 1;
    case BIO_CTRL_PENDING:
        return q->first == NULL ? 0 : (long)q->first->n;
    case BIO_CTRL_RESET:
        return queue_reset(q);
    case BIO_CTRL_INFO: /* BIO_get_mem_data: the datagram that was queued last */
        *(char **)p = q->last == NULL ? NULL : (char *)q->last->b;
        return q->last == NULL ? 0 : (long)q->last->n;
    case BIO_CTRL_DGRAM_QUERY_MTU:
    case BIO_CTRL_DGRAM_GET_FALLBACK_MTU:
        return TLS_DATAGRAM_MTU;
    default: /* among them GET_MTU_OVERHEAD: the MTU is that of the payload, nothing is to be taken off */
        return 0;
    }
}

BIO_METHOD *tls_datagram_method(void)
{
    BIO_METHOD *m = BIO_meth_new(BIO_TYPE_QUEUE, "datagrams");
    bool ok = m != NULL && BIO_meth_set_create(m, queue_create) == 1 && BIO_meth_set_destroy(m, queue_destroy) == 1 &&
              BIO_meth_set_read(m, queue_read) == 1 && BIO_meth_set_write(m, queue_write) == 1 &&
              BIO_meth_set_ctrl(m, queue_ctrl) == 1;
    if (!ok) {
        BIO_meth_free(m);
        return NULL;
    }
    return m;
}

/* -- the context ------------------------------------------------------------------------------------------------ */

/* OpenSSL never makes a cookie: who comes here has shown one to the door (cookie.h). */
static int cookie_none(SSL *ssl, unsigned char *cookie, unsigned *n)
{
    (void)ssl;
    (void)cookie;
    *n = 0;
    return 0;
}

static int cookie_shown(SSL *ssl, const unsigned char *cookie, unsigned n)
{
    (void)ssl;
    (void)cookie;
    return n > 0;
}

void tls_datagram_ctx(SSL_CTX *ssl)
{
    SSL_CTX_set_cookie_generate_cb(ssl, cookie_none);
    SSL_CTX_set_cookie_verify_cb(ssl, cookie_shown);
    (void)SSL_CTX_set_options(ssl, SSL_OP_COOKIE_EXCHANGE | SSL_OP_NO_QUERY_MTU);
}

static unsigned first_wait(SSL *ssl, unsigned us)
{
    const struct tls *t = SSL_get_app_data(ssl);
    unsigned first = (unsigned)t->ctx->retransmit;
    return us == 0 ? first : us >= 60U * first ? 60U * first : us * 2U;
}

void tls_datagram_begin(struct tls *t)
{
    (void)SSL_set_mtu(t->ssl, TLS_DATAGRAM_MTU);
    DTLS_set_timer_cb(t->ssl, first_wait);
}

/* -- the handshake ---------------------------------------------------------------------------------------------- */

/* The ClientHello with the cookie is the second of its client: DTLSv1_listen puts a fresh SSL behind that exchange. */
static err_t enter(struct tls *t)
{
    BIO_ADDR *nobody = BIO_ADDR_new();
    if (nobody == NULL) {
        return ERR_LIMIT_CAPACITY;
    }
    int rc = DTLSv1_listen(t->ssl, nobody);
    BIO_ADDR_free(nobody);
    t->admitted = rc == 1;
    return rc < 0 ? ERR_MALFORMED : ERR_OK;
}

err_t tls_datagram_ready(struct tls *t)
{
    ERR_clear_error();
    if (!t->admitted) {
        TRY(enter(t));
    }
    if (t->admitted && t->state == TLS_HANDSHAKE && DTLSv1_handle_timeout(t->ssl) < 0) {
        return ERR_LIMIT_TIME;
    }
    return ERR_OK;
}

static usec_t unopened_end(const struct tls *t)
{
    return t->unopened < UNOPENED_MIN ? USEC_NEVER : t->unopened_since + UNOPENED_WAITS * t->ctx->retransmit;
}

/* A client with another key sends a Finished that does not open (R001-83), and sends it again. So may a stranger who
 * writes our client's address on his datagrams, as many as he likes: counting proves nothing. What he cannot do is to
 * keep the client's own Finished from opening, so that one has the time of its repetitions to come. */
bool tls_datagram_key_differs(struct tls *t)
{
    if (!t->keyed || !t->cipher_in) {
        return false;
    }
    usec_t now = clock_monotonic();
    if (t->sealed_in) {
        t->sealed_in = false;
        t->unopened_since = t->unopened == 0 ? now : t->unopened_since;
        t->unopened += t->unopened < UNOPENED_MIN;
    }
    return unopened_end(t) <= now;
}

/* OpenSSL drops a fragment of a message beyond its limit with no reason given: whether it was a certificate is seen here.
 * Record head (13): type, version, epoch, sequence, length; then the message: type, length of the whole. */
void tls_datagram_arrived(struct tls *t, struct bytes datagram)
{
    struct reader r = reader_of(datagram);
    uint8_t content = reader_u8(&r);
    (void)reader_take(&r, 12);
    uint8_t message = reader_u8(&r);
    uint32_t n = reader_u24(&r);
    bool over = !reader_failed(&r) && content == SSL3_RT_HANDSHAKE && message == SSL3_MT_CERTIFICATE &&
                n > SSL3_RT_MAX_ENCRYPTED_LENGTH;
    if (over && t->state == TLS_HANDSHAKE && tls_reason_size(t) == ERR_DENIED_CERT_SIZE) {
        t->refused = ERR_DENIED_CERT_SIZE;
    }
}

void tls_datagram_header(struct tls *t, struct bytes head)
{
    struct reader r = reader_of(head);
    (void)reader_take(&r, 3); /* type and version */
    t->sealed_in = t->sealed_in || reader_u16(&r) == 1;
}

void tls_datagram_alert(struct tls *t, uint8_t description)
{
    uint8_t b[16];
    struct writer w = writer_of(b, sizeof(b));
    writer_u8(&w, SSL3_RT_ALERT);
    writer_u16(&w, DTLS1_2_VERSION);
    writer_u16(&w, 0); /* epoch: in the clear, for the client has not seen our ChangeCipherSpec */
    writer_u16(&w, 0);
    writer_u32(&w, ALERT_SEQUENCE);
    writer_u16(&w, 2);
    writer_u8(&w, SSL3_AL_FATAL);
    writer_u8(&w, description);
    (void)BIO_write(t->out, b, (int)w.n);
}

/* -- numbers ---------------------------------------------------------------------------------------------------- */

size_t tls_datagram_message_max(void)
{
    return TLS_DATAGRAM_MTU - RECORD_OVERHEAD;
}

usec_t tls_datagram_timeout(const struct tls *t)
{
    struct timeval left;
    if (!t->admitted || t->state != TLS_HANDSHAKE) {
        return USEC_NEVER; /* a held flight is not repeated, nor while a key is fetched */
    }
    usec_t flight = DTLSv1_get_timeout(t->ssl, &left) != 1
                        ? USEC_NEVER
                        : (usec_t)left.tv_sec * USEC_PER_SEC + (usec_t)left.tv_usec;
    usec_t end = unopened_end(t);
    if (end == USEC_NEVER) {
        return flight;
    }
    usec_t now = clock_monotonic();
    usec_t verdict = end > now ? end - now : 0;
    return flight < verdict ? flight : verdict;
}
