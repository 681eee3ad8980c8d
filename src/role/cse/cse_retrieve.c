#include "role/cse/cse_ops.h"
#include "role/detail.h"
#include "role/emit.h"

#define CHILDREN_MAX 2000 /* references one answer lists; more is refused, never cut silently */

struct list {
    struct arena *arena;
    struct text ri[CHILDREN_MAX];
    size_t n;
    uint64_t floor;
    usec_t now;
    err_t err;
};

static bool list_hit(void *arg, struct bytes id, struct store_value value)
{
    (void)id;
    struct list *l = arg;
    struct cse_child c;
    struct bytes copy;
    l->err = cse_res_child_parse(value.data, &c);
    if (l->err != ERR_OK || (c.ty == TYPE_CIN && (c.number < l->floor || c.et <= l->now))) {
        return l->err == ERR_OK;
    }
    if (l->n == CHILDREN_MAX || !arena_dup(l->arena, text_bytes(c.ri), &copy)) {
        l->err = ERR_LIMIT_CAPACITY;
        return false;
    }
    l->ri[l->n++] = text_span((const char *)copy.p, copy.n);
    return true;
}

static err_t children(const struct cse_ask *ask, const struct cse_res *parent, struct list *l)
{
    char key[CSE_CHILD_KEY_MAX];
    struct writer w = WRITER_ARRAY(key);
    TRY(cse_res_child_key(&w, parent->node, 0, text_empty()));
    struct store_scan q = {.table = TABLE_CSE_CHILD, .prefix = writer_view(&w), .after = bytes_empty(),
                           .order = STORE_ASCENDING};
    TRY(txn_scan(ask->t, &q, list_hit, l));
    return l->err;
}

/* A reference to a child the originator may not retrieve would tell its name. */
static err_t reference(const struct cse_ask *ask, const struct cse_res *parent, struct text ri, struct emit *e)
{
    struct cse_target child = {.parent = *parent, .has_parent = true};
    err_t err = cse_res_get(ask->t, ri, ask->rq->now, &child.res);
    if (err == ERR_OK && text_eq(child.res.pnode, parent->node)) {
        err = cse_policy_check(ask, &child, OP_RETRIEVE, 0);
    }
    if (err == ERR_NOT_FOUND || err == ERR_DENIED_PRIVILEGE) {
        return ERR_OK;
    }
    TRY(err);
    emit_object(e, NULL);
    emit_text(e, "nm", child.res.rn);
    emit_number(e, "typ", child.res.type->ty);
    emit_text(e, "val", child.res.ri);
    emit_close_object(e);
    return ERR_OK;
}

static err_t references(const struct cse_ask *ask, const struct cse_res *parent, const char *name, struct emit *e)
{
    struct list *l = arena_alloc(ask->t->arena, sizeof(*l));
    if (l == NULL) {
        return ERR_LIMIT_CAPACITY;
    }
    l->arena = ask->t->arena;
    l->floor = parent->floor;
    l->now = ask->rq->now;
    TRY(children(ask, parent, l));
    emit_array(e, name);
    for (size_t i = 0; i < l->n; i++) {
        TRY(reference(ask, parent, l->ri[i], e));
    }
    emit_close_array(e);
    return ERR_OK;
}

/* Children, one level: {"m2m:rrl":{"rrf":[...]}}, or the resource with "ch":[...] as its last member. */
static err_t answer_children(const struct cse_ask *ask, const struct cse_res *r, uint32_t rcn, struct response *rs)
{
    struct emit e = emit_to(&rs->body);
    if (rcn == CSE_RCN_CHILD_REFERENCES) {
        emit_object(&e, NULL);
        emit_object(&e, "m2m:rrl");
        TRY(references(ask, r, "rrf", &e));
    } else {
        cse_res_emit(r, &rs->body);
        if (rs->body.overflow || rs->body.n < 2) {
            return ERR_LIMIT_CAPACITY;
        }
        rs->body.n -= 2; /* opens the two objects again */
        e.comma = true;
        TRY(references(ask, r, "ch", &e));
    }
    emit_close_object(&e);
    emit_close_object(&e);
    return rs->body.overflow ? ERR_LIMIT_CAPACITY : ERR_OK;
}

err_t cse_retrieve(const void *ctx, const struct request *rq, struct txn *t, struct response *rs)
{
    struct cse_from from;
    const struct cse_ask ask = {ctx, rq, t, &from};
    struct cse_target target;
    uint32_t rcn = 0;
    TRY(cse_from_check(ctx, rq, t, &from, rs->detail));
    if (rq->prim->fu != 0) { /* discovery comes with its own issue; the ACCESS_DISCOVERY bit is ready for it */
        return detail_fail(rs->detail, ERR_NOT_IMPLEMENTED, "filterUsage (fu)", text_empty());
    }
    TRY(cse_addr_resolve(ctx, t, rq->prim->to, rq->now, &target));
    TRY(cse_policy_check(&ask, &target, OP_RETRIEVE, 0));
    TRY(cse_ops_rcn(rq->prim, &rcn, rs->detail));
    rs->rsc = 2000;
    if (rcn == CSE_RCN_ATTRIBUTES) {
        return cse_ops_answer(&ask, &target.res, rcn, rs);
    }
    return answer_children(&ask, &target.res, rcn, rs);
}
