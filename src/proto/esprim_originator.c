#include "base/ct.h"
#include "proto/esprim.h"

#include <string.h>

void esprim_originator_init(struct esprim_originator *o, const struct crypto *c, const struct esprim_policy *policy,
                            const struct esprim_key *key, const char *from)
{
    *o = (struct esprim_originator){.c = c, .policy = *policy, .key = *key};
    if (text_copy(text_of(from), o->from, sizeof(o->from)) != ERR_OK) {
        o->from[0] = '\0'; /* nobody's: each request is refused */
    }
}

void esprim_originator_wipe(struct esprim_originator *o)
{
    ct_wipe(o, sizeof(*o));
}

/* -- the receiver's random object ------------------------------------------------------------------------------ */

static bool has_common(const struct esprim_policy *p, const struct esprim_rand *r, unsigned *best)
{
    for (size_t i = 0; i < p->algs_n; i++) {
        if (esprim_box_has(r->algs, r->algs_n, p->algs[i])) {
            *best = p->algs[i];
            return true;
        }
    }
    return false;
}

static err_t receiver_take(struct esprim_originator *o, const struct esprim_rand *r, usec_t now)
{
    unsigned best = 0;
    if (!esprim_box_has(r->keygen, r->keygen_n, ESPRIM_HMAC_SHA256) || !has_common(&o->policy, r, &best)) {
        return ERR_ESPRIM_OPTION;
    }
    if (r->expiry <= now) {
        return ERR_ESPRIM_RECEIVER;
    }
    if (strcmp(o->receiver[0].id, r->id) != 0) {
        o->receiver[1] = o->receiver[0]; /* answers to what is under way still name it */
    }
    o->receiver[0] = *r;
    return ERR_OK;
}

err_t esprim_originator_receiver(struct esprim_originator *o, struct text json, usec_t now)
{
    struct esprim_rand r;
    TRY(esprim_rand_parse(json, false, now, &r));
    return receiver_take(o, &r, now);
}

/* -- requests -------------------------------------------------------------------------------------------------- */

static usec_t least(usec_t a, usec_t b)
{
    return a < b ? a : b;
}

/* A new session starts with a new random object: at first, near the end of the old one, or when it is spent. It never
 * outlives the receiver's or the key, and names only algorithms that the receiver has [TS-0003 8.4]. */
static err_t own_ensure(struct esprim_originator *o, usec_t now)
{
    const struct esprim_rand *to = &o->receiver[0];
    struct esprim_rand *own = &o->own[0];
    if (own->id[0] != '\0' && own->expiry > now && own->expiry <= to->expiry && o->sent < ESPRIM_REFRESH_REQUESTS) {
        return ERR_OK;
    }
    struct esprim_rand fresh;
    usec_t expiry = least(least(now + o->policy.lifetime, to->expiry), o->key.not_after);
    TRY(esprim_box_rand(o->c, &o->policy, "u-", expiry, &fresh));
    if (fresh.expiry <= now) {
        return ERR_ESPRIM_RECEIVER;
    }
    fresh.single = true;
    fresh.algs_n = 0;
    for (size_t i = 0; i < o->policy.algs_n; i++) {
        if (esprim_box_has(to->algs, to->algs_n, o->policy.algs[i])) {
            fresh.algs[fresh.algs_n++] = o->policy.algs[i];
        }
    }
    o->own[1] = *own;
    *own = fresh;
    o->sent = 0;
    o->confirmed = false;
    return ERR_OK;
}

static err_t request_check(const struct esprim_originator *o, struct bytes request)
{
    struct esprim_inner inner;
    TRY(esprim_inner_parse(request, &inner));
    if (inner.is_response) {
        return ERR_ESPRIM_DECRYPT;
    }
    return text_eq(text_of(inner.from), text_of(o->from)) ? ERR_OK : ERR_ESPRIM_FROM;
}

err_t esprim_originator_seal(struct esprim_originator *o, struct bytes request, usec_t now, struct writer *out)
{
    TRY(esprim_box_key_check(&o->key, now));
    TRY(request_check(o, request));
    if (o->receiver[0].id[0] == '\0' || o->receiver[0].expiry <= now) {
        return ERR_ESPRIM_RECEIVER;
    }
    TRY(own_ensure(o, now));
    struct esprim_header h = {.alg = o->own[0].algs[0], .has_oro = !o->confirmed, .oro = o->own[0]};
    SCOPED(keys_esprim_session_wipe) struct key_esprim_session k = {0};
    const struct esprim_pair pair = {&o->receiver[0], &o->own[0]};
    TRY(text_copy(text_of(o->key.id), h.kid, sizeof(h.kid)));
    TRY(text_copy(text_of(o->own[0].id), h.ori, sizeof(h.ori)));
    TRY(text_copy(text_of(o->receiver[0].id), h.rri, sizeof(h.rri)));
    TRY(esprim_box_derive(o->c, &o->key, &pair, &k));
    o->sent++;
    return esprim_box_seal(o->c, &k, &h, request, out);
}

/* -- responses ------------------------------------------------------------------------------------------------- */

static const struct esprim_rand *live(const struct esprim_rand two[2], const char *id, usec_t now)
{
    for (size_t i = 0; i < 2; i++) {
        if (two[i].id[0] != '\0' && strcmp(two[i].id, id) == 0 && two[i].expiry > now) {
            return &two[i];
        }
    }
    return NULL;
}

static err_t response_open(struct esprim_originator *o, const struct esprim_object *object, struct text rqi, usec_t now,
                           struct writer *plain)
{
    const struct esprim_pair pair = {live(o->receiver, object->h.rri, now), live(o->own, object->h.ori, now)};
    struct esprim_inner inner;
    SCOPED(keys_esprim_session_wipe) struct key_esprim_session k = {0};
    if (object->h.has_oro) {
        return ERR_ESPRIM_RESPONSE; /* a request, perhaps one of ours come back */
    }
    if (strcmp(object->h.kid, o->key.id) != 0) {
        return ERR_ESPRIM_KEY;
    }
    TRY(esprim_box_key_check(&o->key, now));
    if (pair.originator == NULL) {
        return ERR_ESPRIM_ORIGINATOR;
    }
    if (pair.receiver == NULL) {
        return ERR_ESPRIM_RECEIVER;
    }
    if (!esprim_box_has(pair.originator->algs, pair.originator->algs_n, object->h.alg)) {
        return ERR_ESPRIM_OPTION;
    }
    const size_t before = plain->n;
    TRY(esprim_box_derive(o->c, &o->key, &pair, &k));
    TRY(esprim_box_open(o->c, &k, object, plain));
    TRY(esprim_inner_parse(bytes_of(plain->buf + before, plain->n - before), &inner));
    if (!inner.is_response || !text_eq(text_of(inner.rqi), rqi)) {
        return ERR_ESPRIM_RESPONSE;
    }
    o->confirmed = o->confirmed || pair.originator == &o->own[0];
    o->retried = false;
    return object->h.has_rro ? receiver_take(o, &object->h.rro, now) : ERR_OK;
}

err_t esprim_originator_open(struct esprim_originator *o, struct text jwe, struct text rqi, usec_t now,
                             struct writer *plain)
{
    struct esprim_object object;
    const size_t before = plain->n;
    TRY(esprim_object_parse(jwe, now, &object));
    err_t e = response_open(o, &object, rqi, now, plain);
    if (e != ERR_OK) {
        ct_wipe(plain->buf + before, plain->n - before);
        plain->n = before;
    }
    return e;
}

/* The status stands in the outer response, which anybody on the way can forge: it is acted on once, and all it can
 * bring about is a new session. */
enum esprim_next esprim_originator_refused(struct esprim_originator *o, uint16_t rsc)
{
    bool own = rsc == err_info(ERR_ESPRIM_ORIGINATOR)->rsc;
    bool receiver = rsc == err_info(ERR_ESPRIM_RECEIVER)->rsc;
    if (o->retried || (!own && !receiver)) {
        return ESPRIM_GIVE_UP;
    }
    o->retried = true;
    o->own[0] = (struct esprim_rand){0};
    if (own) {
        return ESPRIM_SEND_AGAIN;
    }
    o->receiver[0] = (struct esprim_rand){0};
    return ESPRIM_ASK_RECEIVER;
}
