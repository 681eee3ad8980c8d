#include "role/cse/cse_das.h"

#include "base/hex.h"
#include "crypto/crypto.h"
#include "role/cse/access_rules.h"
#include "role/cse/cse_pep.h"
#include "role/cse/cse_pip.h"
#include "role/cse/cse_points.h"
#include "role/cse/cse_token_ask.h"
#include "role/detail.h"
#include "role/expire.h"
#include "wire/emit.h"
#include "wire/json.h"
#include "wire/timestamp.h"

#define RECORD_VERSION 2
#define ID_OCTETS 16
#define TOLD_OCTETS (2 + 16 + PRIMITIVE_LIST_MAX * (2 + ROLE_OCTETS))
#define ROLE_OCTETS 1024 /* of a Role-ID in a request, at most */
#define SECI_REQUEST 1
#define SECI_RESPONSE 2

static const struct rec_field fields[] = {
    {REC_TIME, REC_AT(struct cse_das_grant, until)},
    {REC_VIEW16, REC_AT(struct cse_das_grant, consultation)},
    {REC_VIEW32, REC_AT(struct cse_das_grant, rules)},
    {REC_VIEW16, REC_AT(struct cse_das_grant, tokens), .since = 2},
};
static const struct rec_layout layout = REC_LAYOUT(struct cse_das_grant, fields, 1, RECORD_VERSION);

err_t cse_das_grant_parse(struct bytes b, struct cse_das_grant *out)
{
    return rec_parse(&layout, b, out);
}

static bool is_over(struct bytes record, usec_t now)
{
    struct cse_das_grant g;
    return cse_das_grant_parse(record, &g) == ERR_OK && g.until <= now;
}

/* -- the consultation of a resource ----------------------------------------------------------------------------- */
struct consultation {
    struct text ri;
    char url[256];
    usec_t until; /* dynamicAuthorizationLifetime */
};

static struct text text_at(const json_t *list, size_t i)
{
    const json_t *v = json_array_get(list, i);
    return text_span(json_string_value(v), json_string_length(v));
}

static err_t resolve(const struct cse_ask *ask, struct text to, struct cse_target *out)
{
    err_t e = cse_addr_is_local(ask->cse, to) ? cse_addr_resolve(ask->cse, ask->t, to, ask->rq->now, out) : ERR_NOT_FOUND;
    bool other = e == ERR_OK && (out->is_virtual || out->res.type->ty != TYPE_DAC);
    return e == ERR_MALFORMED_TO || other ? ERR_NOT_FOUND : e;
}

static err_t in_force(const json_t *attrs, usec_t now, usec_t *until)
{
    struct text end = json_get_text(attrs, "dal");
    *until = USEC_NEVER;
    bool over = end.n > 0 && (timestamp_parse(end, until) != ERR_OK || *until <= now);
    return json_is_true(json_object_get(attrs, "dae")) && !over ? ERR_OK : ERR_NOT_FOUND;
}

/* Enabled, and with a point of access that the operator allows: no resource leads this CSE to a host of its owner's choice. */
static err_t usable(const struct cse_ask *ask, const struct cse_res *r, struct consultation *out)
{
    SCOPED(json_scope) json_t *attrs = NULL;
    const struct role_env *env = &ask->cse->env;
    TRY(cse_res_attrs(ask->t, r, &attrs));
    TRY(in_force(attrs, ask->rq->now, &out->until));
    const json_t *dap = json_object_get(attrs, "dap");
    for (size_t i = 0; i < json_array_size(dap); i++) {
        if (TEXT_COPY(text_at(dap, i), out->url) == ERR_OK && role_may_call(env, out->url)) {
            return cse_res_keep(ask->t, r->ri, &out->ri);
        }
    }
    return ERR_NOT_FOUND;
}

typedef err_t consider_fn(const struct cse_ask *ask, const struct cse_res *r, void *arg);

/* Each consultation that a resource names, until `consider` answers something else than ERR_NOT_FOUND. A type without policies of
 * its own has those of its parent, and its DAS. */
static err_t each(const struct cse_ask *ask, const struct cse_target *target, consider_fn *consider, void *arg)
{
    SCOPED(json_scope) json_t *attrs = NULL;
    const bool own = (target->res.type->flags & TYPES_HAS_ACPI) != 0;
    if (!own && !target->has_parent) {
        return ERR_NOT_FOUND;
    }
    TRY(cse_res_attrs(ask->t, own ? &target->res : &target->parent, &attrs));
    const json_t *daci = json_object_get(attrs, "daci");
    for (size_t i = 0; i < json_array_size(daci); i++) {
        struct cse_target at;
        err_t e = resolve(ask, text_at(daci, i), &at);
        e = e == ERR_OK ? consider(ask, &at.res, arg) : e;
        if (e != ERR_NOT_FOUND) {
            return e;
        }
    }
    return ERR_NOT_FOUND;
}

static err_t consider_use(const struct cse_ask *ask, const struct cse_res *r, void *arg)
{
    return usable(ask, r, arg);
}

/* The first that can be used; ERR_NOT_FOUND: none. */
static err_t consultation_of(const struct cse_ask *ask, const struct cse_target *target, struct consultation *out)
{
    return each(ask, target, consider_use, out);
}

static err_t consider_url(const struct cse_ask *ask, const struct cse_res *r, void *arg)
{
    SCOPED(json_scope) json_t *attrs = NULL;
    const struct text url = *(const struct text *)arg;
    usec_t until = 0;
    TRY(cse_res_attrs(ask->t, r, &attrs));
    TRY(in_force(attrs, ask->rq->now, &until));
    const json_t *dap = json_object_get(attrs, "dap");
    for (size_t i = 0; i < json_array_size(dap); i++) {
        if (text_eq(text_at(dap, i), url)) {
            return ERR_OK;
        }
    }
    return ERR_NOT_FOUND;
}

err_t cse_das_names(const struct cse_ask *ask, const struct cse_target *target, struct text url, bool *out)
{
    err_t e = url.n == 0 ? ERR_NOT_FOUND : each(ask, target, consider_url, &url);
    *out = e == ERR_OK;
    return e == ERR_NOT_FOUND ? ERR_OK : e;
}

err_t cse_das_link(const struct cse_ask *ask, const json_t *attrs, char detail[static ROLE_DETAIL_MAX])
{
    const json_t *daci = json_object_get(attrs, "daci");
    for (size_t i = 0; i < json_array_size(daci); i++) {
        struct cse_target at;
        err_t e = resolve(ask, text_at(daci, i), &at);
        if (e != ERR_OK) {
            return e != ERR_NOT_FOUND ? e
                                      : detail_fail(detail, ERR_CONTENTS, "daci names no dynamicAuthorizationConsultation of this CSE",
                                                    text_at(daci, i));
        }
    }
    return ERR_OK;
}

/* -- what was granted --------------------------------------------------------------------------------------------- */
/* The roles that are claimed and the address that the request came from, each with its length: nothing can look like two others. */
static void told_write(const struct request *rq, struct writer *w)
{
    writer_block16(w, bytes_of(rq->ip.b, rq->ip.len));
    for (size_t i = 0; i < rq->prim->rids.n; i++) {
        writer_block16(w, text_bytes(rq->prim->rids.at[i]));
    }
}

/* A successor of the resource does not meet its grants: it has another node. */
err_t cse_das_key(const struct cse_ask *ask, const struct cse_das_what *what, struct keyid *out)
{
    char about[2 * M2MID_MAX + TOLD_OCTETS];
    uint8_t hash[CRYPTO_HASH_LEN];
    struct writer w = WRITER_ARRAY(about);
    struct writer id = WRITER_ARRAY(out->z);
    writer_z(&w, ask->from->absolute.z);
    writer_z(&w, "\n");
    writer_text(&w, what->res->node);
    writer_u8(&w, (uint8_t)what->op);
    writer_u32(&w, what->child_ty);
    if (what->told) {
        told_write(ask->rq, &w);
    }
    TRY(writer_finish(&w));
    TRY(ask->cse->env.crypto->sha256(writer_view(&w), hash));
    hex_write_lower(&id, bytes_of(hash, ID_OCTETS));
    return writer_finish_z(&id);
}

err_t cse_das_granted(const struct cse_ask *ask, const struct cse_target *target, const struct access_query *q, bool *out,
                      const struct cse_tokens **tokens)
{
    const struct cse_tokens *given = ask->rq->prim->given;
    struct keyid id;
    struct bytes b;
    struct cse_das_grant grant;
    struct consultation now;
    *out = false;
    *tokens = NULL;
    if (!ask->cse->dynamic || ask->from->kind == CSE_FROM_ABSENT || !ask->from->authenticated) { /* granted to who he is, not to his name */
        return ERR_OK;
    }
    TRY(cse_das_key(ask, &(struct cse_das_what){&target->res, q->op, q->child_ty, true}, &id));
    err_t e = rec_get(ask->t, TABLE_CSE_GRANT, text_of(id.z), &b);
    e = e == ERR_OK ? cse_das_grant_parse(b, &grant) : e;
    if (e != ERR_OK || grant.until <= ask->rq->now) {
        return e == ERR_OK || e == ERR_NOT_FOUND ? ERR_OK : e;
    }
    e = consultation_of(ask, target, &now); /* its owner may have thought better of it */
    if (e != ERR_OK || !text_eq(now.ri, grant.consultation)) {
        return e == ERR_NOT_FOUND ? ERR_OK : e;
    }
    *out = grant.rules.n > 0 && access_decide(grant.rules, q);
    const bool shows = given != NULL && given->granted == NULL; /* its own: then those decide */
    return *out || shows ? ERR_OK : cse_token_ask_taken(ask, grant.tokens, given != NULL ? given->granted : NULL, tokens);
}

/* -- the question --------------------------------------------------------------------------------------------------- */
void cse_das_emit_address(struct emit *e, const struct ipaddr *ip)
{
    char z[48];
    struct writer w = WRITER_ARRAY(z);
    if (ip->len == 0) {
        return;
    }
    for (size_t i = 0; i < ip->len; i += ip->len == 4 ? 1 : 2) {
        writer_z(&w, i == 0 ? "" : ip->len == 4 ? "." : ":");
        if (ip->len == 4) {
            writer_decimal(&w, ip->b[i]);
        } else {
            hex_write_lower(&w, bytes_of(ip->b + i, 2));
        }
    }
    emit_object(e, "oip");
    emit_text(e, ip->len == 4 ? "ip4" : "ip6", writer_view_text(&w));
    emit_close_object(e);
}

void cse_das_emit_texts(struct emit *e, const char *name, const struct text *t, size_t n)
{
    if (n == 0) {
        return;
    }
    emit_array(e, name);
    for (size_t i = 0; i < n; i++) {
        emit_text(e, NULL, t[i]);
    }
    emit_close_array(e);
}

void cse_das_emit(const struct cse_ask *ask, const struct cse_das_about *about, struct emit *e)
{
    const struct primitive *p = ask->rq->prim;
    emit_object(e, "dreq");
    emit_z(e, "or", ask->from->absolute.z);
    if (p->op == OP_CREATE) {
        emit_number(e, "trt", p->ty);
    }
    emit_number(e, "op", p->op);
    cse_das_emit_address(e, &ask->rq->ip);
    cse_das_emit_texts(e, "orid", p->rids.at, p->rids.n); /* as claimed: whether he holds them, its own records tell the DAS */
    emit_time(e, "rts", ask->rq->now);
    emit_text(e, "trid", about->resource);
    if (about->until != 0) {
        emit_time(e, "ppl", about->until);
    }
    cse_das_emit_texts(e, "tids", about->tids, about->tids_n);
    emit_close_object(e);
}

err_t cse_das_write(const struct cse_ask *ask, const struct cse_das_about *about, struct writer *w)
{
    struct emit e = emit_to(w);
    emit_object(&e, NULL);
    emit_object(&e, "m2m:seci");
    emit_number(&e, "sit", SECI_REQUEST);
    cse_das_emit(ask, about, &e);
    emit_close_object(&e);
    emit_close_object(&e);
    return writer_finish(w);
}

/* What the answer is about goes with the question: "UNTIL CONSULTATION ORIGINATOR RESOURCE". */
static err_t about_write(const struct cse_ask *ask, const struct cse_res *r, const struct consultation *c, usec_t until,
                         struct writer *w)
{
    writer_decimal(w, (uint64_t)until);
    writer_z(w, " ");
    writer_text(w, c->ri);
    writer_z(w, " ");
    writer_z(w, ask->from->absolute.z);
    writer_z(w, " ");
    writer_text(w, r->ri);
    return writer_finish_z(w);
}

static err_t ask_about(const struct cse_ask *ask, const struct cse_target *target, uint32_t child_ty, struct question *q)
{
    struct consultation c;
    const usec_t end = ask->rq->now + ask->cse->dynamic_lifetime;
    const unsigned op = access_op_bit(ask->rq->prim->op, ask->rq->prim->fu == 1);
    uint8_t *body = arena_alloc(ask->t->arena, CSE_DAS_BODY_MAX);
    struct writer w = writer_of(body, body == NULL ? 0 : CSE_DAS_BODY_MAX);
    struct writer about = WRITER_ARRAY(q->path);
    TRY(consultation_of(ask, target, &c));
    const usec_t until = c.until < end ? c.until : end;
    TRY(cse_das_write(ask, &(struct cse_das_about){.resource = target->res.ri, .until = until}, &w));
    TRY(about_write(ask, &target->res, &c, until, &about));
    TRY(cse_das_key(ask, &(struct cse_das_what){&target->res, op, child_ty, true}, &q->key_id));
    TRY(TEXT_COPY(text_of(c.url), q->peer));
    TRY(TEXT_COPY(text_of(ask->cse->self.z), q->origin));
    q->suid = CSE_DAS_SUID;
    q->body = writer_view(&w);
    return ERR_OK;
}

/* Who may decide about a resource is no matter for its DAS: the links are changed by those whom selfPrivileges name. */
static bool is_relink(const struct request *rq, const struct cse_target *target)
{
    return rq->prim->op == OP_UPDATE && cse_policy_is_relink(json_object_get(rq->prim->pc, target->res.type->root));
}

err_t cse_das_need(const void *ctx, const struct request *rq, struct txn *t, struct question *q)
{
    const struct cse *cse = ctx;
    struct cse_from from;
    struct cse_target target;
    char detail[ROLE_DETAIL_MAX] = "";
    const struct cse_ask ask = {cse, rq, t, &from};
    const enum op op = rq->prim->op;
    const uint32_t child_ty = op == OP_CREATE ? rq->prim->ty : 0;
    const struct types_row *child = child_ty != 0 ? types_find(child_ty) : NULL;
    const bool indirect = primitive_has_tokens(rq->prim) || rq->prim->tqi; /* 12.4 rule 6: then it is not the CSE that asks */
    if (!(cse->dynamic || cse->distributed) || indirect || (child != NULL && (child->flags & (TYPES_REGISTRATION | TYPES_ANNOUNCED)) != 0)) {
        return ERR_NOT_FOUND;
    }
    TRY(cse_from_check(cse, rq, t, &from, detail));
    if (!from.authenticated || from.kind == CSE_FROM_ABSENT) { /* a stranger makes nobody ask */
        return ERR_NOT_FOUND;
    }
    TRY(cse_addr_resolve(cse, t, rq->prim->to, rq->now, &target));
    if (is_relink(rq, &target) || cse_policy_check(&ask, &target, op, child_ty) != ERR_DENIED_PRIVILEGE) {
        return ERR_NOT_FOUND;
    }
    const struct cse_pip_about roles = {.holder = cse_points_holder(&target), .rids = cse->subscription ? (struct primitive_list){.n = 0} : rq->prim->rids};
    err_t e = cse_pip_need(&ask, &roles, q); /* what decides here comes before who decides elsewhere */
    if (e != ERR_NOT_FOUND) {
        return e;
    }
    e = cse->dynamic ? ask_about(&ask, &target, child_ty, q) : ERR_NOT_FOUND;
    return e == ERR_NOT_FOUND ? cse_pep_need(&ask, &target, child_ty, q) : e; /* without a DAS: distributed */
}

/* -- the answer ------------------------------------------------------------------------------------------------------ */
/* securityInfo of type 2 in its body. */
static err_t dres_of(struct bytes body, json_t **root, const json_t **dres)
{
    if (json_parse(body, root) != ERR_OK) {
        return ERR_PEER_NONSENSE;
    }
    const json_t *seci = json_object_get(*root, "m2m:seci");
    const json_t *sit = json_object_get(seci, "sit");
    *dres = json_object_get(seci, "dres");
    return json_is_integer(sit) && json_integer_value(sit) == SECI_RESPONSE && json_is_object(*dres) ? ERR_OK : ERR_PEER_NONSENSE;
}

static err_t status_check(const struct answer *a)
{
    TRY(a->err);
    return a->status == 200 ? ERR_OK : a->status == 403 ? ERR_DENIED_DAS : ERR_PEER_NONSENSE;
}

err_t cse_das_answered(const struct answer *a, json_t **root, const json_t **dres)
{
    TRY(status_check(a));
    return dres_of(a->body, root, dres);
}

err_t cse_das_response(struct bytes body, usec_t now, usec_t *until, struct writer *rules)
{
    SCOPED(json_scope) json_t *root = NULL;
    char detail[ROLE_DETAIL_MAX] = "";
    const json_t *dres = NULL;
    TRY(dres_of(body, &root, &dres));
    const json_t *dai = json_object_get(dres, "dai");
    const json_t *gp = json_object_get(dai, "gp");
    const json_t *pl = json_object_get(dai, "pl");
    usec_t end = *until;
    if (gp == NULL) { /* an answer without a grant is a refusal */
        return dai == NULL || json_is_object(dai) ? ERR_DENIED_DAS : ERR_PEER_NONSENSE;
    }
    if (pl != NULL && (!json_is_string(pl) || timestamp_parse(json_get_text(dai, "pl"), &end) != ERR_OK || end <= now)) {
        return ERR_PEER_NONSENSE;
    }
    *until = end < *until ? end : *until; /* however long it would grant: no longer than the operator lets it */
    if (access_rules_compile(gp, "gp", rules, detail) != ERR_OK) {
        return ERR_PEER_NONSENSE;
    }
    return access_rules_count(writer_view(rules)) > 0 ? ERR_OK : ERR_DENIED_DAS;
}

err_t cse_das_keep(struct txn *t, const struct cse_das_grant *grant, struct text id, usec_t now)
{
    const size_t cap = ACCESS_COMPILED_MAX + 512;
    uint8_t *buf = arena_alloc(t->arena, cap);
    struct writer w = writer_of(buf, buf == NULL ? 0 : cap);
    TRY(rec_write(&layout, RECORD_VERSION, grant, NULL, &w));
    TRY(rec_put(t, TABLE_CSE_GRANT, id, &w, STORE_PUT_ANY));
    return expire_is_due(id, '0') ? expire_run(t, TABLE_CSE_GRANT, is_over, now) : ERR_OK;
}

static err_t tokens_of(const struct cse_token_ask_direct *d, struct bytes body, struct txn *t, struct writer *names)
{
    SCOPED(json_scope) json_t *root = NULL;
    const json_t *dres = NULL;
    TRY(dres_of(body, &root, &dres));
    return cse_token_ask_take(d, json_object_get(dres, "tkns"), t, names);
}

err_t cse_das_answer(const void *ctx, const struct question *q, const struct answer *a, struct txn *t, usec_t now,
                     struct role_psk *out)
{
    const struct cse *cse = ctx;
    struct audit_event event = {.kind = AUDIT_PRIVILEGES_GRANTED, .time = now};
    struct cse_das_grant grant = {0};
    struct text about = text_of(q->path);
    struct text part[4];
    char tokens[CSE_TOKEN_ASK_NAMES_MAX];
    struct writer names = WRITER_ARRAY(tokens);
    uint64_t until = 0;
    for (size_t i = 0; i < ARRAY_LEN(part); i++) {
        TRY(text_next(&about, ' ', &part[i]) ? ERR_OK : ERR_BUG);
    }
    TRY(text_u64(part[0], INT64_MAX, &until));
    TRY(cse->dynamic ? ERR_OK : ERR_DENIED_DAS); /* reloaded meanwhile */
    TRY(status_check(a));
    uint8_t *buf = arena_alloc(t->arena, 2 * ACCESS_COMPILED_MAX);
    struct writer rules = writer_of(buf, buf == NULL ? 0 : 2 * ACCESS_COMPILED_MAX);
    grant.until = (usec_t)until;
    err_t e = cse_das_response(a->body, now, &grant.until, &rules);
    TRY(e == ERR_DENIED_DAS ? ERR_OK : e); /* no rules: tokens may say it */
    TRY(tokens_of(&(struct cse_token_ask_direct){cse, text_of(q->peer), part[2], now}, a->body, t, &names));
    TRY(names.n > 0 ? ERR_OK : e);
    grant.consultation = part[1];
    grant.rules = e == ERR_OK ? writer_view(&rules) : bytes_empty();
    grant.tokens = writer_view_text(&names);
    TRY(cse_das_keep(t, &grant, text_of(q->key_id.z), now));
    TRY(TEXT_COPY(text_take(part[2], AUDIT_TEXT_MAX - 1), event.peer));
    TRY(TEXT_COPY(text_take(part[3], AUDIT_TEXT_MAX - 1), event.object));
    out->verdict = ROLE_TAKEN;
    return txn_audit(t, &event);
}
