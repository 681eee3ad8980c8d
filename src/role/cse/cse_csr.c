#include "role/cse/cse_csr.h"

#include "role/cse/cse_dns.h"
#include "role/detail.h"
#include "wire/json.h"

#define RI_PREFIX "csr-"
#define FOREIGN_PREFIX "xcsr-"

/* -- finding a registree ----------------------------------------------------------------------------------- */
static err_t ri_of(struct text sp_relative, struct m2mid *out)
{
    struct writer w = WRITER_ARRAY(out->z);
    writer_z(&w, RI_PREFIX);
    writer_text(&w, text_skip(sp_relative, 1));
    return writer_finish_z(&w);
}

static struct text sp_of(struct text absolute)
{
    return text_take(absolute, 2 + text_find(text_skip(absolute, 2), '/'));
}

bool cse_csr_same_domain(struct text a, struct text b)
{
    return text_eq_nocase(sp_of(a), sp_of(b));
}

bool cse_csr_is_foreign(const struct cse *cse, struct text absolute)
{
    return text_starts(absolute, "//") && !cse_csr_same_domain(absolute, text_of(cse->self.z));
}

/* Of another domain: xcsr-other.example.com~in. No name of this one comes to that: a domain has no tilde. */
static err_t foreign_ri_of(struct text absolute, struct m2mid *out)
{
    struct writer w = WRITER_ARRAY(out->z);
    struct text sp = sp_of(absolute);
    if (!text_starts(absolute, "//") || sp.n == absolute.n) {
        return ERR_NOT_FOUND;
    }
    writer_z(&w, FOREIGN_PREFIX);
    writer_text(&w, text_skip(sp, 2));
    writer_z(&w, "~");
    writer_text(&w, text_skip(absolute, sp.n + 1));
    return writer_finish_z(&w);
}

err_t cse_csr_ri(const struct cse_from *id, struct m2mid *out)
{
    return id->sp_relative.z[0] == '\0' ? foreign_ri_of(text_of(id->absolute.z), out) : ri_of(text_of(id->sp_relative.z), out);
}

static err_t get_at(struct txn *t, const struct m2mid *ri, struct text absolute, usec_t now, struct cse_res *out)
{
    TRY(cse_res_get(t, text_of(ri->z), now, out));
    return out->type->ty == TYPE_CSR && m2mid_same(out->creator, absolute) ? ERR_OK : ERR_NOT_FOUND;
}

err_t cse_csr_get(struct txn *t, struct text absolute, usec_t now, struct cse_res *out)
{
    struct m2mid relative, ri;
    if (m2mid_sp_relative(absolute, &relative) != ERR_OK || ri_of(text_of(relative.z), &ri) != ERR_OK) {
        return ERR_NOT_FOUND;
    }
    err_t e = get_at(t, &ri, absolute, now, out);
    if (e != ERR_NOT_FOUND || foreign_ri_of(absolute, &ri) != ERR_OK) {
        return e;
    }
    return get_at(t, &ri, absolute, now, out);
}

/* -- the CSE-ID ---------------------------------------------------------------------------------------------- */
/*
 * R002-12, R002-13, R002-16: the association is bound to the CSE-ID that the operator assigned to its credential
 * (R002-14), or that its CSE-ID certificate names. R002-25: that is the CSE-ID, also if From is empty [CHOICE-87]; R002-24, R002-07:
 * anything else in From is refused [CHOICE-71].
 */
static err_t identity_bound(const struct cse_ask *ask, struct cse_from *out, char *detail)
{
    const struct association *a = ask->rq->assoc;
    if (ask->from->kind == CSE_FROM_CSE && !association_is_bound_to(a, text_of(ask->from->absolute.z))) {
        return detail_fail(detail, ERR_DENIED_FROM, "From", ask->rq->prim->from);
    }
    return cse_from_forms(ask->cse, text_of(a->ids[0].z), out);
}

/* Outside any association nothing is linked: a CSE has to know its CSE-ID, and takes none that belongs to a credential
 * or is below a registree (R002-26). */
static err_t identity_plain(const struct cse_ask *ask, struct cse_from *out, char *detail)
{
    struct m2mid ri;
    struct store_value v;
    if (ask->from->kind != CSE_FROM_CSE) {
        return detail_fail(detail, ERR_MALFORMED_FROM, "nothing assigns a CSE-ID", text_empty());
    }
    *out = *ask->from;
    err_t e = cse_csr_ri(out, &ri);
    TRY(e == ERR_NOT_FOUND ? ERR_OK : e);
    e = e == ERR_OK ? txn_get(ask->t, TABLE_CSE_AE, text_of(ri.z), &v) : e;
    if (e == ERR_OK || m2mid_same(text_of(out->absolute.z), text_of(ask->cse->self.z))) {
        return detail_fail(detail, ERR_DENIED_FROM, "From", ask->rq->prim->from);
    }
    return e == ERR_NOT_FOUND ? ERR_OK : e;
}

static err_t identity(const struct cse_ask *ask, struct cse_from *out, char *detail)
{
    const struct association *a = ask->rq->assoc;
    if (a->peer == PEER_AE || ask->from->kind == CSE_FROM_AE) {
        return detail_fail(detail, ERR_OPERATION, "only a CSE registers as one", ask->rq->prim->from);
    }
    if (a->peer == PEER_CSE) {
        TRY(identity_bound(ask, out, detail));
    } else if (a->peer == PEER_PLAIN) {
        TRY(identity_plain(ask, out, detail));
    } else { /* R002-26, R002-90: no rule resource says which CSE-ID a credential may have, so the operator does */
        return detail_fail(detail, ERR_DENIED_FROM, "no CSE-ID is assigned to the credential", association_name(a));
    }
    if (out->sp_relative.z[0] == '\0' && !ask->cse->inter_domain) { /* R002-05; R002-06 if it is configured: between service providers it is another procedure */
        return detail_fail(detail, ERR_OPERATION, "a CSE of another service provider", text_of(out->absolute.z));
    }
    return ERR_OK;
}

/* -- what the content may say of it ---------------------------------------------------------------------------- */
static err_t csi_check(const struct cse_ask *ask, const struct cse_from *id, const json_t *attrs, char *detail)
{
    struct text csi = json_get_text(attrs, "csi");
    struct cse_from said = {0};
    if (csi.n == 0) { /* R002-20: unknown to the originator */
        return ERR_OK;
    }
    if (!m2mid_is_cse(m2mid_kind(csi)) || cse_from_forms(ask->cse, csi, &said) != ERR_OK) {
        return detail_fail(detail, ERR_CONTENTS, "csi", csi);
    }
    return m2mid_same(text_of(said.absolute.z), text_of(id->absolute.z)) /* R002-24 */
               ? ERR_OK
               : detail_fail(detail, ERR_DENIED_FROM, "csi", csi);
}

static bool is_at(struct text address, struct text base)
{
    return text_starts(address, "/") && address.n >= base.n && m2mid_same(text_take(address, base.n), base) &&
           (address.n == base.n || address.p[base.n] == '/');
}

/* R002-22: the CSEBase of the receiver, by its absolute address; or, as TS-0001 9.6.4 and R002-28 have it, of the
 * registree: by its address, or its public domain name [CHOICE-03]. */
static err_t cb_check(const struct cse_ask *ask, const struct cse_from *id, const json_t *attrs, char *detail)
{
    struct text cb = json_get_text(attrs, "cb");
    bool ok = cb.n == 0 || is_at(cb, text_of(ask->cse->self.z)) || is_at(cb, text_of(id->absolute.z)) ||
              is_at(cb, text_of(id->sp_relative.z)) ||
              cse_dns_is_name(ask->cse, id, cb);
    return ok ? ERR_OK : detail_fail(detail, ERR_CONTENTS, "cb", cb);
}

/* -- the CSEs below it ------------------------------------------------------------------------------------------ */
static bool lists(const json_t *attrs, struct text sp_relative)
{
    const json_t *list = json_object_get(attrs, "dcse");
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *v = json_array_get(list, i);
        if (text_eq(text_span(json_string_value(v), json_string_length(v)), sp_relative)) {
            return true;
        }
    }
    return false;
}

/* Who said so last stands in the table of reserved identifiers; whether he says so still, in his registration. One that
 * registered here itself is below nobody. */
err_t cse_csr_is_below(struct txn *t, struct text registree, struct text csi, usec_t now, bool *out)
{
    struct cse_res r;
    struct m2mid relative, ri;
    struct store_value v;
    SCOPED(json_scope) json_t *attrs = NULL;
    *out = false;
    if (!text_eq_nocase(sp_of(csi), sp_of(registree))) {
        return ERR_OK;
    }
    err_t e = cse_csr_get(t, csi, now, &r);
    if (e == ERR_OK || m2mid_sp_relative(csi, &relative) != ERR_OK || ri_of(text_of(relative.z), &ri) != ERR_OK) {
        return ERR_OK;
    }
    TRY(e == ERR_NOT_FOUND ? ERR_OK : e);
    e = txn_get(t, TABLE_CSE_AE, text_of(ri.z), &v);
    if (e == ERR_OK && m2mid_same(text_span((const char *)v.data.p, v.data.n), registree)) {
        e = cse_csr_get(t, registree, now, &r);
        TRY(e == ERR_OK ? cse_res_attrs(t, &r, &attrs) : ERR_OK);
        *out = lists(attrs, text_of(relative.z));
    }
    return e == ERR_NOT_FOUND ? ERR_OK : e;
}

/* Without this, names that a registree once listed would stay in the store for ever. */
err_t cse_csr_release(struct txn *t, const struct cse_res *r, const json_t *attrs)
{
    SCOPED(json_scope) json_t *before = NULL;
    if (r->type->ty != TYPE_CSR) {
        return ERR_OK;
    }
    TRY(cse_res_attrs(t, r, &before));
    const json_t *list = json_object_get(before, "dcse");
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *v = json_array_get(list, i);
        struct text csi = text_span(json_string_value(v), json_string_length(v));
        struct store_value holder;
        struct m2mid ri;
        if (lists(attrs, csi)) {
            continue;
        }
        TRY(ri_of(csi, &ri));
        err_t e = txn_get(t, TABLE_CSE_AE, text_of(ri.z), &holder);
        if (e == ERR_OK && bytes_eq(holder.data, text_bytes(r->creator))) {
            e = txn_del(t, TABLE_CSE_AE, text_of(ri.z));
        }
        TRY(e == ERR_NOT_FOUND ? ERR_OK : e);
    }
    return ERR_OK;
}

/* Nobody is below two registrees, and nobody below one has its own credential or registration here. */
static err_t claim(const struct cse_ask *ask, const struct cse_res *r, const struct cse_from *id, char *detail)
{
    struct m2mid ri;
    struct cse_res other;
    struct store_value v;
    bool taken = false;
    struct text below = text_of(id->absolute.z);
    if (id->sp_relative.z[0] == '\0' || cse_csr_is_foreign(ask->cse, r->creator) || cse_csr_ri(id, &ri) != ERR_OK ||
        m2mid_same(below, text_of(ask->cse->self.z)) || m2mid_same(below, r->creator)) {
        return detail_fail(detail, ERR_CONTENTS, "dcse: a loop, or another service provider", below);
    }
    err_t e = cse_res_get(ask->t, text_of(ri.z), ask->rq->now, &other);
    taken = e == ERR_OK;
    TRY(e == ERR_NOT_FOUND ? ERR_OK : e);
    e = txn_get(ask->t, TABLE_CSE_AE, text_of(ri.z), &v);
    TRY(e == ERR_NOT_FOUND ? ERR_OK : e);
    if (e == ERR_OK && !taken) {
        struct text holder = text_span((const char *)v.data.p, v.data.n);
        taken = m2mid_same(holder, below);
        if (!taken && !m2mid_same(holder, r->creator)) {
            TRY(cse_csr_is_below(ask->t, holder, below, ask->rq->now, &taken));
        }
    }
    if (taken) {
        return detail_fail(detail, ERR_CONTENTS, "dcse: this CSE is somewhere else", below);
    }
    return txn_put(ask->t, TABLE_CSE_AE, text_of(ri.z), text_bytes(r->creator), STORE_PUT_ANY, 0);
}

err_t cse_csr_descendants(const struct cse_ask *ask, const struct cse_res *r, json_t *attrs,
                          char detail[static ROLE_DETAIL_MAX])
{
    json_t *list = json_object_get(attrs, "dcse");
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *v = json_array_get(list, i);
        struct text csi = text_span(json_string_value(v), json_string_length(v));
        struct cse_from id = {0};
        if (!m2mid_is_cse(m2mid_kind(csi)) || cse_from_forms(ask->cse, csi, &id) != ERR_OK) {
            return detail_fail(detail, ERR_CONTENTS, "dcse", csi);
        }
        TRY(claim(ask, r, &id, detail));
        if (json_array_set_new(list, i, json_string(id.sp_relative.z)) != 0) {
            return ERR_LIMIT_CAPACITY;
        }
    }
    return ERR_OK;
}

static bool is_registrar(const struct cse_ask *ask, const struct cse_from *id)
{
    return m2mid_same(text_of(ask->cse->registrar.csi.z), text_of(id->absolute.z));
}

/* R002-05: an IN-CSE registers at none of its domain; R002-06: of another domain it alone does. */
static err_t type_check(const struct cse_from *id, const json_t *attrs, char *detail)
{
    const json_t *cst = json_object_get(attrs, "cst");
    bool in = json_integer_value(cst) == CSE_KIND_IN;
    bool foreign = id->sp_relative.z[0] == '\0';
    if (in && !foreign) {
        return detail_fail(detail, ERR_OPERATION, "an IN-CSE registers nowhere in its domain", text_of(id->absolute.z));
    }
    return !foreign || in || cst == NULL
               ? ERR_OK
               : detail_fail(detail, ERR_OPERATION, "of another domain only its IN-CSE registers", text_of(id->absolute.z));
}

/* -- registration ------------------------------------------------------------------------------------------------ */
/* R002-08: the <remoteCSE> that stands for the originator; what is not said here is the general CREATE
 * (R002-03, R002-09, R002-27). */
err_t cse_csr_accept(const struct cse_ask *ask, struct cse_res *r, json_t *attrs, char detail[static ROLE_DETAIL_MAX])
{
    const struct association *a = ask->rq->assoc;
    struct cse_from id = {0};
    struct cse_res old;
    struct m2mid ri;
    TRY(identity(ask, &id, detail));
    if (is_registrar(ask, &id) && ask->rq->exported != NULL) { /* by request; what the engine of cse_join.c makes has none */
        return detail_fail(detail, ERR_OPERATION, "the registrar of this CSE registers elsewhere", text_of(id.absolute.z));
    }
    TRY(csi_check(ask, &id, attrs, detail));
    TRY(cb_check(ask, &id, attrs, detail));
    TRY(type_check(&id, attrs, detail));
    if (ask->cse->kind == CSE_KIND_ASN && !is_registrar(ask, &id)) { /* TS-0001 6.2: nobody is below an ASN-CSE */
        return detail_fail(detail, ERR_OPERATION, "an ASN-CSE has no registrees", text_of(id.absolute.z));
    }
    TRY(cse_csr_ri(&id, &ri));
    err_t e = cse_res_get(ask->t, text_of(ri.z), ask->rq->now, &old);
    if (e == ERR_OK) {
        return detail_fail(detail, ERR_REGISTERED, "CSE-ID", text_of(id.sp_relative.z));
    }
    TRY(e == ERR_NOT_FOUND ? ERR_OK : e);
    TRY(cse_res_keep(ask->t, text_of(ri.z), &r->ri));
    TRY(cse_res_keep(ask->t, text_of(id.absolute.z), &r->creator));
    TRY(cse_res_keep(ask->t, text_of(a->framework == ASSOCIATION_NONE ? "" : a->credential_id), &r->credential));
    if (!json_set_text(attrs, "csi", text_of(id.sp_relative.z[0] == '\0' ? id.absolute.z : id.sp_relative.z))) {
        return ERR_LIMIT_CAPACITY;
    }
    return cse_csr_descendants(ask, r, attrs, detail);
}
