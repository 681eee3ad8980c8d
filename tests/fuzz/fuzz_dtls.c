/*
 * A DTLS listener's door and a fresh session behind it, fed with datagrams: two octets of length each, then the octets.
 * The first octet says what is answered when a key is asked for. The door must never admit what it gave no cookie
 * for; whatever comes is offered to a session all the same, as from somebody who has got one.
 */
#include "shell/cookie.h"
#include "shell/crypto_openssl.h"
#include "shell/tls.h"

#include "base/reader.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum reply { REPLY_KEY, REPLY_REFUSE, REPLY_NONE };

static struct tls_ctx *ctx_make(void)
{
    static const char *const names[] = {"mef.keystead.test", NULL};
    const struct tls_ctx_config cfg = {.names = names, .psk = true, .require_ems = true, .datagram = true};
    struct tls_ctx *ctx = NULL;
    char detail[ROLE_DETAIL_MAX];
    if (tls_ctx_new(&cfg, &ctx, detail) != ERR_OK) {
        abort();
    }
    return ctx;
}

static void knock(const struct cookie_door *door, struct bytes d)
{
    uint8_t answer[COOKIE_ANSWER_MAX];
    struct writer w = writer_of(answer, sizeof(answer));
    struct cookie_hello hello;
    enum cookie_verdict v = cookie_judge(door, text_bytes(text_of("peer")), d, USEC_PER_SEC, &hello, &w);
    if (v == COOKIE_ADMIT || (v == COOKIE_VERIFY && (w.overflow || w.n > d.n))) {
        abort();
    }
}

static enum tls_state turn(struct tls *t, enum reply reply)
{
    uint8_t buf[2048];
    size_t n = 0;
    enum tls_state s = tls_step(t);
    if (s == TLS_WANT_KEY && reply != REPLY_NONE) {
        struct secret key = {.n = 16};
        if (reply == REPLY_REFUSE) {
            tls_refuse(t, ERR_DENIED_PSK_UNKNOWN);
        } else {
            tls_answer(t, &key);
        }
        s = tls_step(t);
    }
    if (s == TLS_ESTABLISHED) {
        tls_release(t);
    } else if (s == TLS_OPEN && tls_read(t, buf, sizeof(buf), &n) == ERR_OK && tls_write(t, bytes_of(buf, n)) == ERR_OK) {
        s = tls_step(t);
    }
    while ((n = tls_drain(t, buf, sizeof(buf))) > 0) {
        if (n > TLS_DATAGRAM_MTU) {
            abort();
        }
    }
    return s;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct tls_ctx *ctx;
    static struct cookie_door door;
    if (ctx == NULL) {
        ctx = ctx_make();
        if (tls_thread_init(0) != ERR_OK || cookie_init(&door, crypto_openssl()) != ERR_OK) {
            abort();
        }
    }
    struct reader r = reader_of(bytes_of(data, size));
    enum reply reply = (enum reply)(reader_u8(&r) % 3);
    struct tls *t = NULL;
    if (tls_new(ctx, &t) != ERR_OK) {
        abort();
    }
    enum tls_state s = TLS_HANDSHAKE;
    while (reader_left(&r) > 2 && s != TLS_FAILED) {
        struct bytes d = reader_block16(&r);
        if (reader_failed(&r)) {
            break;
        }
        knock(&door, d);
        if (tls_feed(t, d) != ERR_OK) {
            abort(); /* what is too much is dropped */
        }
        s = turn(t, reply);
    }
    if (s == TLS_FAILED && tls_error(t) == ERR_OK) {
        abort(); /* every failure has a reason */
    }
    tls_free(t);
    return 0;
}
