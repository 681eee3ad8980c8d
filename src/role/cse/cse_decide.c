#include "role/cse/cse_decide.h"

#include "role/cse/cse_attr.h"
#include "role/cse/cse_ops.h"
#include "role/cse/cse_pip.h"
#include "role/cse/cse_points.h"
#include "role/cse/cse_role.h"
#include "role/cse/cse_token_ask.h"
#include "role/cse/cse_token_res.h"
#include "role/detail.h"
#include "wire/emit.h"
#include "wire/json.h"
#include "wire/target.h"

#include <string.h>

/* -- what a question is made of --------------------------------------------------------------------------------------- */
static const struct shape {
    uint32_t ty;
    const char *must[4], *may[9];
} shapes[] = {
    {TYPE_AUDS, {"to", "fr", "op"}, {"rrt", "fu", "rids", "tids", "tkns", "rtm", "olo", "oip"}},
    {TYPE_AUPY, {"to"}, {NULL}},
    {TYPE_AUIF, {"fr"}, {"rids", "tids"}},
};

static const struct shape *shape_of(uint32_t ty)
{
    for (size_t i = 0; i < ARRAY_LEN(shapes); i++) {
        if (shapes[i].ty == ty) {
            return &shapes[i];
        }
    }
    return NULL;
}

static bool is_among(const char *name, const char *const *list, size_t cap)
{
    for (size_t i = 0; i < cap && list[i] != NULL; i++) {
        if (strcmp(name, list[i]) == 0) {
            return true;
        }
    }
    return false;
}

static bool is_part(const struct shape *s, const char *name)
{
    return is_among(name, s->must, ARRAY_LEN(s->must)) || is_among(name, s->may, ARRAY_LEN(s->may));
}

bool cse_decide_is_question(const struct types_row *type, const json_t *content)
{
    const struct shape *s = shape_of(type->ty);
    const char *name;
    json_t *v;
    if (s == NULL) {
        return false;
    }
    json_object_foreach((json_t *)(uintptr_t)content, name, v)
    {
        if (is_part(s, name)) {
            return true;
        }
    }
    return false;
}

/* Its parts, the mandatory ones, and their types by the table of the resource. */
static err_t question_check(const struct cse_ask *ask, const struct types_row *type, const json_t *content, char *detail)
{
    SCOPED(json_scope) json_t *attrs = json_object();
    const struct shape *s = shape_of(type->ty);
    const char *name;
    json_t *v;
    json_object_foreach((json_t *)(uintptr_t)content, name, v)
    {
        if (!is_part(s, name) || json_is_null(v)) {
            return detail_fail(detail, ERR_NOT_PERMITTED, "not in a question", text_of(name));
        }
    }
    for (size_t i = 0; i < ARRAY_LEN(s->must) && s->must[i] != NULL; i++) {
        if (json_object_get(content, s->must[i]) == NULL) {
            return detail_fail(detail, ERR_MISSING, s->must[i], text_empty());
        }
    }
    return cse_attr_update(type, content, ask->rq->now, attrs, detail);
}

static err_t open_answer(const struct types_row *type, struct emit *e, struct response *rs)
{
    rs->rsc = 2004;
    *e = emit_to(&rs->body);
    emit_object(e, NULL);
    emit_object(e, type->root);
    return ERR_OK;
}

static err_t close_answer(struct emit *e, enum cse_decide_status status)
{
    emit_number(e, "sus", (uint64_t)status);
    emit_close_object(e);
    emit_close_object(e);
    return writer_finish(e->w);
}

/* -- whom and what it is about ------------------------------------------------------------------------------------------ */
static bool list_of(const json_t *content, const char *name, struct primitive_list *out)
{
    const json_t *l = json_object_get(content, name);
    if (json_array_size(l) > PRIMITIVE_LIST_MAX) {
        return false;
    }
    for (size_t i = 0; i < json_array_size(l); i++) {
        const json_t *v = json_array_get(l, i);
        out->at[out->n++] = text_span(json_string_value(v), json_string_length(v));
    }
    return true;
}

/* Who may ask vouches for the originator: he acts in his roles. Whether the asking CSE authenticated him is not part of a question, so
 * rules that demand it (acaf) are not for him. */
static err_t originator(const struct cse *cse, const json_t *content, struct cse_from *out)
{
    *out = (struct cse_from){.kind = CSE_FROM_AE, .services = text_empty(), .vouched = true};
    TRY(cse_from_forms(cse, json_get_text(content, "fr"), out));
    out->kind = m2mid_is_cse(m2mid_kind(text_of(out->absolute.z))) ? CSE_FROM_CSE : CSE_FROM_AE;
    return ERR_OK;
}

/* The operator's word about resources of other CSEs: the longest address that `to` begins with, segment by segment. */
static struct text policies_for(const struct cse *cse, struct text at)
{
    char absolute[M2MID_MAX + TARGET_PATH_MAX];
    struct writer w = WRITER_ARRAY(absolute);
    struct text best = text_empty();
    size_t length = 0;
    writer_z(&w, text_starts(at, "//") ? "" : "//");
    writer_z(&w, text_starts(at, "//") ? "" : cse->sp.z);
    writer_text(&w, at);
    const struct text to = writer_view_text(&w);
    if (w.overflow) {
        return best;
    }
    for (size_t i = 0; i < cse->decide_n; i++) {
        struct text prefix = text_of(cse->decide[i].prefix.z);
        bool under = text_eq(text_take(to, prefix.n), prefix) && (to.n == prefix.n || to.p[prefix.n] == '/');
        if (under && prefix.n > length) {
            best = cse->decide[i].policies;
            length = prefix.n;
        }
    }
    return best;
}

/* Resource identifiers of the policies that decide about `to`: its own, or those of the configuration. ERR_NOT_FOUND: none. */
struct applicable {
    bool local;
    struct cse_target target; /* if local */
    struct cse_res holder;    /* of the policies */
};

static err_t applicable(const struct cse_ask *ask, struct text to, struct applicable *out)
{
    *out = (struct applicable){.local = cse_addr_is_local(ask->cse, to)};
    if (out->local) {
        err_t e = cse_addr_resolve(ask->cse, ask->t, to, ask->rq->now, &out->target);
        bool own = e == ERR_OK && (out->target.res.type->flags & TYPES_HAS_ACPI) != 0;
        out->holder = own || !out->target.has_parent ? out->target.res : out->target.parent;
        return e == ERR_MALFORMED_TO ? ERR_NOT_FOUND : e;
    }
    struct text rest = policies_for(ask->cse, to), one = text_empty();
    out->holder = (struct cse_res){.type = types_find(TYPE_CNT), .has_acpi = true};
    while (rest.n > 0 && text_next(&rest, ',', &one) && out->holder.acpi_n < CSE_RES_ACPI_MAX) {
        struct cse_target acp;
        err_t e = cse_addr_resolve(ask->cse, ask->t, one, ask->rq->now, &acp);
        if (e == ERR_OK && acp.res.type->ty == TYPE_ACP) {
            out->holder.acpi[out->holder.acpi_n++] = acp.res.ri;
        }
        TRY(e == ERR_NOT_FOUND || e == ERR_MALFORMED_TO ? ERR_OK : e);
    }
    return out->holder.acpi_n > 0 ? ERR_OK : ERR_NOT_FOUND;
}

/* -- PDP --------------------------------------------------------------------------------------------------------------- */
static err_t judge(const struct cse_ask *ask, struct primitive *p, const json_t *content, bool *permit)
{
    struct applicable a;
    char detail[ROLE_DETAIL_MAX] = "";
    const uint32_t child = p->op == OP_CREATE ? p->ty : 0;
    TRY(applicable(ask, json_get_text(content, "to"), &a));
    TRY(cse_token_look(ask, p, detail));
    p->given = a.local ? p->given : NULL; /* what tokens say of other CSEs is for those */
    err_t e = a.local ? cse_policy_check(ask, &a.target, p->op, child) : cse_policy_by(ask, &a.holder, p->op, child);
    *permit = e == ERR_OK;
    return e == ERR_DENIED_PRIVILEGE || e == ERR_DENIED_SERVICE ? ERR_OK : e;
}

static err_t primitive_of(const json_t *content, struct primitive *out)
{
    const json_int_t op = json_integer_value(json_object_get(content, "op"));
    *out = (struct primitive){.op = (enum op)op, .expires = USEC_NEVER};
    out->has_ty = json_object_get(content, "rrt") != NULL;
    out->ty = (uint32_t)json_integer_value(json_object_get(content, "rrt"));
    out->fu = (uint32_t)json_integer_value(json_object_get(content, "fu"));
    bool good = list_of(content, "rids", &out->rids) && list_of(content, "tids", &out->tids) && list_of(content, "tkns", &out->tokens);
    return good && (op != OP_CREATE || out->has_ty) ? ERR_OK : ERR_CONTENTS;
}

static struct ipaddr address_of(const json_t *oip)
{
    struct ipaddr ip = {.len = 0};
    struct text t = json_get_text(oip, json_object_get(oip, "ip4") != NULL ? "ip4" : "ip6");
    if (t.n == 0 || ipaddr_parse(t, &ip) != ERR_OK) {
        ip.len = 0;
    }
    return ip;
}

/* The request that a question is about. */
struct inner {
    struct primitive p;
    struct cse_from from;
    struct request rq;
    struct cse_ask ask;
};

static err_t inner_open(const struct cse_ask *asker, const json_t *content, struct inner *in)
{
    in->rq = *asker->rq;
    in->rq.prim = &in->p;
    in->rq.ip = address_of(json_object_get(content, "oip"));
    in->ask = (struct cse_ask){asker->cse, &in->rq, asker->t, &in->from};
    TRY(primitive_of(content, &in->p));
    return originator(asker->cse, content, &in->from);
}

static err_t decision(const struct cse_ask *asker, const struct cse_res *r, const json_t *content, struct response *rs)
{
    struct inner in;
    struct emit e;
    bool permit = false;
    enum cse_decide_status status = CSE_DECIDE_SYNTAX;
    if (inner_open(asker, content, &in) == ERR_OK) {
        err_t got = judge(&in.ask, &in.p, content, &permit);
        status = got == ERR_OK            ? CSE_DECIDE_OK
                 : got == ERR_NOT_FOUND   ? CSE_DECIDE_NOT_APPLICABLE
                 : cse_token_is_fault(got) ? CSE_DECIDE_SYNTAX
                                          : CSE_DECIDE_ERROR;
    }
    TRY(open_answer(r->type, &e, rs));
    if (status == CSE_DECIDE_OK) {
        emit_number(&e, "dec", permit ? CSE_DECIDE_PERMIT : CSE_DECIDE_DENY);
    }
    TRY(cse_ops_audit(asker, AUDIT_DECISION_GIVEN, json_get_text(content, "to")));
    return close_answer(&e, status);
}

/* Tokens first: without them there is no decision. Roles only if it would be no. */
static err_t inner_need(struct inner *in, const json_t *content, struct question *q)
{
    struct applicable a;
    struct cse_pip_about about = {.rids = {.n = 0}};
    bool permit = false;
    TRY(applicable(&in->ask, json_get_text(content, "to"), &a));
    about.holder = a.local ? cse_points_holder(&a.target) : &a.holder;
    cse_token_ask_missing(&in->ask, &about.tids);
    if (about.tids.n > 0) {
        return cse_pip_need(&in->ask, &about, q);
    }
    if (in->ask.cse->subscription || judge(&in->ask, &in->p, content, &permit) != ERR_OK || permit) {
        return ERR_NOT_FOUND;
    }
    about.rids = in->p.rids;
    return cse_pip_need(&in->ask, &about, q);
}

err_t cse_decide_need(const struct cse_ask *ask, struct question *q)
{
    struct cse_target target;
    struct inner in;
    char detail[ROLE_DETAIL_MAX] = "";
    const struct types_row *type = types_find(TYPE_AUDS);
    const json_t *content = json_object_get(ask->rq->prim->pc, type->root);
    if (!ask->cse->distributed || ask->rq->prim->op != OP_UPDATE || !json_is_object(content) || !cse_decide_is_question(type, content)) {
        return ERR_NOT_FOUND;
    }
    TRY(cse_addr_resolve(ask->cse, ask->t, ask->rq->prim->to, ask->rq->now, &target));
    bool mine = target.res.type == type && cse_policy_check(ask, &target, OP_UPDATE, 0) == ERR_OK;
    mine = mine && question_check(ask, type, content, detail) == ERR_OK && inner_open(ask, content, &in) == ERR_OK;
    return mine ? inner_need(&in, content, q) : ERR_NOT_FOUND;
}

/* -- PRP --------------------------------------------------------------------------------------------------------------- */
static err_t add_name(json_t *list, const char *domain, const char *between, struct text name)
{
    char z[M2MID_MAX];
    struct writer w = WRITER_ARRAY(z);
    writer_z(&w, domain);
    writer_z(&w, between);
    writer_text(&w, name);
    if (writer_finish_z(&w) != ERR_OK) {
        return ERR_OK; /* no identifier is so long: it grants nothing */
    }
    return json_array_append_new(list, json_string(z)) == 0 ? ERR_OK : ERR_LIMIT_CAPACITY;
}

/* What is relative means another elsewhere: Cdoor is the AE of whoever reads it. A wildcard may stand for either type of AE. */
static err_t add_absolute(const struct cse *cse, struct text element, json_t *list)
{
    char domain[M2MID_MAX + 2];
    struct writer w = WRITER_ARRAY(domain);
    const bool segment = text_find(element, '/') == element.n;
    writer_z(&w, "//");
    writer_z(&w, cse->sp.z);
    TRY(writer_finish_z(&w));
    if (text_eq_z(element, "all") || text_starts(element, "//") || access_is_role(element)) {
        return add_name(list, "", "", element);
    }
    if (text_starts(element, "/")) {
        return add_name(list, domain, "", element);
    }
    if (segment && text_starts(element, "*")) {
        TRY(add_name(list, domain, "/S", element));
        return add_name(list, cse->self.z, "/C", element);
    }
    return add_name(list, segment && text_starts(element, "S") ? domain : cse->self.z, "/", element);
}

static err_t make_absolute(const struct cse *cse, const json_t *pv)
{
    size_t i;
    json_t *rule;
    json_array_foreach(json_object_get(pv, "acr"), i, rule)
    {
        SCOPED(json_scope) json_t *list = json_array();
        const json_t *acor = json_object_get(rule, "acor");
        for (size_t k = 0; k < json_array_size(acor); k++) {
            const json_t *v = json_array_get(acor, k);
            TRY(add_absolute(cse, text_span(json_string_value(v), json_string_length(v)), list));
        }
        TRY(json_object_set(rule, "acor", list) == 0 ? ERR_OK : ERR_LIMIT_CAPACITY);
    }
    return ERR_OK;
}

static err_t emit_rules(const struct cse_ask *ask, struct text ri, struct emit *e)
{
    SCOPED(json_scope) json_t *attrs = NULL;
    struct cse_res acp;
    err_t found = cse_res_get(ask->t, ri, ask->rq->now, &acp);
    if (found == ERR_NOT_FOUND) {
        return ERR_OK; /* gone or expired: it grants nothing */
    }
    TRY(found);
    TRY(cse_res_attrs(ask->t, &acp, &attrs));
    TRY(make_absolute(ask->cse, json_object_get(attrs, "pv")));
    emit_name(e, NULL);
    return json_write(json_object_get(attrs, "pv"), e->w);
}

/* A resource without policies is its creator's (12.4 rule 4). */
static err_t emit_creator(const struct cse_res *r, struct emit *e)
{
    emit_object(e, NULL);
    emit_array(e, "acr");
    emit_object(e, NULL);
    emit_array(e, "acor");
    emit_text(e, NULL, r->creator);
    emit_close_array(e);
    emit_number(e, "acop", ACCESS_ALL);
    emit_close_object(e);
    emit_close_array(e);
    emit_close_object(e);
    return ERR_OK;
}

static err_t policies(const struct cse_ask *ask, const struct cse_res *r, const json_t *content, struct response *rs)
{
    struct applicable a;
    struct emit e;
    err_t got = applicable(ask, json_get_text(content, "to"), &a);
    /* an accessControlPolicy is decided about by its selfPrivileges, not by what its parent names */
    bool self = got == ERR_OK && a.local && a.target.res.type->ty == TYPE_ACP;
    bool usable = got == ERR_OK && !self && (a.holder.has_acpi || a.holder.creator.n > 0);
    TRY(open_answer(r->type, &e, rs));
    if (!usable) {
        return close_answer(&e, got == ERR_OK || got == ERR_NOT_FOUND ? CSE_DECIDE_NOT_APPLICABLE : CSE_DECIDE_ERROR);
    }
    emit_object(&e, "ps");
    emit_array(&e, "pv");
    for (size_t i = 0; i < a.holder.acpi_n; i++) {
        TRY(emit_rules(ask, a.holder.acpi[i], &e));
    }
    TRY(a.holder.has_acpi ? ERR_OK : emit_creator(&a.holder, &e));
    emit_close_array(&e);
    emit_close_object(&e);
    emit_number(&e, "ca", CSE_DECIDE_PERMIT_OVERRIDES);
    return close_answer(&e, CSE_DECIDE_OK);
}

/* -- PIP --------------------------------------------------------------------------------------------------------------- */
/* The roles and <token>s that he has: of those that are asked for, or all if none are named. */
static err_t information(const struct cse_ask *asker, const struct cse_res *r, const json_t *content, struct response *rs)
{
    struct cse_from from;
    const struct cse_ask ask = {asker->cse, asker->rq, asker->t, &from};
    struct primitive_list roles = {.n = 0}, tokens = {.n = 0};
    struct emit e;
    size_t found = 0;
    bool good = list_of(content, "rids", &roles) && list_of(content, "tids", &tokens) && originator(asker->cse, content, &from) == ERR_OK;
    TRY(open_answer(r->type, &e, rs));
    if (!good) {
        return close_answer(&e, CSE_DECIDE_SYNTAX);
    }
    const bool all = roles.n == 0 && tokens.n == 0;
    if (all || roles.n > 0) {
        emit_array(&e, "m2m:rol");
        TRY(cse_role_emit(&ask, &roles, &e, &found));
        emit_close_array(&e);
    }
    if (all || tokens.n > 0) {
        emit_array(&e, "m2m:tk");
        TRY(cse_token_res_emit(&ask, &tokens, &e, &found));
        emit_close_array(&e);
    }
    return close_answer(&e, found > 0 ? CSE_DECIDE_OK : CSE_DECIDE_NOT_APPLICABLE);
}

err_t cse_decide_answer(const struct cse_ask *ask, const struct cse_res *r, const json_t *content, struct response *rs)
{
    TRY(question_check(ask, r->type, content, rs->detail));
    return r->type->ty == TYPE_AUDS   ? decision(ask, r, content, rs)
           : r->type->ty == TYPE_AUPY ? policies(ask, r, content, rs)
                                      : information(ask, r, content, rs);
}
