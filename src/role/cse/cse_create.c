#include "role/cse/cse_acp.h"
#include "role/cse/cse_ae.h"
#include "role/cse/cse_announce.h"
#include "role/cse/cse_announced.h"
#include "role/cse/cse_attr.h"
#include "role/cse/cse_cin.h"
#include "role/cse/cse_csr.h"
#include "role/cse/cse_dns.h"
#include "role/cse/cse_das.h"
#include "role/cse/cse_group.h"
#include "role/cse/cse_notify.h"
#include "role/cse/cse_ops.h"
#include "role/cse/cse_poll.h"
#include "role/cse/cse_prior.h"
#include "role/cse/cse_role.h"
#include "role/cse/cse_sub.h"
#include "role/cse/cse_sweep.h"
#include "role/cse/cse_token_res.h"
#include "role/detail.h"
#include "wire/json.h"
#include "wire/timestamp.h"

#define SWEEP_EVERY 16 /* CREATEs per look for garbage */

/* Everything about one CREATE in the making. */
struct making {
    struct cse_ask ask;
    struct cse_target target;
    struct cse_uid uid;
    struct cse_res res;
    json_t *attrs;
    char *detail;
};

static void making_wipe(struct making *m)
{
    json_decref(m->attrs);
}

/* It has its identifier from its originator, who needs no right: a registration, or an announcement. */
static bool is_registration(const struct making *m)
{
    return (m->res.type->flags & (TYPES_REGISTRATION | TYPES_ANNOUNCED)) != 0;
}

/* -- checks -------------------------------------------------------------------------------------------- */
static err_t type_check(struct making *m, const struct primitive *p)
{
    if (!p->has_ty) {
        return detail_fail(m->detail, ERR_MISSING, "resource type (ty)", text_empty());
    }
    m->res.type = types_find(p->ty);
    if (m->res.type == NULL) {
        return ERR_TYPE_UNSUPPORTED;
    }
    if ((m->res.type->flags & TYPES_NOT_BY_REQUEST) != 0) {
        return detail_fail(m->detail, ERR_OPERATION, "this type is not created by request",
                           text_of(m->res.type->name));
    }
    return ERR_OK;
}

static err_t parent_check(struct making *m)
{
    const struct types_row *parent = m->target.res.type;
    if (m->target.is_virtual) {
        return detail_fail(m->detail, ERR_OPERATION, "la and ol have no children", text_empty());
    }
    if (!is_registration(m)) { /* registration is not a matter of policies (12.4 rule 5, R002-23) */
        TRY(cse_policy_check(&m->ask, &m->target, OP_CREATE, m->res.type->ty));
    }
    if (!types_is_child(parent, m->res.type->ty)) {
        return detail_fail(m->detail, ERR_CHILD_TYPE, m->res.type->name, text_of(parent->name));
    }
    return ERR_OK;
}

static err_t depth_check(struct making *m)
{
    struct cse_res at = m->target.res;
    for (size_t depth = 2; at.pi.n > 0; depth++) {
        struct cse_res up;
        if (depth >= CSE_RES_DEPTH_MAX) {
            return detail_fail(m->detail, ERR_LIMIT_DEPTH, "containers", text_empty());
        }
        TRY(cse_res_parent(m->ask.t, &at, m->ask.rq->now, &up));
        at = up;
    }
    return ERR_OK;
}

/* -- the header ---------------------------------------------------------------------------------------- */
static usec_t expires(const struct making *m)
{
    usec_t et = 0;
    struct text given = json_get_text(m->attrs, "et");
    if (given.n > 0 && timestamp_parse(given, &et) == ERR_OK) {
        return et;
    }
    if ((m->res.type->flags & TYPES_ADMIN) != 0 && m->res.type->ty != TYPE_MSSP) { /* they end with the contract */
        return USEC_NEVER;
    }
    if (m->res.type->ty == TYPE_CIN) { /* its container decides how long it is needed */
        return m->target.res.et;
    }
    return m->ask.rq->now + m->ask.cse->lifetime;
}

static err_t header(struct making *m)
{
    const struct cse_res *parent = &m->target.res;
    struct cse_res *r = &m->res;
    TRY(cse_res_uid(m->ask.cse, m->ask.rq->now, &m->uid));
    r->node = text_of(m->uid.z);
    r->ri = r->node;
    r->pi = parent->ri;
    r->pnode = parent->node;
    r->creator = text_of(m->ask.from->absolute.z);
    r->ct = m->ask.rq->now;
    r->lt = r->ct;
    r->et = expires(m);
    return ERR_OK;
}

/* -- rules of single types ------------------------------------------------------------------------------ */
static err_t accept_ae(struct making *m)
{
    return cse_ae_accept(&m->ask, &m->res, m->attrs, m->detail);
}

static err_t accept_csr(struct making *m)
{
    return cse_csr_accept(&m->ask, &m->res, m->attrs, m->detail);
}

static err_t finish_csr(struct making *m)
{
    return cse_dns_note(&m->ask, &m->res, m->attrs);
}

static err_t accept_cnt(struct making *m)
{
    cse_cin_limits(&m->res, m->attrs);
    return depth_check(m);
}

static err_t accept_cin(struct making *m)
{
    return cse_cin_accept(m->ask.t, &m->target.res, &m->res, m->attrs, m->detail);
}

static err_t accept_grp(struct making *m)
{
    return cse_group_accept(&m->ask, &m->res, m->attrs, m->detail);
}

static err_t accept_annc(struct making *m)
{
    return cse_announced_accept(&m->ask, &m->target.res, &m->res, m->attrs, m->detail);
}

static err_t accept_rol(struct making *m)
{
    return cse_role_accept(&m->ask, &m->target.res, m->attrs, m->detail);
}

static err_t finish_rol(struct making *m)
{
    return cse_role_put(&m->ask, &m->target.res, &m->res, m->attrs);
}

static err_t accept_tk(struct making *m)
{
    return cse_token_res_accept(&m->ask, &m->res, m->attrs, m->detail);
}

static err_t finish_tk(struct making *m)
{
    return cse_token_res_put(&m->ask, &m->res, m->attrs);
}

static err_t finish_acp(struct making *m)
{
    return cse_acp_put(m->ask.t, &m->res, m->attrs, m->detail);
}

static err_t finish_cin(struct making *m)
{
    return cse_res_put(m->ask.t, &m->target.res); /* counters of the container */
}

static err_t finish_sub(struct making *m)
{
    return cse_sub_put(m->ask.cse, m->ask.t, &m->res, m->attrs, m->detail);
}

static err_t accept_watch(struct making *m)
{
    return cse_notify_watch(&m->ask, &m->target.res, m->detail);
}

static err_t finish_watch(struct making *m)
{
    TRY(cse_notify_put(&m->ask, &m->res, m->attrs, m->detail));
    return cse_prior_tell(&m->ask, &m->target.res, &m->res, cse_attr_uint(m->attrs, "psn"));
}

static err_t accept_pch(struct making *m)
{
    return cse_poll_accept(&m->ask, &m->target.res, m->detail);
}

static const struct {
    uint32_t ty;
    err_t (*accept)(struct making *m); /* header and attributes, before the text is written */
    err_t (*finish)(struct making *m); /* what is staged beside the resource */
} hooks[] = {
    {TYPE_AE, accept_ae, NULL},
    {TYPE_CSR, accept_csr, finish_csr},
    {TYPE_CNT, accept_cnt, NULL},
    {TYPE_CIN, accept_cin, finish_cin},
    {TYPE_ACP, NULL, finish_acp},
    {TYPE_GRP, accept_grp, NULL},
    {TYPE_MSSP, NULL, finish_sub},
    {TYPE_SVSN, NULL, finish_sub},
    {TYPE_ASAR, NULL, finish_sub},
    {TYPE_PCH, accept_pch, NULL},
    {TYPE_ROL, accept_rol, finish_rol},
    {TYPE_TK, accept_tk, finish_tk},
    {TYPE_SUB, accept_watch, finish_watch},
    {TYPE_AE_ANNC, accept_annc, NULL},
    {TYPE_CNT_ANNC, accept_annc, NULL},
    {TYPE_CIN_ANNC, accept_annc, NULL},
    {TYPE_CB_ANNC, accept_annc, NULL},
};

static err_t run_hook(struct making *m, bool finish)
{
    for (size_t i = 0; i < ARRAY_LEN(hooks); i++) {
        err_t (*hook)(struct making *) = finish ? hooks[i].finish : hooks[i].accept;
        if (hooks[i].ty == m->res.type->ty && hook != NULL) {
            return hook(m);
        }
    }
    return ERR_OK;
}

/* -- the name ------------------------------------------------------------------------------------------- */
/* An expired resource still owns its records: they go before a successor takes the name or the identifier. */
static err_t clear(struct making *m, const struct cse_res *old)
{
    TRY(cse_csr_release(m->ask.t, old, m->attrs));
    TRY(cse_res_remove(m->ask.t, old));
    if (old->type->ty == TYPE_CIN) {
        cse_cin_replaced(&m->target.res, old);
        TRY(cse_res_put(m->ask.t, &m->target.res));
    }
    return (old->type->flags & TYPES_HAS_CHILDREN) != 0 ? cse_sweep_add(m->ask.t, old->node) : ERR_OK;
}

#define ANY_TIME INT64_MIN

/* Directly under the CSEBase an AE is also found by its AE-ID: one that belongs to a credential names nothing else. */
static err_t name_unreserved(struct making *m, struct text rn)
{
    struct store_value v;
    if (m->target.res.pi.n > 0 || text_eq(rn, m->res.ri)) {
        return ERR_OK;
    }
    err_t e = txn_get(m->ask.t, TABLE_CSE_AE, rn, &v);
    return e == ERR_OK ? detail_fail(m->detail, ERR_EXISTS, "rn", rn) : e == ERR_NOT_FOUND ? ERR_OK : e;
}

/* No name given: the resource identifier, unless a sibling has that name already. */
static err_t name_default(struct making *m)
{
    struct cse_res *r = &m->res;
    struct cse_res sibling;
    r->rn = r->ri;
    if (!is_registration(m)) { /* any other identifier is new and random */
        return ERR_OK;
    }
    err_t e = cse_res_child(m->ask.t, &m->target.res, r->ri, ANY_TIME, &sibling);
    if (e == ERR_OK && !text_eq(sibling.ri, r->ri)) {
        r->rn = r->node;
    }
    return e == ERR_NOT_FOUND ? ERR_OK : e;
}

static err_t name_free(struct making *m)
{
    struct cse_res *r = &m->res;
    struct cse_res old;
    struct text given = json_get_text(m->attrs, "rn");
    TRY(given.n > 0 ? name_unreserved(m, given) : name_default(m));
    r->rn = given.n > 0 ? given : r->rn;
    err_t e = given.n > 0 ? cse_res_child(m->ask.t, &m->target.res, given, ANY_TIME, &old) : ERR_NOT_FOUND;
    if (e == ERR_OK && old.et > m->ask.rq->now) {
        return detail_fail(m->detail, ERR_EXISTS, "rn", given);
    }
    if (e == ERR_OK) {
        TRY(clear(m, &old));
    } else if (e != ERR_NOT_FOUND) {
        return e;
    }
    if (!is_registration(m)) {
        return ERR_OK;
    }
    e = cse_res_get(m->ask.t, r->ri, ANY_TIME, &old); /* the identifier of an AE or CSE whose registration expired */
    return e == ERR_OK ? clear(m, &old) : e == ERR_NOT_FOUND ? ERR_OK : e;
}

/* -- all of it ------------------------------------------------------------------------------------------ */
static err_t make(struct making *m)
{
    const json_t *content = NULL;
    TRY(cse_attr_open(m->res.type, m->ask.rq, &content, m->detail));
    TRY(cse_attr_create(m->res.type, content, m->ask.rq->now, &m->attrs, m->detail));
    TRY(header(m));
    TRY(run_hook(m, false));
    TRY(name_free(m));
    TRY(cse_acp_link(m->ask.cse, m->ask.t, m->ask.rq->now, &m->res, m->attrs, m->detail));
    TRY(cse_das_link(&m->ask, m->attrs, m->detail));
    TRY(cse_announce_note(&m->ask, &m->res, m->attrs, m->detail));
    TRY(cse_ops_render(&m->ask, &m->res, m->attrs, m->detail));
    TRY(cse_res_add(m->ask.t, &m->res));
    TRY(run_hook(m, true));
    return cse_notify_event(&m->ask, &m->target.res, CRITERIA_CREATE_CHILD, &m->res, NULL);
}

static err_t answer(struct making *m, uint32_t rcn, struct response *rs)
{
    struct writer w = WRITER_ARRAY(rs->location);
    writer_z(&w, m->ask.cse->csi.z);
    writer_u8(&w, '/');
    writer_text(&w, m->res.ri);
    TRY(writer_finish_z(&w));
    rs->rsc = 2001;
    return cse_ops_answer(&m->ask, &m->res, rcn, rs);
}

static err_t audit(struct making *m)
{
    if ((m->res.type->flags & TYPES_REGISTRATION) == 0) {
        return cse_ops_audit(&m->ask, AUDIT_RESOURCE_CREATED, m->res.ri);
    }
    bool ae = m->res.type->ty == TYPE_AE;
    return cse_ops_audit(&m->ask, ae ? AUDIT_AE_REGISTERED : AUDIT_CSE_REGISTERED, m->res.creator);
}

err_t cse_create_direct(const struct cse_ask *ask, struct text parent, const struct types_row *type,
                        char detail[static ROLE_DETAIL_MAX])
{
    SCOPED(making_wipe) struct making m = {.ask = *ask, .detail = detail, .res = {.type = type}};
    err_t e = cse_addr_resolve(ask->cse, ask->t, parent, ask->rq->now, &m.target);
    if (e != ERR_OK) {
        return detail_fail(detail, e, "parent", parent);
    }
    if (!types_is_child(m.target.res.type, type->ty)) {
        return detail_fail(detail, ERR_CHILD_TYPE, type->name, parent);
    }
    TRY(make(&m));
    return audit(&m);
}

err_t cse_create(const void *ctx, const struct request *rq, struct txn *t, struct response *rs)
{
    struct cse_from from;
    SCOPED(making_wipe) struct making m = {.ask = {ctx, rq, t, &from}, .detail = rs->detail};
    uint32_t rcn = 0;
    TRY(cse_from_check(ctx, rq, t, &from, rs->detail));
    TRY(cse_addr_resolve(ctx, t, rq->prim->to, rq->now, &m.target));
    TRY(type_check(&m, rq->prim));
    TRY(parent_check(&m));
    TRY(cse_ops_rcn(rq->prim, &rcn, rs->detail));
    TRY(make(&m));
    TRY(audit(&m));
    /* A registration with all its descendants, and one before it, fill a transaction as it is. */
    if (!is_registration(&m) && m.uid.z[CSE_RES_UID_LEN - 1] % SWEEP_EVERY == 0) {
        TRY(cse_sweep_run(t));
    }
    return answer(&m, rcn, rs);
}
