#include "role/cse/cse_policy.h"

#include "role/cse/cse_acp.h"
#include "role/cse/cse_das.h"
#include "role/cse/cse_pep.h"
#include "role/cse/cse_pip.h"
#include "role/cse/cse_points.h"
#include "role/cse/cse_role.h"
#include "role/cse/cse_sub.h"
#include "role/cse/cse_token_res.h"
#include "wire/json.h"

static struct access_query query_of(const struct cse_ask *ask, const struct cse_res *target, enum op op,
                                    uint32_t child_ty)
{
    return (struct access_query){
        .from = cse_from_access(ask->from),
        .op = access_op_bit(op, ask->rq->prim->fu == 1),
        .now = ask->rq->now,
        .ip = ask->rq->ip,
        .authenticated = ask->from->authenticated,
        .target_ty = target->type->ty,
        .child_ty = child_ty,
        .definition = text_empty(), /* no type with a specialization is supported yet */
    };
}

#define LOOKUPS_MAX 256 /* of groups and their members, for one decision: a policy full of them must not cost the CSE its time */
#define READ_A_LOOKUP 2048 /* octets that one may read; beyond them it counts as several */

/* -- groups and roles that the rules name -------------------------------------------------------------------------- */
/* What a policy names: *found is false if it is not there, or so much work that it gives no rights. */
static err_t look_up(const struct cse_ask *ask, struct text to, unsigned *left, struct cse_target *out, bool *found)
{
    const uint64_t before = ask->t->read;
    --*left;
    err_t e = cse_addr_resolve(ask->cse, ask->t, to, ask->rq->now, out);
    const uint64_t cost = (ask->t->read - before) / READ_A_LOOKUP;
    *left -= cost < *left ? (unsigned)cost : *left;
    *found = e == ERR_OK;
    return e == ERR_NOT_FOUND || e == ERR_MALFORMED_TO || e == ERR_LIMIT_CAPACITY ? ERR_OK : e;
}

/* Is a member of a group the originator? It is named by its identifier, or by the address of its resource here. */
static err_t is_member(const struct cse_ask *ask, struct text member, unsigned *left, bool *out)
{
    struct m2mid absolute;
    struct cse_target at;
    struct text self = text_of(ask->from->absolute.z);
    if (m2mid_absolute(member, text_of(ask->cse->self.z), &absolute) == ERR_OK && m2mid_same(text_of(absolute.z), self)) {
        *out = true;
        return ERR_OK;
    }
    if (!cse_addr_is_local(ask->cse, member) || *left == 0) {
        return ERR_OK;
    }
    bool found = false;
    TRY(look_up(ask, member, left, &at, &found));
    *out = found && !at.is_virtual && (at.res.type->flags & TYPES_REGISTRATION) != 0 && m2mid_same(at.res.creator, self);
    return ERR_OK;
}

/* A group that is gone, or no group: no member. */
static err_t in_group(const struct cse_ask *ask, struct text group, unsigned *left, bool *out)
{
    SCOPED(json_scope) json_t *attrs = NULL;
    struct cse_target at;
    *out = false;
    if (!cse_addr_is_local(ask->cse, group) || *left == 0) {
        return ERR_OK;
    }
    bool found = false;
    TRY(look_up(ask, group, left, &at, &found));
    if (!found || at.is_virtual || at.res.type->ty != TYPE_GRP) {
        return ERR_OK;
    }
    TRY(cse_res_attrs(ask->t, &at.res, &attrs));
    const json_t *mid = json_object_get(attrs, "mid");
    for (size_t i = 0; i < json_array_size(mid) && !*out; i++) {
        const json_t *v = json_array_get(mid, i);
        TRY(is_member(ask, text_span(json_string_value(v), json_string_length(v)), left, out));
    }
    return ERR_OK;
}

/* One decision in the making. */
struct asking {
    const struct cse_ask *ask;
    const struct cse_target *target;
    const struct access_query *q;
    unsigned left; /* look-ups */
};

static err_t has_role(const struct asking *a, struct text role, bool *out)
{
    TRY(cse_role_holds(a->ask, role, out));
    TRY(*out || a->ask->cse->subscription ? ERR_OK : cse_token_holds(a->ask, a->target, role, out));
    return *out || a->ask->cse->subscription ? ERR_OK : cse_pip_holds(a->ask, cse_points_holder(a->target), role, out);
}

/* The decision, and when it is no, once more with the groups that the originator is in and the roles he acts in. They are
 * looked up only then, and only those of rules that permit otherwise. */
static err_t decide(struct asking *a, struct bytes rules, bool *out)
{
    struct text open[ACCESS_OPEN_MAX];
    *out = access_decide(rules, a->q);
    size_t n = *out || a->ask->from->kind == CSE_FROM_ABSENT ? 0 : access_open(rules, a->q, open, ARRAY_LEN(open));
    for (size_t i = 0; i < n && !*out; i++) {
        TRY(access_is_role(open[i]) ? has_role(a, open[i], out) : in_group(a->ask, open[i], &a->left, out));
    }
    return ERR_OK;
}

/* OR over the policies of the list; one that is gone or expired grants nothing. */
static err_t any_permits(struct asking *a, const struct cse_res *holder, bool self, bool *out)
{
    *out = false;
    for (size_t i = 0; i < holder->acpi_n && !*out; i++) {
        struct cse_acp acp;
        err_t e = cse_acp_get(a->ask->cse, a->ask->t, holder->acpi[i], a->ask->rq->now, &acp);
        if (e == ERR_NOT_FOUND) {
            continue;
        }
        TRY(e);
        TRY(decide(a, self ? acp.pvs : acp.pv, out));
    }
    return ERR_OK;
}

static bool is_creator(const struct cse_ask *ask, const struct cse_res *r)
{
    return r->creator.n > 0 && m2mid_same(r->creator, text_of(ask->from->absolute.z));
}

/*
 * The administrator of the configuration stands where no policy can stand yet: the CSEBase, the policies directly
 * under it and service subscriptions. Everything else is decided by the policies he writes. (No default administrator.)
 */
static bool admin_permits(const struct cse_ask *ask, const struct cse_res *target)
{
    bool base = target->pi.n == 0;
    bool base_policy = target->type->ty == TYPE_ACP && text_eq_z(target->pi, ask->cse->root.z);
    bool subscription = (target->type->flags & (TYPES_ADMIN | TYPES_ANNOUNCED)) != 0; /* announcements: he says who may see them */
    return (base || base_policy || subscription) && cse_from_is_admin(ask->cse, ask->from);
}

/* What stands for a resource of another CSE is that one's to keep, whoever else may see it. */
static bool announcer_permits(const struct cse_ask *ask, const struct cse_res *target, enum op op)
{
    return (target->type->flags & TYPES_ANNOUNCED) != 0 && op != OP_NOTIFY && is_creator(ask, target);
}

/* It says what it says of that one alone: by its Credential-ID an AE may move (part 11.3), so no policy and no administrator gives
 * others a right to change it. The administrator may end it, and anybody whom a policy permits may subscribe to it. */
static bool is_announcers_alone(const struct cse_ask *ask, const struct cse_res *target, enum op op, uint32_t child_ty)
{
    bool changes = op == OP_UPDATE || (op == OP_CREATE && child_ty != TYPE_SUB) ||
                   (op == OP_DELETE && !cse_from_is_admin(ask->cse, ask->from));
    return changes && (target->type->flags & TYPES_ANNOUNCED) != 0;
}

/* R002-68, R002-69: what the contract does not include is refused, whoever's policy permits it. One's own registration can
 * always be looked at, changed and ended. */
static err_t service_check(const struct cse_ask *ask, const struct cse_res *target, uint32_t child_ty)
{
    const struct types_row *type = child_ty != 0 ? types_find(child_ty) : target->type;
    bool own = target->type->ty == TYPE_AE && child_ty == 0 && is_creator(ask, target);
    return type == NULL || own || cse_sub_includes(ask->from->services, type) ? ERR_OK : ERR_DENIED_SERVICE;
}

/* Applications get in by these: a right to create children of the CSEBase does not reach so far. */
static bool is_above_policies(const struct cse_ask *ask, const struct cse_res *target, uint32_t child_ty)
{
    const struct types_row *child = child_ty != 0 ? types_find(child_ty) : NULL;
    return child != NULL && (child->flags & TYPES_ADMIN) != 0 && target->pi.n == 0 &&
           !cse_from_is_admin(ask->cse, ask->from);
}

/* Tokens that a DAS has given for this request: the decision again, as if he had shown them [TS-0003 7.3.2.2 step 4.2]. */
static err_t check_with(const struct cse_ask *ask, const struct cse_tokens *tokens, const struct cse_target *target, enum op op, uint32_t child_ty)
{
    struct request rq = *ask->rq;
    struct primitive prim = *rq.prim;
    prim.given = tokens;
    rq.prim = &prim;
    return cse_policy_check(&(struct cse_ask){ask->cse, &rq, ask->t, ask->from}, target, op, child_ty);
}

err_t cse_policy_check(const struct cse_ask *ask, const struct cse_target *target, enum op op, uint32_t child_ty)
{
    const struct cse_tokens *tokens = NULL;
    const struct cse_res *holder = &target->res;
    const struct access_query q = query_of(ask, holder, op, child_ty);
    struct asking asking = {ask, target, &q, LOOKUPS_MAX};
    bool permitted = false;
    if (announcer_permits(ask, holder, op)) {
        return ERR_OK;
    }
    if (is_announcers_alone(ask, holder, op, child_ty)) {
        return ERR_DENIED_PRIVILEGE;
    }
    if (admin_permits(ask, holder) || cse_role_permits(ask, holder, child_ty)) {
        return ERR_OK;
    }
    TRY(cse_token_res_permits(ask, holder, op, child_ty, &permitted));
    if (permitted) {
        return ERR_OK;
    }
    TRY(service_check(ask, holder, child_ty));
    if (is_above_policies(ask, holder, child_ty)) {
        return ERR_DENIED_PRIVILEGE;
    }
    if (holder->type->ty == TYPE_ACP) { /* rule 1, R002-34 */
        struct cse_acp acp;
        TRY(cse_acp_get(ask->cse, ask->t, holder->ri, ask->rq->now, &acp));
        TRY(decide(&asking, acp.pvs, &permitted));
        return permitted ? ERR_OK : ERR_DENIED_PRIVILEGE;
    }
    if ((holder->type->flags & TYPES_HAS_ACPI) == 0) { /* rule 2 */
        if (!target->has_parent) {
            return ERR_DENIED_PRIVILEGE;
        }
        holder = &target->parent;
    }
    if (holder->has_acpi) { /* rule 3 */
        TRY(any_permits(&asking, holder, false, &permitted));
    } else { /* rule 4 */
        permitted = is_creator(ask, holder);
    }
    if (!permitted) { /* rule 6 */
        TRY(cse_token_permits(ask, target, &q, &permitted));
    }
    if (!permitted) { /* rule 6, as far as it was asked before */
        TRY(cse_das_granted(ask, target, &q, &permitted, &tokens));
    }
    if (tokens != NULL) {
        return check_with(ask, tokens, target, op, child_ty);
    }
    if (!permitted) {
        TRY(cse_pep_permitted(ask, target, &q, &permitted));
    }
    return permitted ? ERR_OK : ERR_DENIED_PRIVILEGE; /* rule 7 */
}

err_t cse_policy_by(const struct cse_ask *ask, const struct cse_res *holder, enum op op, uint32_t child_ty)
{
    struct access_query q = query_of(ask, holder, op, child_ty);
    const struct cse_target target = {.res = *holder};
    q.target_ty = 0; /* of its type nothing is known: a rule for one type (acod.ty) does not hold */
    bool permitted = false;
    TRY(any_permits(&(struct asking){ask, &target, &q, LOOKUPS_MAX}, holder, false, &permitted));
    return permitted ? ERR_OK : ERR_DENIED_PRIVILEGE;
}

bool cse_policy_is_relink(const json_t *content)
{
    return json_object_get(content, "acpi") != NULL || json_object_get(content, "daci") != NULL;
}

err_t cse_policy_relink_check(const struct cse_ask *ask, const struct cse_target *target)
{
    const struct cse_res *r = &target->res;
    bool permitted = admin_permits(ask, r);
    TRY(permitted ? ERR_OK : service_check(ask, r, 0));
    if (!permitted && r->has_acpi) {
        const struct access_query q = query_of(ask, r, OP_UPDATE, 0);
        TRY(any_permits(&(struct asking){ask, target, &q, LOOKUPS_MAX}, r, true, &permitted));
    } else if (!permitted) {
        permitted = is_creator(ask, r);
    }
    return permitted ? ERR_OK : ERR_DENIED_PRIVILEGE;
}
