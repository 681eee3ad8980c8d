#include "shell/cookie.h"

#include "base/ct.h"
#include "base/reader.h"

#include <string.h>

#define RECORD_HANDSHAKE 22
#define CLIENT_HELLO 1
#define HELLO_VERIFY_REQUEST 3
#define DTLS_MAJOR 0xfe
#define DTLS_1_0 0xfeff /* what a HelloVerifyRequest says, whatever is negotiated later (RFC 6347 4.2.1) */
#define PERIOD (60 * USEC_PER_SEC)
#define COOKIE_OCTETS 32 /* the most that older clients take: the period, and 31 octets of the MAC */

struct hello {
    struct bytes sequence, random, session, cookie, rest;
};

err_t cookie_init(struct cookie_door *d, const struct crypto *crypto)
{
    d->crypto = crypto;
    return crypto->random(d->secret, sizeof(d->secret));
}

void cookie_wipe(struct cookie_door *d)
{
    ct_wipe(d->secret, sizeof(d->secret));
}

/* -- the ClientHello, as far as the door looks ------------------------------------------------------------------ */

/* A fragmented one is nobody's: it would have to be kept. */
static bool message_parse(struct bytes record, struct bytes *body)
{
    struct reader r = reader_of(record);
    if (reader_u8(&r) != CLIENT_HELLO) {
        return false;
    }
    uint32_t length = reader_u24(&r);
    (void)reader_u16(&r); /* message_seq: 0, 1 or a repetition */
    uint32_t offset = reader_u24(&r);
    uint32_t fragment = reader_u24(&r);
    *body = reader_take(&r, fragment);
    return reader_finish(&r) == ERR_OK && offset == 0 && fragment == length;
}

static bool hello_parse(struct bytes datagram, struct hello *h)
{
    struct reader r = reader_of(datagram);
    bool handshake = reader_u8(&r) == RECORD_HANDSHAKE && reader_u8(&r) == DTLS_MAJOR;
    (void)reader_u8(&r);
    bool clear = reader_u16(&r) == 0; /* epoch */
    h->sequence = reader_take(&r, 6);
    struct bytes body;
    if (!handshake || !clear || !message_parse(reader_block16(&r), &body) || reader_failed(&r)) {
        return false;
    }
    r = reader_of(body);
    (void)reader_u16(&r);
    h->random = reader_take(&r, COOKIE_RANDOM);
    h->session = reader_block8(&r);
    h->cookie = reader_block8(&r);
    h->rest = reader_take(&r, reader_left(&r));
    return !reader_failed(&r) && h->session.n <= 32 && h->rest.n > 0;
}

/* -- the cookie --------------------------------------------------------------------------------------------------- */

/* Bound to the address and to what the client offers: a cookie of one hello is none of another. */
static err_t cookie_make(const struct cookie_door *d, uint64_t period, struct bytes peer, const struct hello *h,
                         uint8_t out[static COOKIE_OCTETS])
{
    uint8_t head[8];
    uint8_t mac[CRYPTO_HASH_LEN];
    struct writer w = writer_of(head, sizeof(head));
    writer_u64(&w, period);
    const struct bytes parts[] = {writer_view(&w), peer, h->random, h->session, h->rest};
    TRY(d->crypto->hmac_sha256(BYTES_ARRAY(d->secret), parts, ARRAY_LEN(parts), mac));
    out[0] = (uint8_t)period;
    memcpy(out + 1, mac, COOKIE_OCTETS - 1);
    return ERR_OK;
}

static bool is_shown(const struct cookie_door *d, uint64_t period, struct bytes peer, const struct hello *h)
{
    uint8_t want[COOKIE_OCTETS];
    if (h->cookie.n != COOKIE_OCTETS) {
        return false;
    }
    uint64_t then = h->cookie.p[0] == (uint8_t)period ? period : period - 1; /* one period old is still good */
    return h->cookie.p[0] == (uint8_t)then && cookie_make(d, then, peer, h, want) == ERR_OK &&
           ct_eq(BYTES_ARRAY(want), h->cookie);
}

static void write_u24(struct writer *w, uint32_t v)
{
    writer_u8(w, (uint8_t)(v >> 16));
    writer_u16(w, (uint16_t)v);
}

static bool answer_write(struct bytes sequence, const uint8_t cookie[static COOKIE_OCTETS], struct writer *w)
{
    const uint32_t body = 3 + COOKIE_OCTETS;
    writer_u8(w, RECORD_HANDSHAKE);
    writer_u16(w, DTLS_1_0);
    writer_u16(w, 0);
    writer_bytes(w, sequence); /* the client's own: the server keeps no count (RFC 6347 4.2.1) */
    writer_u16(w, (uint16_t)(12 + body));
    writer_u8(w, HELLO_VERIFY_REQUEST);
    write_u24(w, body);
    writer_u16(w, 0);
    write_u24(w, 0);
    write_u24(w, body);
    writer_u16(w, DTLS_1_0);
    writer_u8(w, COOKIE_OCTETS);
    writer_bytes(w, bytes_of(cookie, COOKIE_OCTETS));
    return !w->overflow;
}

enum cookie_verdict cookie_judge(const struct cookie_door *d, struct bytes peer, struct bytes datagram, usec_t now,
                                 struct cookie_hello *hello, struct writer *answer)
{
    struct hello h;
    uint8_t cookie[COOKIE_OCTETS];
    uint64_t period = (uint64_t)(now / PERIOD);
    if (!hello_parse(datagram, &h)) {
        return COOKIE_OTHER;
    }
    if (is_shown(d, period, peer, &h)) {
        hello->random = h.random;
        return COOKIE_ADMIT;
    }
    if (cookie_make(d, period, peer, &h, cookie) != ERR_OK || !answer_write(h.sequence, cookie, answer)) {
        return COOKIE_OTHER;
    }
    return COOKIE_VERIFY;
}
