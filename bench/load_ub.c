#include "load_ub.h"

#include "keys/keys_gba.h"
#include "wire/aka_nonce.h"
#include "wire/digest.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define IN_MAX 8192
enum { CHALLENGED = 401, DONE = 200 };

struct slot {
    struct load_slot base;
    char impi[IMPI_MAX];
    bool answering; /* the second exchange */
    char out[REQUEST_MAX];
    size_t out_n, out_at;
    char in[IN_MAX];
    size_t in_n;
};

err_t load_ub_keys(struct load_ub *u)
{
    uint8_t b[32];
    for (size_t i = 0; i < sizeof(b); i++) {
        b[i] = (uint8_t)i;
    }
    u->keys = aka_keys_milenage();
    TRY(secret_set(&u->keys.k.s, bytes_of(b, 16)));
    return secret_set(&u->keys.opc.s, bytes_of(b + 16, 16));
}

static void drop(struct slot *s)
{
    if (s->base.fd >= 0) {
        (void)close(s->base.fd);
        s->base.fd = -1;
    }
    s->in_n = s->out_n = s->out_at = 0;
}

static void fail(struct load *l, struct slot *s, const char *why)
{
    drop(s);
    load_fail(l, &s->base, why);
}

static void flush(struct load *l, struct slot *s)
{
    while (s->out_at < s->out_n) {
        ssize_t n = send(s->base.fd, s->out + s->out_at, s->out_n - s->out_at, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0) {
            if (errno != EAGAIN) {
                fail(l, s, strerror(errno));
            }
            return;
        }
        s->out_at += (size_t)n;
    }
}

static void ask(struct load *l, struct slot *s, struct text authorization)
{
    const struct load_ub *u = l->plan;
    int n = snprintf(s->out, sizeof(s->out), "GET / HTTP/1.1\r\nHost: %s\r\nUser-Agent: made-up 3gpp-gba\r\nAuthorization: %.*s\r\n\r\n", u->bsf,
                     (int)authorization.n, authorization.p);
    s->out_at = 0;
    s->out_n = n > 0 && (size_t)n < sizeof(s->out) ? (size_t)n : 0;
    flush(l, s);
}

static void start(struct load *l, struct load_slot *base)
{
    struct slot *s = (struct slot *)base;
    const struct load_ub *u = l->plan;
    char open[1024];
    if (base->fd < 0 && load_connect(l, base, true) < 0) {
        load_fail(l, base, strerror(errno));
        return;
    }
    (void)snprintf(s->impi, sizeof(s->impi), "%s", u->impis.at[base->n % u->impis.n]);
    (void)snprintf(open, sizeof(open), "Digest username=\"%s\", realm=\"%s\", nonce=\"\", uri=\"/\", response=\"\"", s->impi, u->bsf);
    s->answering = false;
    ask(l, s, text_of(open));
}

static struct text header(struct text head, const char *name)
{
    const char *at = memmem(head.p, head.n, name, strlen(name));
    struct text rest = at == NULL ? text_empty() : text_skip(head, (size_t)(at - head.p) + strlen(name));
    return text_take(rest, text_find(rest, '\r'));
}

/* RES of the challenge, as the card of this SIM has it, in a Digest. */
static err_t answer(struct load *l, struct slot *s, struct text head)
{
    const struct load_ub *u = l->plan;
    char scratch[DIGEST_TEXT_MAX], text[DIGEST_TEXT_MAX], response[KEYS_DIGEST_CAP];
    struct writer w = WRITER_ARRAY(scratch), out = WRITER_ARRAY(text);
    struct digest d;
    struct aka_nonce nonce;
    struct aka_rand rand;
    struct aka_output o = {0};
    struct key_password password = {0};
    struct key_ha1 h_a1 = {0};
    TRY(digest_parse(DIGEST_CHALLENGE, header(head, "WWW-Authenticate: "), &w, &d));
    TRY(aka_nonce_parse(d.v[DIGEST_NONCE], &nonce));
    memcpy(rand.b, nonce.rand, sizeof(rand.b));
    TRY(aka_f2345(u->crypto, &u->keys, &rand, &o));
    TRY(keys_password_akav1(&o.res, &password));
    TRY(keys_digest_ha1(u->crypto, CRYPTO_MD5, text_of(s->impi), text_of(u->bsf), &password, &h_a1));
    digest_set(&d, DIGEST_USERNAME, text_of(s->impi));
    digest_set(&d, DIGEST_URI, text_of("/"));
    digest_set(&d, DIGEST_NC, text_of("00000001"));
    digest_set(&d, DIGEST_CNONCE, text_of("0a4f113b"));
    digest_set(&d, DIGEST_QOP, text_of("auth-int"));
    const struct keys_digest of = {.hash = CRYPTO_MD5, .integrity = true, .nonce = d.v[DIGEST_NONCE], .nc = d.v[DIGEST_NC],
                                   .cnonce = d.v[DIGEST_CNONCE], .uri = d.v[DIGEST_URI], .method = text_of("GET"), .body = bytes_empty()};
    TRY(keys_digest_response(u->crypto, &of, &h_a1, response));
    digest_set(&d, DIGEST_RESPONSE, text_of(response));
    TRY(digest_write(DIGEST_AUTHORIZATION, &d, &out));
    TRY(writer_finish(&out));
    s->answering = true;
    ask(l, s, writer_view_text(&out));
    return ERR_OK;
}

/* false: no whole answer yet, or the operation has failed; true: it is done. */
static bool take(struct load *l, struct slot *s)
{
    unsigned status = 0;
    struct text location = text_empty();
    size_t n = request_answer(text_span(s->in, s->in_n), &status, &location);
    char head[IN_MAX];
    if (n == 0) {
        return false;
    }
    if (status != (s->answering ? DONE : CHALLENGED)) {
        s->in[s->in_n < IN_MAX ? s->in_n : IN_MAX - 1] = '\0';
        fail(l, s, s->in);
        return false;
    }
    memcpy(head, s->in, n);
    memmove(s->in, s->in + n, s->in_n - n);
    s->in_n -= n;
    if (s->answering && ((struct load_ub *)l->plan)->b_tids != NULL) {
        struct text after = header(text_span(head, n), "<btid>");
        (void)fprintf(((struct load_ub *)l->plan)->b_tids, "%.*s\n", (int)text_find(after, '<'), after.p);
    }
    if (s->answering) {
        load_done(l, &s->base);
        return true;
    }
    if (answer(l, s, text_span(head, n)) != ERR_OK) {
        fail(l, s, "the challenge is none");
    }
    return false;
}

static void ready(struct load *l, struct load_slot *base)
{
    struct slot *s = (struct slot *)base;
    if (base->busy) {
        flush(l, s);
    }
    while (base->fd >= 0) {
        ssize_t n = recv(base->fd, s->in + s->in_n, IN_MAX - s->in_n, MSG_DONTWAIT);
        if (n < 0 && errno == EAGAIN) {
            return;
        }
        if (n <= 0) {
            if (base->busy) {
                fail(l, s, n == 0 ? "the server closed" : strerror(errno));
            }
            drop(s);
            break;
        }
        s->in_n += (size_t)n;
        if (base->busy && take(l, s)) {
            load_next(l, base);
        }
    }
    if (!base->busy) { /* failed: once more, on a new connection */
        load_next(l, base);
    }
}

static void stop(struct load *l, struct load_slot *base)
{
    (void)l;
    drop((struct slot *)base);
}

const struct load_ops load_ub_ops = {sizeof(struct slot), start, ready, stop};
