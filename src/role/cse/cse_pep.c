#include "role/cse/cse_pep.h"

#include "role/cse/access_rules.h"
#include "role/cse/cse_das.h"
#include "role/cse/cse_decide.h"
#include "role/cse/cse_points.h"
#include "wire/json.h"

#define WHO_DECIDES (CSE_POINTS_DECISION | CSE_POINTS_POLICIES)

/* -- what they said ---------------------------------------------------------------------------------------------------- */
/* A PDP was told the roles and the address, so what it decided is for these. The rules of a PRP are looked at again with each request. */
err_t cse_pep_key(const struct cse_ask *ask, const struct cse_pep_about *about, struct keyid *out)
{
    struct keyid base;
    struct writer w = WRITER_ARRAY(out->z);
    TRY(cse_das_key(ask, &(struct cse_das_what){about->res, about->op, about->child_ty, about->decision}, &base));
    writer_z(&w, base.z);
    writer_z(&w, ".");
    writer_decimal(&w, about->i);
    return writer_finish_z(&w);
}

static err_t key_of(const struct cse_ask *ask, struct cse_pep_about about, const struct cse_point *p, struct keyid *out)
{
    about.decision = p->kind == CSE_POINTS_DECISION;
    return cse_pep_key(ask, &about, out);
}

err_t cse_pep_permitted(const struct cse_ask *ask, const struct cse_target *target, const struct access_query *q, bool *out)
{
    struct cse_points l;
    *out = false;
    if (!ask->cse->distributed || ask->from->kind == CSE_FROM_ABSENT || !ask->from->authenticated) { /* asked for who he is, not for his name */
        return ERR_OK;
    }
    TRY(cse_points_of(ask, cse_points_holder(target), WHO_DECIDES, &l));
    for (size_t i = 0; i < l.n; i++) {
        struct cse_das_grant g;
        struct keyid key;
        enum cse_points_said said;
        TRY(key_of(ask, (struct cse_pep_about){&target->res, q->op, q->child_ty, i, false}, &l.at[i], &key));
        TRY(cse_points_said(ask, &l.at[i], text_of(key.z), &g, &said));
        if (said == CSE_POINTS_SAID) {
            *out = access_decide(g.rules, q);
        }
        if (said != CSE_POINTS_NOT_MINE) { /* the first that has a say decides */
            return ERR_OK;
        }
    }
    return ERR_OK;
}

/* -- the question -------------------------------------------------------------------------------------------------------- */
static err_t address_write(const struct cse_ask *ask, const struct cse_res *r, struct emit *e)
{
    char z[M2MID_MAX + (CSE_RES_DEPTH_MAX + 2) * 65];
    struct writer w = WRITER_ARRAY(z);
    writer_z(&w, ask->cse->self.z);
    writer_z(&w, "/");
    TRY(cse_addr_write(ask->cse, ask->t, r, ask->rq->now, &w));
    TRY(writer_finish(&w));
    emit_text(e, "to", writer_view_text(&w));
    return ERR_OK;
}

static err_t body_write(const struct cse_ask *ask, const struct cse_res *r, uint32_t child_ty, bool decision, struct writer *w)
{
    const struct primitive *p = ask->rq->prim;
    struct emit e = emit_to(w);
    emit_object(&e, NULL);
    emit_object(&e, types_find(decision ? TYPE_AUDS : TYPE_AUPY)->root);
    TRY(address_write(ask, r, &e));
    if (decision) {
        emit_z(&e, "fr", ask->from->absolute.z);
        emit_number(&e, "op", p->op);
        if (child_ty != 0) {
            emit_number(&e, "rrt", child_ty);
        }
        if (p->op == OP_RETRIEVE && p->fu == 1) {
            emit_number(&e, "fu", p->fu);
        }
        cse_das_emit_texts(&e, "rids", p->rids.at, p->rids.n);
        emit_time(&e, "rtm", ask->rq->now);
        cse_das_emit_address(&e, &ask->rq->ip);
    }
    emit_close_object(&e);
    emit_close_object(&e);
    return writer_finish(w);
}

static err_t ask_point(const struct cse_ask *ask, const struct cse_target *target, uint32_t child_ty, const struct cse_point *p,
                       struct question *q)
{
    const bool decision = p->kind == CSE_POINTS_DECISION;
    uint8_t *body = arena_alloc(ask->t->arena, CSE_DAS_BODY_MAX);
    struct writer w = writer_of(body, body == NULL ? 0 : CSE_DAS_BODY_MAX);
    TRY(cse_points_question(ask, p, q));
    TRY(body_write(ask, &target->res, child_ty, decision, &w));
    q->suid = decision ? CSE_PEP_SUID_DECISION : CSE_PEP_SUID_POLICIES;
    q->body = writer_view(&w);
    return ERR_OK;
}

err_t cse_pep_need(const struct cse_ask *ask, const struct cse_target *target, uint32_t child_ty, struct question *q)
{
    struct cse_points l;
    const unsigned op = access_op_bit(ask->rq->prim->op, ask->rq->prim->fu == 1);
    TRY(ask->cse->distributed ? cse_points_of(ask, cse_points_holder(target), WHO_DECIDES, &l) : ERR_NOT_FOUND);
    for (size_t i = 0; i < l.n; i++) {
        struct cse_das_grant g;
        enum cse_points_said said;
        TRY(key_of(ask, (struct cse_pep_about){&target->res, op, child_ty, i, false}, &l.at[i], &q->key_id));
        TRY(cse_points_said(ask, &l.at[i], text_of(q->key_id.z), &g, &said));
        if (said != CSE_POINTS_NOT_MINE) {
            return said == CSE_POINTS_SAID ? ERR_NOT_FOUND : ask_point(ask, target, child_ty, &l.at[i], q);
        }
    }
    return ERR_NOT_FOUND;
}

/* -- the answer ---------------------------------------------------------------------------------------------------------- */
static err_t everything(struct writer *rules, bool permit)
{
    SCOPED(json_scope) json_t *pv = permit ? json_pack("{s:[{s:[s],s:i}]}", "acr", "acor", "all", "acop", ACCESS_ALL)
                                           : json_pack("{s:[]}", "acr");
    char detail[ROLE_DETAIL_MAX];
    return access_rules_compile(pv, "pv", rules, detail);
}

/* A relative name was meant where it was written: here it would be somebody else. Other things are the compiler's to refuse. */
static bool means_the_same_here(const json_t *v)
{
    struct text t = text_span(json_string_value(v), json_string_length(v));
    return !json_is_string(v) || text_eq_z(t, "all") || text_eq_z(t, "*") || text_starts(t, "//") || access_is_role(t);
}

/* Without the names that mean somebody else here, and the rules that had no others. */
static void drop_relative(json_t *acr)
{
    for (size_t i = json_array_size(acr); i-- > 0;) {
        json_t *acor = json_object_get(json_array_get(acr, i), "acor");
        for (size_t k = json_array_size(acor); k-- > 0;) {
            if (!means_the_same_here(json_array_get(acor, k))) {
                (void)json_array_remove(acor, k);
            }
        }
        if (json_is_array(acor) && json_array_size(acor) == 0) {
            (void)json_array_remove(acr, i);
        }
    }
}

/* Permit-overrides: the rules of all policies are those of one. */
static err_t merged(const json_t *ps, struct writer *rules)
{
    SCOPED(json_scope) json_t *acr = json_array();
    SCOPED(json_scope) json_t *pv = json_object();
    char detail[ROLE_DETAIL_MAX];
    const json_t *list = json_object_get(ps, "pv");
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *one = json_object_get(json_array_get(list, i), "acr");
        if (one != NULL && (!json_is_array(one) || json_array_extend(acr, (json_t *)(uintptr_t)one) != 0)) {
            return ERR_PEER_NONSENSE;
        }
    }
    drop_relative(acr);
    bool good = json_is_array(list) && json_object_set(pv, "acr", acr) == 0;
    return good && access_rules_compile(pv, "pv", rules, detail) == ERR_OK ? ERR_OK : ERR_PEER_NONSENSE;
}

err_t cse_pep_response(struct bytes body, bool decision, struct writer *rules)
{
    SCOPED(json_scope) json_t *root = NULL;
    if (json_parse(body, &root) != ERR_OK) {
        return ERR_PEER_NONSENSE;
    }
    const json_t *v = json_object_get(root, types_find(decision ? TYPE_AUDS : TYPE_AUPY)->root);
    const json_int_t sus = json_integer_value(json_object_get(v, "sus"));
    const json_int_t dec = json_integer_value(json_object_get(v, "dec"));
    if (sus == CSE_DECIDE_NOT_APPLICABLE) {
        return ERR_OK;
    }
    if (sus != CSE_DECIDE_OK) { /* its difficulties permit nothing */
        return ERR_PEER_NONSENSE;
    }
    if (!decision) {
        const json_int_t ca = json_integer_value(json_object_get(v, "ca"));
        return ca == CSE_DECIDE_PERMIT_OVERRIDES ? merged(json_object_get(v, "ps"), rules) : ERR_PEER_NONSENSE;
    }
    return dec == CSE_DECIDE_PERMIT || dec == CSE_DECIDE_DENY ? everything(rules, dec == CSE_DECIDE_PERMIT) : ERR_PEER_NONSENSE;
}

err_t cse_pep_answer(const struct cse *cse, const struct question *q, const struct answer *a, struct txn *t, usec_t now,
                     struct role_psk *out)
{
    uint8_t *buf = arena_alloc(t->arena, 2 * ACCESS_COMPILED_MAX);
    struct writer rules = writer_of(buf, buf == NULL ? 0 : 2 * ACCESS_COMPILED_MAX);
    TRY(cse_points_status(cse, a));
    TRY(cse_pep_response(a->body, q->suid == CSE_PEP_SUID_DECISION, &rules));
    out->verdict = ROLE_TAKEN;
    return cse_points_keep(cse, q, writer_view(&rules), t, now);
}
