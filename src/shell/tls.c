#include "shell/tls_impl.h"

#include "shell/x509.h"

#include <openssl/async.h>
#include <stdlib.h>
#include <string.h>

#define BUFFER_KEEP 4096 /* an empty buffer that grew beyond this is given back */

/* -- threads -------------------------------------------------------------------------------------------- */

err_t tls_thread_init(size_t suspended_max)
{
    ASYNC_cleanup_thread();
    return ASYNC_is_capable() == 1 && ASYNC_init_thread(suspended_max, 0) == 1 ? ERR_OK : ERR_CRYPTO;
}

void tls_thread_cleanup(void)
{
    ASYNC_cleanup_thread();
}

/* -- life ----------------------------------------------------------------------------------------------- */

static err_t bios_new(struct tls *t)
{
    const BIO_METHOD *method = t->ctx->datagram != NULL ? t->ctx->datagram : BIO_s_mem();
    t->in = BIO_new(method);
    t->out = BIO_new(method);
    if (t->in == NULL || t->out == NULL) {
        BIO_free(t->in);
        BIO_free(t->out);
        return ERR_LIMIT_CAPACITY;
    }
    (void)BIO_set_mem_eof_return(t->in, -1); /* empty is "not yet", never the end */
    (void)BIO_set_mem_eof_return(t->out, -1);
    SSL_set_bio(t->ssl, t->in, t->out);
    return ERR_OK;
}

static err_t tls_fill(struct tls *t, struct tls_ctx *ctx)
{
    t->ctx = ctx;
    t->state = TLS_HANDSHAKE;
    t->identity = text_empty();
    t->ssl = SSL_new(ctx->ssl);
    if (t->ssl == NULL) {
        return ERR_LIMIT_CAPACITY;
    }
    TRY(bios_new(t));
    SSL_set_app_data(t->ssl, t);
    SSL_set_accept_state(t->ssl);
    if (ctx->datagram != NULL) {
        tls_datagram_begin(t);
    }
    if (ctx->psk) {
        (void)SSL_set_mode(t->ssl, SSL_MODE_ASYNC); /* the psk callback can pause; cleared when the handshake is done */
    }
    return ERR_OK;
}

err_t tls_new(struct tls_ctx *ctx, struct tls **out)
{
    *out = NULL;
    struct tls *t = calloc(1, sizeof(*t));
    if (t == NULL) {
        return ERR_LIMIT_CAPACITY;
    }
    err_t e = tls_fill(t, ctx);
    if (e != ERR_OK) {
        ERR_clear_error();
        SSL_free(t->ssl);
        free(t);
        return e;
    }
    *out = t;
    return ERR_OK;
}

void tls_free(struct tls *t)
{
    if (t == NULL) {
        return;
    }
    if (t->state == TLS_WANT_KEY) {
        /* A paused SSL must not be freed: its stack would leak. The callback runs to its end first. */
        tls_refuse(t, ERR_STATE);
        ERR_clear_error();
        (void)SSL_do_handshake(t->ssl);
        ERR_clear_error();
    }
    SSL_free(t->ssl);
    x509_names_free(t->names);
    secret_wipe(&t->key);
    free(t->shown);
    free(t);
}

/* -- failing -------------------------------------------------------------------------------------------- */

/* OpenSSL's alert says more than our row does where the row is a whole class (version 70, unexpected message 10 ...).
 */
static bool alert_of_openssl_stays(const struct tls *t)
{
    return t->alert_out && (t->err == ERR_MALFORMED || (t->err == ERR_DENIED_TLS && t->refused == ERR_OK));
}

/* The alert of the error's row. Until our ChangeCipherSpec leaves, alerts are plaintext: the one that OpenSSL has
 * just queued is the last record, and its last octet is the description. */
static void alert_queue(struct tls *t)
{
    uint8_t description = err_info(t->err)->alert;
    if (t->alert_out) {
        char *p = NULL;
        long n = BIO_get_mem_data(t->out, &p);
        if (n > 0) {
            p[n - 1] = (char)description;
        }
        return;
    }
    if (t->ctx->datagram != NULL) {
        tls_datagram_alert(t, description);
        return;
    }
    const uint8_t record[] = {SSL3_RT_ALERT, 3, 3, 0, 2, SSL3_AL_FATAL, description};
    (void)BIO_write(t->out, record, sizeof(record));
}

static void handshake_fail(struct tls *t, err_t e)
{
    t->state = TLS_FAILED;
    t->err = e;
    t->held = false;
    if (!t->alert_in && !alert_of_openssl_stays(t)) {
        alert_queue(t);
    }
}

void tls_abort(struct tls *t, err_t why)
{
    if (t->state != TLS_ESTABLISHED) {
        return;
    }
    (void)BIO_reset(t->out); /* ChangeCipherSpec and Finished never leave: nothing is acknowledged */
    t->alert_out = false;
    handshake_fail(t, why);
}

/* -- handshake ------------------------------------------------------------------------------------------ */

static void handshake_done(struct tls *t)
{
    (void)SSL_clear_mode(t->ssl, SSL_MODE_ASYNC);
    /* From here on octets are somebody's: OpenSSL wipes what it decrypted. In the handshake this would be a wipe of 17 KiB
     * for each flight. */
    (void)SSL_set_options(t->ssl, SSL_OP_CLEANSE_PLAINTEXT);
    t->state = TLS_ESTABLISHED;
    t->held = true;
    if (t->ctx->require_ems && SSL_get_extms_support(t->ssl) != 1) {
        tls_abort(t, ERR_DENIED_TLS); /* refused at ClientHello already; kept for the day that changes [CHOICE-09] */
    }
}

static void handshake_incomplete(struct tls *t)
{
    t->state = TLS_HANDSHAKE;
    if (t->ctx->datagram != NULL && tls_datagram_key_differs(t)) {
        handshake_fail(t, ERR_DENIED_PSK_WRONG);
    }
}

static void handshake_step(struct tls *t)
{
    ERR_clear_error();
    int rc = SSL_do_handshake(t->ssl);
    if (rc == 1) {
        handshake_done(t);
        return;
    }
    switch (SSL_get_error(t->ssl, rc)) {
    case SSL_ERROR_WANT_READ:
        handshake_incomplete(t);
        return;
    case SSL_ERROR_WANT_ASYNC:
        t->state = TLS_WANT_KEY;
        return;
    case SSL_ERROR_WANT_ASYNC_JOB:
        handshake_fail(t, ERR_LIMIT_BUSY);
        return;
    case SSL_ERROR_ZERO_RETURN:
        handshake_fail(t, ERR_PEER_REFUSED);
        return;
    default:
        handshake_fail(t, tls_reason_take(t));
        return;
    }
}

enum tls_state tls_step(struct tls *t)
{
    if (t->state != TLS_HANDSHAKE && !(t->state == TLS_WANT_KEY && t->answered)) {
        return t->state;
    }
    err_t e = t->ctx->datagram == NULL ? ERR_OK : tls_datagram_ready(t);
    if (e != ERR_OK) {
        handshake_fail(t, e);
    } else if (t->ctx->datagram == NULL || t->admitted) {
        handshake_step(t);
    }
    return t->state;
}

void tls_answer(struct tls *t, const struct secret *key)
{
    if (t->state == TLS_WANT_KEY && !t->answered) {
        t->key = *key;
        t->answered = true;
    }
}

void tls_refuse(struct tls *t, err_t why)
{
    if (t->state == TLS_WANT_KEY) {
        secret_wipe(&t->key);
        t->refused = why == ERR_OK ? ERR_BUG : why;
        t->answered = true;
    }
}

void tls_release(struct tls *t)
{
    if (t->state == TLS_ESTABLISHED) {
        t->held = false;
        t->state = TLS_OPEN;
    }
}

usec_t tls_timeout(const struct tls *t)
{
    return t->ctx->datagram == NULL ? USEC_NEVER : tls_datagram_timeout(t);
}

size_t tls_message_max(const struct tls *t)
{
    return t->ctx->datagram == NULL ? SIZE_MAX : tls_datagram_message_max();
}

/* -- octets --------------------------------------------------------------------------------------------- */

/* A kept connection that once carried a large message does not keep its memory. The old buffer is wiped. */
static void buffer_shrink(BIO *bio)
{
    BUF_MEM *mem = NULL;
    if (BIO_pending(bio) > 0 || BIO_get_mem_ptr(bio, &mem) != 1 || mem->max <= BUFFER_KEEP) {
        return;
    }
    BUF_MEM *fresh = BUF_MEM_new();
    if (fresh != NULL) {
        (void)BIO_set_mem_buf(bio, fresh, BIO_CLOSE); /* frees the old one */
    }
}

err_t tls_feed(struct tls *t, struct bytes in)
{
    if (t->state == TLS_FAILED || t->state == TLS_CLOSED || in.n == 0) {
        return ERR_OK; /* nobody reads it any more */
    }
    if (t->ctx->datagram != NULL) {
        tls_datagram_arrived(t, in);
        (void)BIO_write(t->in, in.p, (int)(in.n < TLS_FEED_MAX ? in.n : TLS_FEED_MAX));
        return ERR_OK;
    }
    bool shaking = t->state == TLS_HANDSHAKE || t->state == TLS_WANT_KEY;
    t->fed += shaking ? in.n : 0;
    if (t->state == TLS_HANDSHAKE && t->fed > TLS_HANDSHAKE_MAX) {
        handshake_fail(t, tls_reason_size(t));
        return ERR_OK; /* tls_step tells */
    }
    size_t waiting = BIO_pending(t->in) > 0 ? (size_t)BIO_pending(t->in) : 0;
    if (in.n > TLS_FEED_MAX || waiting > TLS_FEED_MAX - in.n) {
        return ERR_LIMIT_SIZE;
    }
    return BIO_write(t->in, in.p, (int)in.n) == (int)in.n ? ERR_OK : ERR_LIMIT_CAPACITY;
}

bool tls_has_output(struct tls *t)
{
    return !t->held && BIO_pending(t->out) > 0;
}

size_t tls_drain(struct tls *t, uint8_t *out, size_t cap)
{
    if (!tls_has_output(t) || cap == 0) {
        return 0;
    }
    size_t n = 0;
    if (BIO_read_ex(t->out, out, cap, &n) != 1) {
        return 0;
    }
    buffer_shrink(t->out);
    return n;
}

/* -- what came of it ------------------------------------------------------------------------------------ */

static bool is_complete(const struct tls *t)
{
    return t->state == TLS_ESTABLISHED || t->state == TLS_OPEN;
}

struct text tls_identity(const struct tls *t)
{
    return t->identity;
}

err_t tls_error(const struct tls *t)
{
    return t->err;
}

bool tls_is_psk(const struct tls *t)
{
    return t->keyed;
}

bool tls_is_anonymous(const struct tls *t)
{
    return t->ctx->anonymous;
}

size_t tls_tag(const struct tls *t)
{
    return t->ctx->tag;
}

uint16_t tls_version(const struct tls *t)
{
    return (uint16_t)SSL_version(t->ssl);
}

uint16_t tls_suite(const struct tls *t)
{
    const SSL_CIPHER *c = is_complete(t) ? SSL_get_current_cipher(t->ssl) : SSL_get_pending_cipher(t->ssl);
    return c == NULL ? 0 : SSL_CIPHER_get_protocol_id(c);
}

/* R001-85, R001-86; without context [CHOICE-08]. */
err_t tls_export(struct tls *t, const char *label, struct keys_export *out)
{
    keys_export_wipe(out);
    if (!is_complete(t)) {
        return ERR_STATE;
    }
    ERR_clear_error();
    if (SSL_export_keying_material(t->ssl, out->b, sizeof(out->b), label, strlen(label), NULL, 0, 0) != 1) {
        keys_export_wipe(out);
        return ERR_CRYPTO;
    }
    out->set = true;
    return ERR_OK;
}

err_t tls_peer(struct tls *t, struct role_cert *out)
{
    *out = (struct role_cert){0};
    X509 *cert = is_complete(t) ? SSL_get0_peer_certificate(t->ssl) : NULL;
    long verdict = SSL_get_verify_result(t->ssl);
    if (cert == NULL || (verdict != X509_V_OK && !x509_trust_is_raw(verdict))) {
        return ERR_DENIED_CERT_MISSING;
    }
    x509_names_free(t->names);
    t->names = NULL;
    TRY(x509_names(cert, out, &t->names));
    if (x509_trust_is_raw(verdict)) {
        x509_names_raw(out);
    }
    return ERR_OK;
}

/* -- application data ----------------------------------------------------------------------------------- */

static err_t open_fail(struct tls *t, int rc)
{
    switch (SSL_get_error(t->ssl, rc)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
        buffer_shrink(t->in);
        return ERR_OK;
    case SSL_ERROR_ZERO_RETURN:
        t->state = TLS_CLOSED;
        return ERR_OK;
    default:
        t->err = tls_reason_take(t); /* OpenSSL has queued its alert, encrypted */
        t->state = TLS_FAILED;
        return t->err;
    }
}

static err_t open_check(const struct tls *t)
{
    if (t->state == TLS_OPEN) {
        return ERR_OK;
    }
    return t->state == TLS_FAILED ? t->err : ERR_STATE;
}

err_t tls_read(struct tls *t, uint8_t *out, size_t cap, size_t *n)
{
    *n = 0;
    if (t->state == TLS_CLOSED || cap == 0) {
        return ERR_OK;
    }
    TRY(open_check(t));
    ERR_clear_error();
    int rc = SSL_read_ex(t->ssl, out, cap, n);
    if (rc == 1) {
        return ERR_OK;
    }
    *n = 0;
    return open_fail(t, rc);
}

err_t tls_write(struct tls *t, struct bytes in)
{
    TRY(open_check(t));
    if (in.n == 0) {
        return ERR_OK;
    }
    if (in.n > tls_message_max(t)) {
        return ERR_LIMIT_SIZE;
    }
    ERR_clear_error();
    size_t n = 0;
    int rc = SSL_write_ex(t->ssl, in.p, in.n, &n);
    if (rc == 1 && n == in.n) {
        return ERR_OK;
    }
    TRY(open_fail(t, rc));
    return ERR_BUG; /* memory takes everything at once */
}

/* Between two records, with nothing of the last one unread; OpenSSL before 3.0.14 does not look (CVE-2024-4741). */
static bool is_at_rest(const struct tls *t)
{
    return t->state == TLS_OPEN && SSL_has_pending(t->ssl) == 0 && strcmp(SSL_rstate_string(t->ssl), "RH") == 0;
}

/* SSL_MODE_RELEASE_BUFFERS would wipe and free 17 KiB after each record, and after each look for one. */
void tls_rest(struct tls *t)
{
    if (t->ctx->datagram == NULL && is_at_rest(t)) { /* DTLS makes its buffers once and writes to them unasked */
        (void)SSL_free_buffers(t->ssl);
    }
}

void tls_close(struct tls *t)
{
    if (t->state == TLS_OPEN || t->state == TLS_CLOSED) {
        ERR_clear_error();
        (void)SSL_shutdown(t->ssl);
        ERR_clear_error();
        t->state = TLS_CLOSED;
    }
}
