#include "role/gate/gate_from.h"

#include "role/cse/cse_from.h"
#include "role/cse/cse_key.h"
#include "role/cse/types.h"
#include "role/detail.h"

/* R004-21, R002-63, R000-10: an association that is over, or of a framework that is not accepted, serves nobody. */
static err_t association_check(const struct gate_ctx *g, const struct request *rq, struct txn *t, char *detail)
{
    const struct association *a = rq->assoc;
    if ((g->cse.frameworks & 1U << a->framework) == 0) {
        return detail_fail(detail, ERR_DENIED_FRAMEWORK, "[gate] frameworks", text_empty());
    }
    if (a->not_after <= rq->now) {
        return detail_fail(detail, ERR_DENIED_NO_ASSOCIATION, "the association is past its lifetime", text_empty());
    }
    return a->key_id.z[0] == '\0' ? ERR_OK : cse_key_alive(t, a, detail);
}

/* May this association speak for it? A C-type AE names the CSE it is registered at. */
static bool speaks_for(const struct association *a, const struct cse_from *f)
{
    struct text id = text_of(f->absolute.z);
    if (association_is_bound_to(a, id)) {
        return true;
    }
    return a->peer == PEER_CSE && m2mid_kind(id) == M2MID_ABS_AE_C &&
           association_is_bound_to(a, text_take(id, text_find_last(id, '/')));
}

/* Absent, S or C: of a registration. The credential says who it is, if it names one alone. */
static bool is_open(struct text from)
{
    struct text t = text_starts(from, "/") ? text_skip(from, 1) : from;
    return t.n == 0 || (t.n == 1 && (t.p[0] == 'S' || t.p[0] == 'C'));
}

static err_t from_of(const struct gate_ctx *g, const struct request *rq, struct cse_from *f, char *detail)
{
    const struct primitive *p = rq->prim;
    struct text from = p->has_from ? p->from : text_empty();
    if (is_open(from)) {
        bool registers = p->op == OP_CREATE && p->has_ty && (p->ty == TYPE_AE || p->ty == TYPE_CSR);
        if (!registers || rq->assoc->ids_n != 1) {
            return detail_fail(detail, ERR_MALFORMED_FROM, "From", from);
        }
        from = text_of(rq->assoc->ids[0].z);
    }
    enum m2mid_kind k = m2mid_kind(from);
    if (!m2mid_is_ae(k) && !m2mid_is_cse(k)) {
        return detail_fail(detail, ERR_MALFORMED_FROM, "From", from);
    }
    TRY(cse_from_forms(&g->cse, from, f));
    f->authenticated = rq->assoc->peer != PEER_CSE || f->kind == CSE_FROM_CSE;
    bool self = m2mid_same(text_of(f->absolute.z), text_of(g->cse.self.z)); /* nobody else is the CSE behind */
    return !self && speaks_for(rq->assoc, f) ? ERR_OK : detail_fail(detail, ERR_DENIED_FROM, "From", from);
}

static err_t access_check(const struct gate_ctx *g, const struct request *rq, const struct cse_from *f)
{
    const struct primitive *p = rq->prim;
    const struct access_query q = {.from = cse_from_access(f), .op = access_op_bit(p->op, p->fu == 1), .now = rq->now,
                                   .ip = rq->ip, .authenticated = f->authenticated,
                                   .child_ty = p->op == OP_CREATE ? p->ty : 0};
    return g->rules_n == 0 || access_decide(bytes_of(g->rules, g->rules_n), &q) ? ERR_OK : ERR_DENIED_PRIVILEGE;
}

err_t gate_from_check(const struct gate_ctx *g, const struct request *rq, struct txn *t, struct m2mid *from,
                      char detail[static ROLE_DETAIL_MAX])
{
    struct cse_from f = {.kind = CSE_FROM_ABSENT};
    TRY(association_check(g, rq, t, detail));
    if (rq->assoc->ids_n == 0) {
        return detail_fail(detail, ERR_DENIED_NOT_REGISTERED, "the gate's credential must name the AE or CSE",
                           text_of(rq->assoc->credential_id));
    }
    TRY(from_of(g, rq, &f, detail));
    TRY(access_check(g, rq, &f));
    *from = f.stem.z[0] != '\0' ? f.stem : f.sp_relative.z[0] != '\0' ? f.sp_relative : f.absolute;
    return ERR_OK;
}
