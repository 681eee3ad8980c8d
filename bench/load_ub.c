#include "load_ub.h"

#include "keys/keys_gba.h"
#include "load_plain.h"
#include "wire/aka_nonce.h"
#include "wire/digest.h"

#include <stdio.h>
#include <string.h>

enum { CHALLENGED = 401, DONE = 200 };

struct slot {
    struct load_plain way;
    char impi[IMPI_MAX];
    bool answering; /* the second exchange */
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

static void ask(struct load *l, struct slot *s, struct text authorization)
{
    const struct load_ub *u = l->plan;
    int n = snprintf(s->way.out, sizeof(s->way.out), "GET / HTTP/1.1\r\nHost: %s\r\nUser-Agent: made-up 3gpp-gba\r\nAuthorization: %.*s\r\n\r\n",
                     u->bsf, (int)authorization.n, authorization.p);
    load_plain_send(l, &s->way, n > 0 && (size_t)n < sizeof(s->way.out) ? (size_t)n : 0);
}

static void start(struct load *l, struct load_slot *base)
{
    struct slot *s = (struct slot *)base;
    const struct load_ub *u = l->plan;
    char open[1024];
    if (!load_plain_open(l, &s->way)) {
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

static bool take(struct load *l, struct load_plain *way)
{
    struct slot *s = (struct slot *)way;
    struct text location = text_empty();
    char head[LOAD_PLAIN_IN_MAX];
    size_t n = load_plain_answer(l, way, s->answering ? DONE : CHALLENGED, &location);
    if (n == 0) {
        return false;
    }
    memcpy(head, way->in, n);
    load_plain_taken(way, n);
    if (s->answering && ((struct load_ub *)l->plan)->b_tids != NULL) {
        struct text after = header(text_span(head, n), "<btid>");
        (void)fprintf(((struct load_ub *)l->plan)->b_tids, "%.*s\n", (int)text_find(after, '<'), after.p);
    }
    if (s->answering) {
        load_done(l, &way->base);
        return true;
    }
    if (answer(l, s, text_span(head, n)) != ERR_OK) {
        load_plain_fail(l, way, "the challenge is none");
    }
    return false;
}

static void ready(struct load *l, struct load_slot *base)
{
    load_plain_ready(l, base, take);
}

const struct load_ops load_ub_ops = {sizeof(struct slot), start, ready, load_plain_stop};
