#include "role/cse/cse_acp.h"
#include "role/cse/cse_ae.h"
#include "role/cse/cse_announce.h"
#include "role/cse/cse_announced.h"
#include "role/cse/cse_attr.h"
#include "role/cse/cse_cin.h"
#include "role/cse/cse_csr.h"
#include "role/cse/cse_das.h"
#include "role/cse/cse_decide.h"
#include "role/cse/cse_group.h"
#include "role/cse/cse_notify.h"
#include "role/cse/cse_ops.h"
#include "role/cse/cse_sub.h"
#include "role/cse/cse_token_res.h"
#include "role/detail.h"
#include "wire/json.h"
#include "wire/timestamp.h"

/* accessControlPolicyIDs is changed alone, and so is dynamicAuthorizationConsultationIDs, which leads to rights as well, and by those who may change the policies it names now [TS-0004 7.4]. */
static err_t right_check(const struct cse_ask *ask, const struct cse_target *target, const json_t *content,
                         char *detail)
{
    if (!cse_policy_is_relink(content)) {
        return cse_policy_check(ask, target, OP_UPDATE, 0);
    }
    if (json_object_size(content) != 1) {
        return detail_fail(detail, ERR_NOT_PERMITTED, "acpi, or daci, must be the only attribute of an UPDATE", text_empty());
    }
    return cse_policy_relink_check(ask, target);
}

/* The attributes that the header mirrors, and what else follows from a change. */
static err_t follow(const struct cse_ask *ask, struct cse_res *r, json_t *attrs, const json_t *content, char *detail)
{
    usec_t now = ask->rq->now;
    struct text et = json_get_text(content, "et");
    r->lt = now;
    if (et.n > 0) {
        TRY(timestamp_parse(et, &r->et));
    }
    if ((r->type->flags & TYPES_HAS_STATE) != 0) {
        r->st++;
    }
    if (json_object_get(content, "acpi") != NULL) {
        TRY(cse_acp_link(ask->cse, ask->t, now, r, attrs, detail));
    }
    if (json_object_get(content, "daci") != NULL) {
        TRY(cse_das_link(ask, attrs, detail));
    }
    if (r->type->ty == TYPE_AE) {
        TRY(cse_ae_label(r->credential, attrs, detail));
    }
    bool announcer = r->creator.n > 0 && m2mid_same(r->creator, text_of(ask->from->absolute.z)); /* nobody else says whose it is */
    if (r->type->ty == TYPE_AE_ANNC && announcer && json_object_get(content, "lbl") != NULL) {
        TRY(cse_res_keep(ask->t, cse_announced_credential(attrs), &r->credential));
    }
    if (r->type->ty == TYPE_CSR && json_object_get(content, "dcse") != NULL) {
        TRY(cse_csr_descendants(ask, r, attrs, detail));
        TRY(cse_csr_release(ask->t, r, attrs));
    }
    if (r->type->ty == TYPE_GRP && (json_object_get(content, "mid") != NULL || json_object_get(content, "mnm") != NULL)) {
        TRY(cse_group_accept(ask, r, attrs, detail));
    }
    if (r->type->ty == TYPE_TK) {
        TRY(cse_token_res_put(ask, r, attrs));
    }
    if (r->type->ty == TYPE_SUB) {
        TRY(cse_notify_put(ask, r, attrs, detail));
    }
    if (r->type->ty == TYPE_CNT) {
        cse_cin_limits(r, attrs);
        TRY(cse_cin_evict(ask->t, r, now));
    }
    if ((r->type->flags & TYPES_ADMIN) != 0) {
        return cse_sub_put(ask->cse, ask->t, r, attrs, detail);
    }
    return r->type->ty == TYPE_ACP ? cse_acp_put(ask->t, r, attrs, detail) : ERR_OK;
}

static err_t announce(const struct cse_ask *ask, struct cse_res *r, const json_t *attrs, char *detail)
{
    bool before = r->announced;
    TRY(cse_announce_note(ask, r, attrs, detail));
    TRY(r->type->ty == TYPE_CB ? cse_annc_base_changed(ask->t, ask->rq->now) : ERR_OK);
    return r->announced != before ? cse_res_list(ask->t, r) : ERR_OK;
}

static err_t change(const struct cse_ask *ask, struct cse_res *r, const json_t *content, char *detail)
{
    SCOPED(json_scope) json_t *attrs = NULL;
    TRY(cse_res_attrs(ask->t, r, &attrs));
    TRY(cse_attr_update(r->type, content, ask->rq->now, attrs, detail));
    TRY(follow(ask, r, attrs, content, detail));
    TRY(announce(ask, r, attrs, detail));
    TRY(cse_ops_render(ask, r, attrs, detail));
    TRY(cse_res_put(ask->t, r));
    TRY(cse_notify_event(ask, r, CRITERIA_UPDATE, r, content));
    return cse_ops_audit(ask, AUDIT_RESOURCE_UPDATED, r->ri);
}

err_t cse_update_direct(const struct cse_ask *ask, struct text to, const struct types_row *type,
                        char detail[static ROLE_DETAIL_MAX])
{
    struct cse_target target;
    const json_t *content = NULL;
    TRY(cse_ops_find(ask, to, type, &target, detail));
    TRY(cse_attr_open(type, ask->rq, &content, detail));
    return change(ask, &target.res, content, detail);
}

err_t cse_update(const void *ctx, const struct request *rq, struct txn *t, struct response *rs)
{
    struct cse_from from;
    const struct cse_ask ask = {ctx, rq, t, &from};
    struct cse_target target;
    const json_t *content = NULL;
    uint32_t rcn = 0;
    TRY(cse_from_check(ctx, rq, t, &from, rs->detail));
    TRY(cse_addr_resolve(ctx, t, rq->prim->to, rq->now, &target));
    if (target.is_virtual || (target.res.type->flags & TYPES_IMMUTABLE) != 0) {
        return detail_fail(rs->detail, ERR_OPERATION, "a resource of this type is never updated", text_empty());
    }
    if (cse_attr_open(target.res.type, rq, &content, rs->detail) != ERR_OK) { /* a stranger learns no more than "no" */
        TRY(cse_policy_check(&ask, &target, OP_UPDATE, 0));
        return cse_attr_open(target.res.type, rq, &content, rs->detail);
    }
    if ((target.res.type->flags & TYPES_ANNOUNCED) != 0 && json_object_get(content, "lnk") != NULL) {
        TRY(cse_announced_claim(&ask, &target.res, content, rs->detail));
    }
    TRY(right_check(&ask, &target, content, rs->detail));
    TRY(cse_ops_rcn(rq->prim, &rcn, rs->detail));
    if (cse_decide_is_question(target.res.type, content)) {
        return cse_decide_answer(&ask, &target.res, content, rs);
    }
    TRY(change(&ask, &target.res, content, rs->detail));
    rs->rsc = 2004;
    return cse_ops_answer(&ask, &target.res, rcn, rs);
}
