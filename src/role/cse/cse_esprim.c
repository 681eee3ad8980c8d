#include "role/cse/cse_esprim.h"

#include "base/ct.h"
#include "role/cse/cse.h"
#include "role/cse/cse_esprim_state.h"
#include "role/cse/cse_saef.h"
#include "role/detail.h"
#include "role/dispatch.h"
#include "role/skr.h"
#include "wire/json.h"
#include "wire/rqp.h"

#include <string.h>

enum { SUID_PROVISIONED = 13 };

/* One ESPrim Object, in the arena of its transaction; what was decrypted is wiped. */
struct work {
    struct cse_esprim_state s;
    struct esprim_object o;
    struct keyid kid; /* folded */
    uint8_t seci[ESPRIM_OBJECT_MAX];
    uint8_t plain[ESPRIM_INNER_MAX], scratch[2 * ESPRIM_INNER_MAX];
    uint8_t body[ESPRIM_INNER_MAX], answer[ESPRIM_INNER_MAX];
    uint8_t jwe[ESPRIM_OBJECT_MAX];
};

static void work_wipe(struct work **w)
{
    if (*w != NULL) {
        ct_wipe(*w, sizeof(**w));
    }
}

bool cse_esprim_is_it(const struct request *rq)
{
    return json_object_get(rq->prim->pc, "m2m:seci") != NULL;
}

/* -- the random object for who asks (securityInfo type 3) ---------------------------------------------------- */
static err_t offer(const struct cse_ask *ask, struct cse_esprim_state *s, struct response *rs)
{
    char text[1024];
    struct writer w = WRITER_ARRAY(text);
    struct esprim_rand r;
    const usec_t now = ask->rq->now;
    TRY(cse_esprim_state_load(ask->cse, ask->t, s));
    TRY(esprim_receiver_offer(&s->r, true, now, &r)); /* renews the announced one when it is time */
    TRY(esprim_receiver_offer(&s->r, false, now, &r));
    TRY(cse_esprim_state_save(ask->cse, ask->t, text_empty(), s, now));
    esprim_rand_write(&r, &w);
    TRY(writer_finish(&w));
    rs->rsc = 2000;
    return esprim_seci_write(ESPRIM_SECI_RAND, writer_view(&w), &rs->body);
}

/* -- the key ------------------------------------------------------------------------------------------------- */
/* The key that `kid` names, and whom it stands for. Whatever is the matter with it, it is unknown to a stranger; the
 * detail says more. */
static err_t key_find(const struct cse_ask *ask, struct work *w, struct esprim_key *out, struct association *a, char *detail)
{
    struct cse_key k;
    struct text kid = text_of(w->o.h.kid);
    err_t e = keyid_fold(kid, &w->kid) == ERR_OK ? cse_key_get(ask->t, kid, &k) : ERR_NOT_FOUND;
    e = e == ERR_OK && (k.kind != CSE_KEY_ESPRIM || k.peers_n != 1) ? ERR_NOT_FOUND : e;
    e = e == ERR_OK ? cse_key_check(&k, ask->rq->now) : e;
    if (e != ERR_OK) { /* ended, withdrawn or for something else: which of them is not for everybody to know */
        return err_info(e)->rsc < 5000 ? detail_fail(detail, ERR_ESPRIM_KEY, "kid", kid) : e;
    }
    TRY(cse_key_take(ask->cse, &k, ask->rq->now, &out->k.s));
    TRY(TEXT_COPY(kid, out->id)); /* compared without case: as the originator spells it */
    TRY(TEXT_COPY(text_of(k.peers[0].z), out->peer));
    out->suid = k.source.z[0] == '\0' ? SUID_PROVISIONED : SKR_SUID_ESPRIM;
    out->not_after = k.not_after;
    *a = (struct association){.framework = ASSOCIATION_E2E, .established = ask->rq->now, .key_id = k.id};
    memcpy(a->id, ask->rq->assoc->id, sizeof(a->id)); /* so that the audit chain tells what carried it */
    return cse_key_bind(&k, a);
}

/* -- the inner request ---------------------------------------------------------------------------------------- */
static err_t tell_refusal(const struct cse_ask *ask, const struct association *a, err_t outcome, struct text to)
{
    struct audit_event e = {.kind = AUDIT_REFUSED, .time = ask->rq->now, .outcome = outcome};
    if (!dispatch_is_audited(outcome, a)) {
        return ERR_OK;
    }
    TRY(TEXT_COPY(text_take(association_name(a), AUDIT_TEXT_MAX - 1), e.peer));
    TRY(TEXT_COPY(text_take(to, AUDIT_TEXT_MAX - 1), e.object));
    TRY(TEXT_COPY(text_of(a->id), e.association));
    return txn_audit(ask->t, &e);
}

/* Dispatched as any other (R002-84: its originator is authenticated). A refusal is an answer too. */
static err_t inner_run(const struct cse_ask *ask, struct work *w, const struct association *a, struct bytes plain,
                       struct response *rs)
{
    static const struct keys_export none;
    SCOPED(rqp_wipe) struct primitive p = {0};
    struct writer scratch = WRITER_ARRAY(w->scratch);
    char detail[BINDING_DETAIL_MAX];
    rs->body = WRITER_ARRAY(w->body);
    err_t e = rqp_parse(plain, &scratch, &p, detail);
    if (e != ERR_OK) {
        TRY(TEXT_COPY(text_of(detail), rs->detail));
        dispatch_refuse(rs, e);
        return ERR_OK;
    }
    p.expires = primitive_end(&p, ask->rq->now);
    const struct request rq = {.prim = &p, .assoc = a, .exported = &none, .now = ask->rq->now}; /* its address: unknown */
    e = dispatch_run(&role_cse, ask->cse, &rq, ask->t, rs);
    if (e == ERR_OK && rs->rsc == ROLE_RSC_LATER) { /* that it was asked stays, or its answer would find nobody */
        TRY(TEXT_COPY(text_of("it was asked, and an object does not wait: the same request again gets its answer"), rs->detail));
        dispatch_refuse(rs, ERR_TARGET_AWAY);
    }
    return e == ERR_OK ? ERR_OK : tell_refusal(ask, a, e, p.to);
}

static err_t object_take(const struct cse_ask *ask, struct work *w, struct text jwe, struct response *rs)
{
    SCOPED(esprim_box_key_wipe) struct esprim_key key = {0};
    SCOPED(esprim_receiver_exchange_wipe) struct esprim_exchange x;
    struct association a;
    const usec_t now = ask->rq->now;
    struct writer plain = WRITER_ARRAY(w->plain);
    struct writer answer = WRITER_ARRAY(w->answer);
    struct writer sealed = WRITER_ARRAY(w->jwe);
    struct response inner = {0};
    memset(&x, 0, sizeof(x));
    TRY(cse_esprim_state_load(ask->cse, ask->t, &w->s));
    TRY(esprim_receiver_peek(&w->s.r, jwe, now, &w->o));
    TRY(key_find(ask, w, &key, &a, rs->detail));
    TRY(cse_esprim_state_sessions(ask->t, text_of(w->kid.z), &w->s));
    TRY(esprim_receiver_open(&w->s.r, &w->o, &key, now, &x, &plain));
    TRY(inner_run(ask, w, &a, writer_view(&plain), &inner));
    const struct primitive p = {.rqi = text_of(x.inner.rqi), .rvi = ask->rq->prim->rvi};
    const struct primitive_response r = dispatch_reply(&p, &inner);
    if (rqp_response_write(&r, &answer) != ERR_OK) {
        return ERR_ESPRIM_ENCRYPT;
    }
    TRY(esprim_receiver_seal(&w->s.r, &x, writer_view(&answer), now, &sealed));
    TRY(cse_esprim_state_save(ask->cse, ask->t, text_of(w->kid.z), &w->s, now)); /* after the inner one, which may unstage */
    rs->rsc = 2000;
    return esprim_seci_write(ESPRIM_SECI_OBJECT, writer_view(&sealed), &rs->body);
}

/* -- the key that is not here ---------------------------------------------------------------------------------- */
err_t cse_esprim_need(const void *ctx, const struct request *rq, struct txn *t, struct question *q)
{
    SCOPED(work_wipe) struct work *w = NULL;
    unsigned type = 0;
    struct cse_key k;
    if (!cse_esprim_is_it(rq) || rq->assoc->framework == ASSOCIATION_NONE) { /* a stranger makes nobody ask */
        return ERR_NOT_FOUND;
    }
    w = arena_alloc(t->arena, sizeof(*w));
    if (w == NULL) {
        return ERR_LIMIT_CAPACITY;
    }
    struct writer value = WRITER_ARRAY(w->seci);
    TRY(esprim_seci_read(rq->prim->pc, &type, &value));
    TRY(type == ESPRIM_SECI_OBJECT ? ERR_OK : ERR_NOT_FOUND);
    TRY(esprim_object_parse(writer_view_text(&value), rq->now, &w->o));
    err_t e = cse_key_get(t, text_of(w->o.h.kid), &k);
    return e == ERR_NOT_FOUND ? cse_saef_ask(ctx, text_of(w->o.h.kid), SKR_SUID_ESPRIM, q)
                              : e == ERR_OK ? ERR_NOT_FOUND : e;
}

/* -- securityInfo --------------------------------------------------------------------------------------------- */
err_t cse_esprim_notify(const struct cse_ask *ask, struct response *rs)
{
    SCOPED(work_wipe) struct work *w = arena_alloc(ask->t->arena, sizeof(*w));
    unsigned type = 0;
    if (w == NULL) {
        return ERR_LIMIT_CAPACITY;
    }
    if (ask->rq->assoc->framework == ASSOCIATION_E2E) { /* an object in an object in an object ... */
        return detail_fail(rs->detail, ERR_OPERATION, "securityInfo inside an ESPrim Object", text_empty());
    }
    struct writer value = WRITER_ARRAY(w->seci);
    TRY(esprim_seci_read(ask->rq->prim->pc, &type, &value));
    if (type == ESPRIM_SECI_RAND_REQUEST) {
        return offer(ask, &w->s, rs);
    }
    return type == ESPRIM_SECI_OBJECT ? object_take(ask, w, writer_view_text(&value), rs)
                                      : detail_fail(rs->detail, ERR_OPERATION, "this type of securityInfo", text_empty());
}
