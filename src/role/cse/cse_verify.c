#include "role/cse/cse_verify.h"

#include "role/cse/cse_deliver.h"
#include "role/cse/cse_notify.h"
#include "role/cse/cse_ops.h"
#include "role/cse/cse_token.h"
#include "role/detail.h"
#include "wire/emit.h"
#include "wire/json.h"

static const json_t *targets_of(const struct primitive *p)
{
    bool may = (p->op == OP_CREATE && p->ty == TYPE_SUB) || p->op == OP_UPDATE;
    const json_t *nu = may && !p->verified ? json_object_get(json_object_get(p->pc, "m2m:sub"), "nu") : NULL;
    return json_is_array(nu) ? nu : NULL;
}

/* As the writer will run it, the answer left out; what it stages is dropped with *t. */
static err_t rehearse(const void *ctx, const struct request *rq, struct txn *t)
{
    struct primitive prim;
    struct request as = *rq;
    struct response rs = {.rsc = 0};
    struct cse_from from;
    const struct cse_ask ask = {ctx, rq, t, &from};
    uint8_t body[16];
    TRY(cse_from_check(ctx, rq, t, &from, rs.detail));
    TRY(cse_token_look(&ask, &prim, rs.detail));
    prim.verified = true;
    prim.has_rcn = true;
    prim.rcn = CSE_RCN_NOTHING;
    as.prim = &prim;
    rs.body = WRITER_ARRAY(body);
    t->writable = true;
    err_t e = prim.op == OP_CREATE ? cse_create(ctx, &as, t, &rs) : cse_update(ctx, &as, t, &rs);
    t->writable = false;
    t->staged_n = 0;
    t->audit_n = 0;
    return e;
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

static err_t add(const struct cse_ask *ask, struct text nu, struct outbox_verify *out)
{
    char target[CSE_OUTBOX_TARGET_MAX];
    struct writer w = WRITER_ARRAY(target);
    struct outbox_item *item = &out->item[out->n];
    TRY(cse_notify_target(ask->cse, ask->t, nu, ask->rq->now, &w));
    if (cse_notify_is_own(ask->from, writer_view_text(&w))) {
        return ERR_OK;
    }
    *item = (struct outbox_item){.body = bytes_empty()};
    TRY(cse_deliver_address(ask->cse, ask->t, writer_view_text(&w), ask->rq->now, item));
    if (item->verdict != OUTBOX_SEND) { /* nowhere to ask it */
        return detail_fail(out->detail, ERR_TARGET_UNVERIFIED, "nu", nu);
    }
    TRY(write_body(ask, &item->body));
    out->n++;
    return ERR_OK;
}

err_t cse_verify(const void *ctx, const struct request *rq, struct txn *t, struct outbox_verify *out)
{
    const json_t *nu = targets_of(rq->prim);
    if (nu == NULL || t == NULL) {
        return nu == NULL ? ERR_NOT_FOUND : ERR_OK;
    }
    struct cse_from from;
    const struct cse_ask ask = {ctx, rq, t, &from};
    if (rehearse(ctx, rq, t) != ERR_OK) { /* the writer says why */
        return ERR_NOT_FOUND;
    }
    TRY(cse_from_check(ctx, rq, t, &from, out->detail));
    for (size_t i = 0; i < json_array_size(nu) && out->n < OUTBOX_VERIFY_MAX; i++) {
        const json_t *v = json_array_get(nu, i);
        TRY(add(&ask, text_span(json_string_value(v), json_string_length(v)), out));
    }
    return out->n > 0 ? ERR_OK : ERR_NOT_FOUND;
}
