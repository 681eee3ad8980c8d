#include "role/cse/cse_verify.h"

#include "role/cse/cse_deliver.h"
#include "role/cse/cse_notify.h"
#include "role/cse/cse_nu.h"
#include "role/cse/cse_ops.h"
#include "role/cse/cse_relay.h"
#include "role/cse/cse_token.h"
#include "role/detail.h"
#include "wire/emit.h"
#include "wire/json.h"

#include <string.h>

static const json_t *targets_of(const struct primitive *p)
{
    bool may = (p->op == OP_CREATE && p->ty == TYPE_SUB) || p->op == OP_UPDATE;
    const json_t *nu = may ? json_object_get(json_object_get(p->pc, "m2m:sub"), "nu") : NULL;
    return json_is_array(nu) ? nu : NULL;
}

bool cse_verify_is_asked(const struct primitive *p)
{
    return targets_of(p) != NULL;
}

/* As it would be done if all agreed, the answer left out; what it stages is dropped again. */
static err_t try_it(const void *ctx, const struct request *rq, const struct primitive *p, struct txn *t, char *detail)
{
    const bool writable = t->writable;
    const size_t staged = t->staged_n, audit = t->audit_n;
    struct primitive prim = *p;
    struct request as = *rq;
    struct response rs = {.rsc = 0};
    uint8_t body[16];
    prim.verified = UINT8_MAX;
    prim.has_rcn = true;
    prim.rcn = CSE_RCN_NOTHING;
    as.prim = &prim;
    rs.body = WRITER_ARRAY(body);
    t->writable = true;
    err_t e = prim.op == OP_CREATE ? cse_create(ctx, &as, t, &rs) : cse_update(ctx, &as, t, &rs);
    t->writable = writable;
    t->staged_n = staged;
    t->audit_n = audit;
    memcpy(detail, rs.detail, sizeof(rs.detail));
    return e;
}

static err_t rehearse(const void *ctx, const struct request *rq, struct txn *t)
{
    struct primitive prim;
    struct cse_from from;
    char detail[ROLE_DETAIL_MAX];
    const struct cse_ask ask = {ctx, rq, t, &from};
    TRY(cse_from_check(ctx, rq, t, &from, detail));
    TRY(cse_token_look(&ask, &prim, detail));
    return try_it(ctx, rq, &prim, t, detail);
}

/* {"m2m:sgn":{"vrq":true,"sur":"/in/PARENT/rn","cr":"//sp/..."}}: it has no identifier yet */
static err_t write_body(const struct cse_ask *ask, struct bytes *out)
{
    const struct primitive *p = ask->rq->prim;
    size_t cap = 1024;
    char sur[2 * M2MID_MAX];
    struct cse_target at;
    uint8_t *b = arena_alloc(ask->t->arena, cap);
    if (b == NULL) {
        return ERR_LIMIT_CAPACITY;
    }
    TRY(cse_addr_resolve(ask->cse, ask->t, p->to, ask->rq->now, &at));
    struct text rn = p->op == OP_CREATE ? json_get_text(json_object_get(p->pc, "m2m:sub"), "rn") : text_empty();
    struct writer s = WRITER_ARRAY(sur);
    writer_z(&s, ask->cse->csi.z);
    writer_u8(&s, '/');
    writer_text(&s, at.res.ri);
    writer_z(&s, rn.n > 0 ? "/" : "");
    writer_text(&s, rn);
    TRY(writer_finish(&s));
    struct writer w = writer_of(b, cap);
    struct emit e = emit_to(&w);
    emit_object(&e, NULL);
    emit_object(&e, "m2m:sgn");
    emit_bool(&e, "vrq", true);
    emit_text(&e, "sur", writer_view_text(&s));
    emit_z(&e, "cr", ask->from->absolute.z);
    emit_close_object(&e);
    emit_close_object(&e);
    *out = writer_view(&w);
    return writer_finish(&w);
}

/* An AE of here without a point of access: the writer asks it through its channel, cse_verify_run. */
static err_t has_channel(const struct cse_ask *ask, struct text target, bool *out)
{
    struct cse_res ae;
    struct text url;
    *out = false;
    if (!text_starts(target, "A:")) {
        return ERR_OK;
    }
    err_t e = cse_res_get(ask->t, text_skip(target, 2), ask->rq->now, &ae);
    if (e != ERR_OK || ae.type->ty != TYPE_AE) {
        return e == ERR_NOT_FOUND ? ERR_OK : e;
    }
    TRY(cse_deliver_point(ask->cse, ask->t, &ae, &url));
    return url.n > 0 ? ERR_OK : cse_relay_is_open(ask->t, &ae, ask->rq->now, out);
}

/* The bit of an element of nu: its place, so that nobody is taken for another. */
static uint8_t bit_of(size_t i)
{
    return (uint8_t)(1U << i);
}
_Static_assert(TYPES_TARGETS_MAX <= 8, "a bit for each");

static err_t add(const struct cse_ask *ask, struct text nu, uint8_t bit, struct outbox_verify *out)
{
    char target[CSE_OUTBOX_TARGET_MAX];
    struct writer w = WRITER_ARRAY(target);
    struct outbox_item *item = &out->item[out->n];
    bool channel = false;
    TRY(cse_nu_target(ask->cse, ask->t, nu, ask->rq->now, &w));
    if (cse_nu_is_own(ask->from, writer_view_text(&w))) {
        return ERR_OK;
    }
    TRY(has_channel(ask, writer_view_text(&w), &channel));
    if (channel) {
        return ERR_OK;
    }
    *item = (struct outbox_item){.body = bytes_empty()};
    TRY(cse_deliver_address(ask->cse, ask->t, writer_view_text(&w), ask->rq->now, item));
    if (item->verdict != OUTBOX_SEND) { /* nowhere to ask it */
        return detail_fail(out->detail, ERR_TARGET_UNVERIFIED, "nu", nu);
    }
    TRY(write_body(ask, &item->body));
    out->n++;
    out->who |= bit;
    return ERR_OK;
}

err_t cse_verify(const void *ctx, const struct request *rq, struct txn *t, struct outbox_verify *out)
{
    const json_t *nu = rq->prim->verified > 0 ? NULL : targets_of(rq->prim);
    if (nu == NULL || t == NULL) {
        return nu == NULL ? ERR_NOT_FOUND : ERR_OK;
    }
    struct cse_from from;
    const struct cse_ask ask = {ctx, rq, t, &from};
    if (rehearse(ctx, rq, t) != ERR_OK) { /* the writer says why */
        return ERR_NOT_FOUND;
    }
    TRY(cse_from_check(ctx, rq, t, &from, out->detail));
    for (size_t i = 0; i < json_array_size(nu) && i < TYPES_TARGETS_MAX && out->n < OUTBOX_VERIFY_MAX; i++) {
        const json_t *v = json_array_get(nu, i);
        TRY(add(&ask, text_span(json_string_value(v), json_string_length(v)), bit_of(i), out));
    }
    return out->n > 0 ? ERR_OK : ERR_NOT_FOUND;
}

/* -- through a channel ----------------------------------------------------------------------------------------------- */
struct channels {
    const struct cse_ask *ask;
    struct cse_relay relay[TYPES_TARGETS_MAX];
    bool answered[TYPES_TARGETS_MAX];
    size_t n, waiting; /* asked through one; of them those that have not answered */
    uint8_t who;       /* those that have */
    char *detail;
};

/* What was asked of one who can be reached otherwise by now is still his to answer. */
static err_t is_asked(const struct cse_ask *ask, struct text target, const struct cse_relay *r, bool *out)
{
    struct cse_outbox_queue q;
    err_t e = cse_outbox_get(ask->t, text_of(r->request), text_of(r->name), &q);
    *out = e == ERR_OK;
    return e == ERR_NOT_FOUND ? has_channel(ask, target, out) : e;
}

static err_t look_at(struct channels *c, struct text nu, uint8_t bit)
{
    const struct cse_ask *ask = c->ask;
    char target[CSE_OUTBOX_TARGET_MAX];
    struct writer w = WRITER_ARRAY(target);
    struct cse_relay *r = &c->relay[c->n];
    SCOPED(json_scope) json_t *answer = NULL;
    bool asked = false;
    if (cse_nu_target(ask->cse, ask->t, nu, ask->rq->now, &w) != ERR_OK) {
        return ERR_OK; /* the handler says why */
    }
    struct text at = writer_view_text(&w);
    if (!text_starts(at, "A:") || cse_nu_is_own(ask->from, at)) {
        return ERR_OK;
    }
    TRY(cse_relay_name(ask, ask->rq->prim->to, at, r));
    err_t e = cse_relay_answer(ask->t, r, &answer);
    if (e == ERR_NOT_FOUND) {
        TRY(is_asked(ask, at, r, &asked));
        c->n += asked;
        c->waiting += asked;
        return ERR_OK;
    }
    TRY(e);
    c->answered[c->n++] = true;
    c->who |= bit;
    bool agrees = json_integer_value(json_object_get(answer, "rsc")) / 1000 == 2;
    return agrees ? ERR_OK : detail_fail(c->detail, ERR_TARGET_REFUSED, "nu", nu);
}

static err_t ask_them(const struct channels *c)
{
    SCOPED(json_scope) json_t *pc = NULL;
    struct bytes body;
    TRY(write_body(c->ask, &body));
    TRY(json_parse(body, &pc));
    for (size_t i = 0; i < c->n; i++) {
        err_t e = c->answered[i] ? ERR_OK : cse_relay_put(c->ask, &c->relay[i], text_of(c->ask->cse->csi.z), pc);
        if (e == ERR_TARGET_AWAY) {
            return detail_fail(c->detail, ERR_TARGET_UNVERIFIED, "nu", text_of("an AE at whose pollingChannel as many questions wait as may"));
        }
        TRY(e);
    }
    return ERR_OK;
}

/* Nothing of the request is kept before all have answered: it comes again. */
static err_t wait_for_them(struct channels *c, struct response *rs)
{
    const struct cse_ask *ask = c->ask;
    if (ask->t->writable) {
        TRY(try_it(ask->cse, ask->rq, ask->rq->prim, ask->t, rs->detail));
        rs->rsc = ROLE_RSC_LATER;
        return ask_them(c);
    }
    rs->wait = cse_relay_wait(&c->relay[0]);
    return detail_fail(rs->detail, ERR_TARGET_UNVERIFIED, "nu", text_of("an AE that did not ask at its pollingChannel in time"));
}

err_t cse_verify_run(const struct cse_ask *ask, role_handler *handler, struct response *rs)
{
    const json_t *nu = targets_of(ask->rq->prim);
    struct channels c = {.ask = ask, .detail = rs->detail};
    for (size_t i = 0; i < json_array_size(nu) && i < TYPES_TARGETS_MAX; i++) {
        const json_t *v = json_array_get(nu, i);
        TRY(look_at(&c, text_span(json_string_value(v), json_string_length(v)), bit_of(i)));
    }
    if (c.waiting > 0) {
        return wait_for_them(&c, rs);
    }
    if (!ask->t->writable) { /* whether they have answered, or are gone */
        rs->rsc = ROLE_RSC_NOW;
        return ERR_OK;
    }
    for (size_t i = 0; i < c.n; i++) { /* an answer is for one request */
        TRY(cse_relay_forget(ask->t, &c.relay[i]));
    }
    struct primitive prim = *ask->rq->prim;
    struct request as = *ask->rq;
    prim.verified |= c.who;
    as.prim = &prim;
    return handler(ask->cse, &as, ask->t, rs);
}
