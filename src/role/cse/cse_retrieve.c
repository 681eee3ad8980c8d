#include "role/cse/cse_result.h"
#include "role/detail.h"

/* Conditions on the resource itself (conditional retrieval) and IPE on-demand discovery are not implemented. */
static err_t usage_check(const struct primitive *p, uint32_t rcn, char *detail)
{
    if (p->fu > 1) {
        return detail_fail(detail, ERR_NOT_IMPLEMENTED, "filterUsage (fu)", text_empty());
    }
    bool one = rcn == CSE_RCN_ATTRIBUTES;
    return one && p->filter.given != 0
               ? detail_fail(detail, ERR_NOT_IMPLEMENTED, "filter criteria without fu=1 or rcn 4, 5, 6, 8", text_empty())
               : ERR_OK;
}

err_t cse_retrieve(const void *ctx, const struct request *rq, struct txn *t, struct response *rs)
{
    struct cse_from from;
    const struct cse_ask ask = {ctx, rq, t, &from};
    struct cse_target target;
    uint32_t rcn = 0;
    TRY(cse_from_check(ctx, rq, t, &from, rs->detail));
    TRY(cse_addr_resolve(ctx, t, rq->prim->to, rq->now, &target));
    TRY(cse_policy_check(&ask, &target, OP_RETRIEVE, 0)); /* with fu=1 the right to discover, for each result too */
    TRY(cse_ops_rcn(rq->prim, &rcn, rs->detail));
    TRY(usage_check(rq->prim, rcn, rs->detail));
    rs->rsc = 2000;
    return rcn == CSE_RCN_ATTRIBUTES ? cse_ops_answer(&ask, &target.res, rcn, rs)
                                     : cse_result(&ask, &target.res, rcn, rs);
}
