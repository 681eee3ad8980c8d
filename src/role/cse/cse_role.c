#include "role/cse/cse_role.h"

#include "role/cse/cse_csr.h"
#include "role/cse/cse_holder.h"
#include "role/cse/cse_token.h"
#include "role/detail.h"
#include "wire/json.h"
#include "wire/timestamp.h"

#define ROLES_MAX CSE_HOLDER_MAX /* of one holder that are looked at */

static const char letter[] = "r"; /* of the names of roles: cse_holder.h */

bool cse_role_is_issuer(const struct cse *cse, struct text absolute)
{
    bool found = cse->admin.z[0] != '\0' && m2mid_same(text_of(cse->admin.z), absolute);
    for (size_t i = 0; i < cse->issuers_n; i++) {
        found = found || m2mid_same(text_of(cse->issuers[i].z), absolute);
    }
    return found;
}

bool cse_role_permits(const struct cse_ask *ask, const struct cse_res *target, uint32_t child_ty)
{
    const struct text self = text_of(ask->from->absolute.z);
    bool own = target->type->ty == TYPE_ROL && m2mid_same(target->creator, self);
    return (child_ty == TYPE_ROL || own) && ask->from->authenticated && cse_role_is_issuer(ask->cse, self);
}

bool cse_role_times(const json_t *attrs, usec_t *from, usec_t *to)
{
    return timestamp_parse(json_get_text(attrs, "tknb"), from) == ERR_OK &&
           timestamp_parse(json_get_text(attrs, "tkna"), to) == ERR_OK && *from < *to;
}

/* Below the CSEBase it may be anybody's; below a registration it is that one's. */
static bool is_base(const struct cse_res *parent)
{
    return parent->type->ty == TYPE_CB;
}

err_t cse_role_accept(const struct cse_ask *ask, const struct cse_res *parent, const json_t *attrs,
                      char detail[static ROLE_DETAIL_MAX])
{
    const struct text self = text_of(ask->from->absolute.z);
    struct m2mid id;
    usec_t from, to;
    if (!ask->from->authenticated || !cse_role_is_issuer(ask->cse, self)) {
        return detail_fail(detail, ERR_DENIED_PRIVILEGE, "a role is made by an issuer that [cse] role-issuers names", text_empty());
    }
    struct text issuer = json_get_text(attrs, "tkis");
    if (m2mid_absolute(issuer, text_of(ask->cse->self.z), &id) != ERR_OK || !m2mid_same(text_of(id.z), self)) {
        return detail_fail(detail, ERR_CONTENTS, "tkis is not the originator", issuer);
    }
    struct text holder = json_get_text(attrs, "tkhd");
    if (m2mid_absolute(holder, text_of(ask->cse->self.z), &id) != ERR_OK || (!is_base(parent) && !m2mid_same(text_of(id.z), parent->creator))) {
        return detail_fail(detail, ERR_CONTENTS, "tkhd is not who is registered there", holder);
    }
    if (!access_is_role(json_get_text(attrs, "rlid"))) {
        return detail_fail(detail, ERR_CONTENTS, "rlid is no Role-ID, NAME@DOMAIN", json_get_text(attrs, "rlid"));
    }
    return cse_role_times(attrs, &from, &to) ? ERR_OK : detail_fail(detail, ERR_CONTENTS, "tknb and tkna", text_empty());
}

/* -- below the CSEBase: found by its holder ------------------------------------------------------------------------ */
static err_t name_of(const struct cse *cse, const struct cse_res *r, char out[static CSE_TOKEN_LOCAL])
{
    TRY(cse_token_local(cse, r->ri, out));
    out[0] = letter[0];
    return ERR_OK;
}

err_t cse_role_put(const struct cse_ask *ask, const struct cse_res *parent, const struct cse_res *r, const json_t *attrs)
{
    struct m2mid holder;
    char name[CSE_TOKEN_LOCAL];
    if (!is_base(parent)) {
        return ERR_OK;
    }
    TRY(cse_holder_of(ask->cse, attrs, &holder));
    TRY(name_of(ask->cse, r, name));
    return cse_holder_put(ask, text_of(holder.z), text_of(name), r, r->et);
}

err_t cse_role_gone(const struct cse_ask *ask, const struct cse_res *r)
{
    SCOPED(json_scope) json_t *attrs = NULL;
    struct m2mid holder;
    char name[CSE_TOKEN_LOCAL];
    if (r->type->ty != TYPE_ROL || !text_eq_z(r->pi, ask->cse->root.z)) {
        return ERR_OK;
    }
    TRY(cse_res_attrs(ask->t, r, &attrs));
    TRY(cse_holder_of(ask->cse, attrs, &holder));
    TRY(name_of(ask->cse, r, name));
    return cse_holder_gone(ask->t, text_of(holder.z), text_of(name));
}

/* -- use --------------------------------------------------------------------------------------------------------- */
struct held {
    struct arena *arena;
    struct cse_holder_list l;
    err_t err;
};

static bool held_hit(void *arg, struct bytes id, struct store_value value)
{
    (void)id;
    struct held *h = arg;
    struct bytes copy;
    struct cse_child child;
    h->err = arena_dup(h->arena, value.data, &copy) ? cse_res_child_parse(copy, &child) : ERR_LIMIT_CAPACITY;
    if (h->err == ERR_OK) {
        h->l.ri[h->l.n++] = child.ri;
    }
    return h->err == ERR_OK && h->l.n < ROLES_MAX;
}

/* The attributes of a role in force; ERR_NOT_FOUND. Who made it must be an issuer still: the operator may have thought better of it. */
static err_t in_force(const struct cse_ask *ask, struct text ri, json_t **attrs)
{
    struct cse_res r;
    usec_t from, to;
    const usec_t now = ask->rq->now;
    TRY(cse_res_get(ask->t, ri, now, &r));
    TRY(cse_role_is_issuer(ask->cse, r.creator) ? ERR_OK : ERR_NOT_FOUND);
    TRY(cse_res_attrs(ask->t, &r, attrs));
    return cse_role_times(*attrs, &from, &to) && from <= now && now < to ? ERR_OK : ERR_NOT_FOUND;
}

/* The registration of the originator here. */
static err_t registration(const struct cse_ask *ask, struct cse_res *out)
{
    return ask->from->kind == CSE_FROM_CSE ? cse_csr_get(ask->t, text_of(ask->from->absolute.z), ask->rq->now, out)
           : ask->from->stem.z[0] != '\0'  ? cse_res_get(ask->t, text_of(ask->from->stem.z), ask->rq->now, out)
                                           : ERR_NOT_FOUND;
}

static bool is_claimed(const struct primitive *p, struct text role)
{
    bool found = false;
    for (size_t i = 0; i < p->rids.n; i++) {
        found = found || text_eq(p->rids.at[i], role);
    }
    return found;
}

/* Those below the registration of the originator, the youngest first. */
static err_t below_registration(const struct cse_ask *ask, struct cse_holder_list *out)
{
    char key[CSE_CHILD_KEY_MAX];
    struct writer w = WRITER_ARRAY(key);
    struct cse_res own;
    struct held h = {.arena = ask->t->arena};
    err_t e = registration(ask, &own);
    if (e != ERR_OK) {
        return e == ERR_NOT_FOUND ? ERR_OK : e;
    }
    TRY(cse_res_child_key(&w, own.node, TYPE_ROL, text_empty()));
    const struct store_scan s = {.table = TABLE_CSE_CHILD, .prefix = writer_view(&w), .after = bytes_empty(),
                                 .order = STORE_DESCENDING, .limit = ROLES_MAX};
    TRY(txn_scan(ask->t, &s, held_hit, &h));
    *out = h.l;
    return h.err;
}

/* Then those that name him below the CSEBase. */
static err_t held_by(const struct cse_ask *ask, struct cse_holder_list *out)
{
    out->n = 0;
    TRY(below_registration(ask, out));
    const struct text self = text_of(ask->from->absolute.z);
    return self.n == 0 ? ERR_OK : cse_holder_list(ask->t, self, letter, ROLES_MAX, out);
}

err_t cse_role_holds(const struct cse_ask *ask, struct text role, bool *out)
{
    struct cse_holder_list h;
    *out = false;
    /* With service subscriptions a role must be in allowedRole-IDs of the rule: those are not looked at yet, so none is. */
    if (!is_claimed(ask->rq->prim, role) || !(ask->from->authenticated || ask->from->vouched) || ask->cse->subscription) {
        return ERR_OK;
    }
    TRY(held_by(ask, &h));
    for (size_t i = 0; i < h.n && !*out; i++) {
        SCOPED(json_scope) json_t *attrs = NULL;
        err_t e = in_force(ask, h.ri[i], &attrs);
        TRY(e == ERR_NOT_FOUND ? ERR_OK : e);
        *out = e == ERR_OK && text_eq(json_get_text(attrs, "rlid"), role);
    }
    return ERR_OK;
}

/* Elsewhere a relative name is that of another. */
static err_t make_absolute(const struct cse *cse, const char *name, json_t *attrs)
{
    struct m2mid id;
    TRY(m2mid_absolute(json_get_text(attrs, name), text_of(cse->self.z), &id));
    return json_object_set_new(attrs, name, json_string(id.z)) == 0 ? ERR_OK : ERR_LIMIT_CAPACITY;
}

err_t cse_role_emit(const struct cse_ask *ask, const struct primitive_list *wanted, struct emit *e, size_t *found)
{
    struct cse_holder_list h;
    TRY(held_by(ask, &h));
    for (size_t i = 0; i < h.n; i++) {
        SCOPED(json_scope) json_t *attrs = NULL;
        err_t got = in_force(ask, h.ri[i], &attrs);
        TRY(got == ERR_NOT_FOUND ? ERR_OK : got);
        bool want = wanted->n == 0;
        for (size_t k = 0; k < wanted->n; k++) {
            want = want || text_eq(wanted->at[k], json_get_text(attrs, "rlid"));
        }
        if (got == ERR_OK && want) {
            TRY(make_absolute(ask->cse, "tkis", attrs));
            TRY(make_absolute(ask->cse, "tkhd", attrs));
            emit_name(e, NULL);
            TRY(json_write(attrs, e->w));
            ++*found;
        }
    }
    return ERR_OK;
}
