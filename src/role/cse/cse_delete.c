#include "role/cse/cse_cin.h"
#include "role/cse/cse_csr.h"
#include "role/cse/cse_notify.h"
#include "role/cse/cse_ops.h"
#include "role/cse/cse_result.h"
#include "role/cse/cse_role.h"
#include "role/cse/cse_sweep.h"
#include "role/cse/cse_token_res.h"
#include "role/detail.h"

/* Its own records go now; what hangs below is unreachable from here on and is collected later (cse_sweep.h). */
static err_t take_out(const struct cse_ask *ask, struct cse_target *target)
{
    struct cse_res *r = &target->res;
    TRY(cse_notify_deleted(ask, r));
    TRY(cse_csr_release(ask->t, r, NULL));
    TRY(cse_token_res_gone(ask, r));
    TRY(cse_role_gone(ask, r));
    TRY(cse_res_remove(ask->t, r));
    if (r->type->ty == TYPE_CIN) {
        cse_cin_forget(&target->parent, r, ask->rq->now);
        TRY(cse_res_put(ask->t, &target->parent));
    }
    if ((r->type->flags & TYPES_HAS_CHILDREN) != 0) {
        TRY(cse_sweep_add(ask->t, r->node));
    }
    TRY(cse_ops_audit(ask, AUDIT_RESOURCE_DELETED, r->ri));
    return cse_sweep_run(ask->t);
}

err_t cse_delete_direct(const struct cse_ask *ask, struct text to, const struct types_row *type,
                        char detail[static ROLE_DETAIL_MAX])
{
    struct cse_target target;
    TRY(cse_ops_find(ask, to, type, &target, detail));
    return take_out(ask, &target);
}

err_t cse_delete_by_operator(const struct cse *cse, struct txn *t, usec_t now, struct text to,
                             const struct types_row *type, char detail[static ROLE_DETAIL_MAX])
{
    static const struct keys_export none;
    struct association assoc;
    association_init_plain(&assoc);
    const struct primitive prim = {.op = OP_DELETE};
    const struct request rq = {.prim = &prim, .assoc = &assoc, .exported = &none, .now = now};
    struct cse_from from = {.kind = CSE_FROM_AE};
    TRY(TEXT_COPY(text_of("operator"), from.absolute.z));
    const struct cse_ask ask = {cse, &rq, t, &from};
    return cse_delete_direct(&ask, to, type, detail);
}

err_t cse_delete(const void *ctx, const struct request *rq, struct txn *t, struct response *rs)
{
    struct cse_from from;
    const struct cse_ask ask = {ctx, rq, t, &from};
    struct cse_target target;
    uint32_t rcn = 0;
    TRY(cse_from_check(ctx, rq, t, &from, rs->detail));
    TRY(cse_addr_resolve(ctx, t, rq->prim->to, rq->now, &target));
    if ((target.res.type->flags & TYPES_NOT_BY_REQUEST) != 0) {
        return detail_fail(rs->detail, ERR_OPERATION, "the CSEBase is never deleted", text_empty());
    }
    TRY(cse_policy_check(&ask, &target, OP_DELETE, 0));
    TRY(cse_ops_rcn(rq->prim, &rcn, rs->detail));
    rs->rsc = 2002;
    if (rcn == CSE_RCN_NOTHING || rcn == CSE_RCN_ATTRIBUTES) {
        TRY(take_out(&ask, &target));
        return cse_ops_answer(&ask, &target.res, rcn, rs);
    }
    TRY(cse_result(&ask, &target.res, rcn, rs)); /* as it was: what is gone cannot be read */
    return take_out(&ask, &target);
}
