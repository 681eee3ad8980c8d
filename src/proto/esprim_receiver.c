#include "base/ct.h"
#include "proto/esprim.h"

#include <string.h>

void esprim_receiver_init(struct esprim_receiver *r, const struct crypto *c, const struct esprim_policy *policy,
                          struct esprim_session *sessions, size_t sessions_n)
{
    *r = (struct esprim_receiver){.c = c, .policy = *policy, .sessions = sessions, .sessions_n = sessions_n};
    memset(sessions, 0, sessions_n * sizeof(*sessions));
}

void esprim_receiver_exchange_wipe(struct esprim_exchange *x)
{
    ct_wipe(x, sizeof(*x));
}

/* -- random objects of this end ------------------------------------------------------------------------------ */

static err_t offer_shared(struct esprim_receiver *r, usec_t now, struct esprim_rand *out)
{
    struct esprim_offer *current = &r->offers[0];
    if (current->r.expiry - r->policy.lifetime / 2 <= now) { /* renewed at half its life; the old one stays valid */
        struct esprim_offer fresh = {.shared = true};
        TRY(esprim_box_rand(r->c, &r->policy, "s-", now + r->policy.lifetime, &fresh.r));
        r->offers[1] = *current;
        *current = fresh;
    }
    *out = current->r;
    return ERR_OK;
}

err_t esprim_receiver_offer(struct esprim_receiver *r, bool shared, usec_t now, struct esprim_rand *out)
{
    for (size_t i = 2; i < ESPRIM_OFFERS_MAX && !shared; i++) {
        if (r->offers[i].r.expiry <= now) {
            r->offers[i] = (struct esprim_offer){0};
            TRY(esprim_box_rand(r->c, &r->policy, "u-", now + r->policy.lifetime, &r->offers[i].r));
            *out = r->offers[i].r;
            return ERR_OK;
        }
    }
    return offer_shared(r, now, out); /* strangers may ask too: they push nobody's out */
}

static struct esprim_offer *offer_find(struct esprim_receiver *r, const char *id, const char *kid, usec_t now)
{
    for (size_t i = 0; i < ESPRIM_OFFERS_MAX; i++) {
        struct esprim_offer *o = &r->offers[i];
        bool mine = o->shared || o->kid[0] == '\0' || strcmp(o->kid, kid) == 0;
        if (strcmp(o->r.id, id) == 0 && o->r.expiry > now && mine) {
            return o;
        }
    }
    return NULL;
}

/* -- sessions ------------------------------------------------------------------------------------------------ */

static struct esprim_session *session_find(struct esprim_receiver *r, const char *kid, const char *ori, usec_t now)
{
    for (size_t i = 0; i < r->sessions_n; i++) {
        struct esprim_session *s = &r->sessions[i];
        if (s->forget_at > now && strcmp(s->kid, kid) == 0 && strcmp(s->originator.id, ori) == 0) {
            return s;
        }
    }
    return NULL;
}

/* Only an object whose tag was right comes here. Nothing live is pushed out: what it took could then be replayed. */
static err_t session_new(struct esprim_receiver *r, const char *kid, const struct esprim_rand *originator,
                         usec_t forget_at, usec_t now)
{
    struct esprim_session *room = NULL;
    size_t of_key = 0;
    for (size_t i = 0; i < r->sessions_n; i++) {
        struct esprim_session *s = &r->sessions[i];
        room = s->forget_at <= now ? s : room;
        of_key += s->forget_at > now && strcmp(s->kid, kid) == 0;
    }
    if (room == NULL || of_key >= ESPRIM_SESSIONS_PER_KEY) {
        return ERR_LIMIT_BUSY;
    }
    *room = (struct esprim_session){.originator = *originator, .forget_at = forget_at};
    return text_copy(text_of(kid), room->kid, sizeof(room->kid));
}

/* Each object once (R002-84). The tag is a function of key, IV and content: the same tag is the same object. */
static err_t session_take(struct esprim_session *s, struct text tag)
{
    uint64_t mark = 0;
    for (size_t i = 0; i < 11 && i < tag.n; i++) { /* 11 symbols are 66 bit */
        mark = mark * 131 + (uint8_t)tag.p[i];
    }
    for (size_t i = 0; i < s->seen_n; i++) {
        if (s->seen[i] == mark) {
            return ERR_ESPRIM_REPLAYED;
        }
    }
    if (s->seen_n == ESPRIM_SESSION_REQUESTS) {
        return ERR_ESPRIM_ORIGINATOR; /* spent */
    }
    s->seen[s->seen_n++] = mark;
    return ERR_OK;
}

/* -- the checks, in the order of TS-0004 table 7.6.2-1 --------------------------------------------------------- */

static err_t option_check(const struct esprim_receiver *r, const struct esprim_header *h)
{
    if (!esprim_box_has(r->policy.algs, r->policy.algs_n, h->alg)) {
        return ERR_ESPRIM_OPTION;
    }
    if (!h->has_oro) {
        return ERR_OK;
    }
    for (size_t i = 0; i < h->oro.algs_n; i++) {
        if (!esprim_box_has(r->policy.algs, r->policy.algs_n, h->oro.algs[i])) {
            return ERR_ESPRIM_OPTION; /* more than we offered */
        }
    }
    bool starts = strcmp(h->oro.id, h->ori) == 0;
    bool agreed = !starts || esprim_box_has(h->oro.algs, h->oro.algs_n, h->alg);
    return agreed && h->oro.keygen[0] == ESPRIM_HMAC_SHA256 ? ERR_OK : ERR_ESPRIM_OPTION;
}

err_t esprim_receiver_peek(const struct esprim_receiver *r, struct text jwe, usec_t now, struct esprim_object *out)
{
    TRY(esprim_object_parse(jwe, now, out));
    if (out->h.has_rro) {
        return ERR_OBJECT_MALFORMED; /* only a receiver sends one, in a response */
    }
    return option_check(r, &out->h);
}

/* The originator's random object: one we know, or the one that starts a session. */
static err_t originator_find(const struct esprim_header *h, const struct esprim_session *s, usec_t now,
                             struct esprim_rand *out)
{
    bool starts = h->has_oro && strcmp(h->oro.id, h->ori) == 0;
    if (s == NULL && !starts) {
        return ERR_ESPRIM_ORIGINATOR;
    }
    *out = s != NULL ? s->originator : h->oro;
    bool same = s == NULL || !starts || strcmp(s->originator.value, h->oro.value) == 0;
    return same && out->expiry > now ? ERR_OK : ERR_ESPRIM_ORIGINATOR;
}

static err_t inner_check(const struct esprim_key *k, struct bytes plain, struct esprim_inner *out)
{
    TRY(esprim_inner_parse(plain, out));
    if (out->is_response) {
        return ERR_ESPRIM_DECRYPT;
    }
    return text_eq(text_of(out->from), text_of(k->peer)) ? ERR_OK : ERR_ESPRIM_FROM;
}

/* An authentic object: it is remembered before its content counts. */
static err_t remember(struct esprim_receiver *r, const struct esprim_object *o, const struct esprim_rand *originator,
                      const struct esprim_offer *offer, usec_t now)
{
    const char *kid = o->h.kid;
    if (session_find(r, kid, originator->id, now) == NULL) {
        TRY(session_new(r, kid, originator, offer->r.expiry, now));
    }
    struct esprim_session *s = session_find(r, kid, originator->id, now);
    if (s == NULL) {
        return ERR_BUG;
    }
    s->forget_at = s->forget_at > offer->r.expiry ? s->forget_at : offer->r.expiry;
    TRY(session_take(s, o->tag));
    bool refreshes = o->h.has_oro && strcmp(o->h.oro.id, o->h.ori) != 0 && o->h.oro.expiry <= offer->r.expiry;
    if (refreshes && session_find(r, kid, o->h.oro.id, now) == NULL) {
        return session_new(r, kid, &o->h.oro, offer->r.expiry, now);
    }
    return ERR_OK;
}

static err_t open_checked(struct esprim_receiver *r, const struct esprim_object *o, const struct esprim_key *k,
                          usec_t now, struct esprim_exchange *x, struct writer *plain)
{
    struct esprim_rand originator;
    const size_t before = plain->n;
    TRY(option_check(r, &o->h));
    if (k == NULL || strcmp(k->id, o->h.kid) != 0) {
        return ERR_ESPRIM_KEY;
    }
    TRY(esprim_box_key_check(k, now));
    const struct esprim_session *s = session_find(r, o->h.kid, o->h.ori, now);
    TRY(originator_find(&o->h, s, now, &originator));
    struct esprim_offer *offer = offer_find(r, o->h.rri, o->h.kid, now);
    if (offer == NULL) {
        return ERR_ESPRIM_RECEIVER;
    }
    if (originator.expiry > offer->r.expiry) {
        return ERR_ESPRIM_ORIGINATOR; /* must not outlive the receiver's [TS-0003 8.4] */
    }
    if (!esprim_box_has(originator.algs, originator.algs_n, o->h.alg)) {
        return ERR_ESPRIM_OPTION;
    }
    const struct esprim_pair pair = {&offer->r, &originator};
    TRY(esprim_box_derive(r->c, k, &pair, &x->key));
    TRY(esprim_box_open(r->c, &x->key, o, plain));
    TRY(remember(r, o, &originator, offer, now));
    if (!offer->shared) {
        TRY(text_copy(text_of(k->id), offer->kid, sizeof(offer->kid)));
    }
    x->offer = (size_t)(offer - r->offers);
    return inner_check(k, bytes_of(plain->buf + before, plain->n - before), &x->inner);
}

err_t esprim_receiver_open(struct esprim_receiver *r, const struct esprim_object *o, const struct esprim_key *k,
                           usec_t now, struct esprim_exchange *x, struct writer *plain)
{
    const size_t before = plain->n;
    *x = (struct esprim_exchange){.h = o->h};
    err_t e = open_checked(r, o, k, now, x, plain);
    if (e != ERR_OK) {
        ct_wipe(plain->buf + before, plain->n - before);
        plain->n = before;
        esprim_receiver_exchange_wipe(x);
    }
    return e;
}

err_t esprim_receiver_resume(const struct esprim_receiver *r, const struct esprim_key *k, struct esprim_exchange *x)
{
    if (x->h.kid[0] == '\0') {
        return ERR_STATE;
    }
    if (strcmp(k->id, x->h.kid) != 0) {
        return ERR_ESPRIM_KEY;
    }
    for (size_t o = 0; o < ESPRIM_OFFERS_MAX; o++) {
        for (size_t i = 0; i < r->sessions_n && strcmp(r->offers[o].r.id, x->h.rri) == 0; i++) {
            const struct esprim_session *s = &r->sessions[i];
            if (strcmp(s->kid, x->h.kid) == 0 && strcmp(s->originator.id, x->h.ori) == 0) {
                return esprim_box_derive(r->c, k, &(struct esprim_pair){&r->offers[o].r, &s->originator}, &x->key);
            }
        }
    }
    return ERR_STATE;
}

/* Repeats kid, ori and rri; brings a new random object when ours comes to its end [13.1.6]. */
err_t esprim_receiver_seal(struct esprim_receiver *r, const struct esprim_exchange *x, struct bytes response, usec_t now,
                           struct writer *out)
{
    struct esprim_header h = x->h;
    const size_t before = out->n;
    const struct esprim_offer *offer = &r->offers[x->offer];
    bool ends = strcmp(offer->r.id, h.rri) != 0 || offer->r.expiry - now < r->policy.lifetime / 4;
    h.has_oro = false;
    err_t e = ends ? esprim_receiver_offer(r, offer->shared, now, &h.rro) : ERR_OK;
    h.has_rro = ends && e == ERR_OK;
    if (e == ERR_OK) {
        e = esprim_box_seal(r->c, &x->key, &h, response, out);
    }
    out->n = e == ERR_OK ? out->n : before;
    return e == ERR_OK ? ERR_OK : ERR_ESPRIM_ENCRYPT;
}
