#include "role/cse/cse_from.h"

#include "role/cse/cse_csr.h"
#include "role/cse/cse_hop.h"
#include "role/cse/cse_key.h"
#include "role/cse/cse_sub.h"
#include "role/detail.h"
#include "wire/json.h"

#include <string.h>

static bool is_ae_create(const struct primitive *p)
{
    return p->op == OP_CREATE && p->has_ty && p->ty == TYPE_AE;
}

/* Of a CSE: what makes its identity known here, so nothing is asked of a registration that is not there yet. */
static bool is_cse_create(const struct primitive *p)
{
    return p->op == OP_CREATE && p->has_ty && p->ty == TYPE_CSR;
}

err_t cse_from_forms(const struct cse *cse, struct text id, struct cse_from *out)
{
    TRY(m2mid_absolute(id, text_of(cse->self.z), &out->absolute));
    m2mid_fold(out->absolute.z);
    struct text absolute = text_of(out->absolute.z);
    out->kind = m2mid_is_ae(m2mid_kind(absolute)) ? CSE_FROM_AE : CSE_FROM_CSE;
    out->sp_relative.z[0] = '\0';
    out->stem.z[0] = '\0';
    struct text sp = text_skip(absolute, 2);
    sp = text_take(sp, text_find(sp, '/'));
    if (!text_eq_nocase(sp, text_of(cse->sp.z))) {
        return ERR_OK;
    }
    TRY(m2mid_sp_relative(absolute, &out->sp_relative));
    struct text own = text_of(cse->self.z);
    bool below = text_eq(text_take(absolute, own.n), own) && absolute.n > own.n && absolute.p[own.n] == '/';
    if (out->kind == CSE_FROM_AE && (below || m2mid_kind(absolute) == M2MID_ABS_AE_S)) {
        struct text stem = text_empty();
        TRY(m2mid_stem(absolute, &stem));
        TRY(TEXT_COPY(stem, out->stem.z));
    }
    return ERR_OK;
}

struct access_forms cse_from_access(const struct cse_from *f)
{
    return (struct access_forms){text_of(f->absolute.z), text_of(f->sp_relative.z), text_of(f->stem.z)};
}

/* -- the association ---------------------------------------------------------------------------------- */
/* R000-29, R002-77: no service to whom is not authenticated. R004-21 and R002-63: an association ends with its lifetime, and with
 * the credential it came from. */
static err_t association_check(const struct cse *cse, const struct request *rq, struct txn *t, char *detail)
{
    const struct association *a = rq->assoc;
    if (a->framework == ASSOCIATION_NONE) { /* R000-35, R002-70: none, and it is demanded (or not: R000-37, R000-40) */
        return cse->mca_optional || cse->mcc_optional || cse->mcc_prime_optional /* which of them, is said by From: from_plain */
                   ? ERR_OK
                   : detail_fail(detail, ERR_DENIED_NO_ASSOCIATION, "[cse] association = required", text_empty());
    }
    if (a->framework != ASSOCIATION_E2E && (cse->frameworks & 1U << a->framework) == 0) { /* R000-10 */
        return detail_fail(detail, ERR_DENIED_FRAMEWORK, "[cse] frameworks", text_empty());
    }
    if (a->not_after <= rq->now) {
        return detail_fail(detail, ERR_DENIED_NO_ASSOCIATION, "the association is past its lifetime", text_empty());
    }
    return a->key_id.z[0] == '\0' ? ERR_OK : cse_key_alive(t, a, detail);
}

/* -- From by the kind of its peer ---------------------------------------------------------------------- */
/* An AE whose identity the association knows (rule 5): From must be one of its allowed AE-IDs. */
static err_t from_bound(const struct request *rq, const struct cse_from *f, char *detail)
{
    if (f->kind == CSE_FROM_ABSENT || association_is_bound_to(rq->assoc, text_of(f->absolute.z))) {
        return ERR_OK;
    }
    return detail_fail(detail, ERR_DENIED_FROM, "From", rq->prim->from);
}

/* Only the Credential-ID is known [CHOICE-43]: nothing but registration, then the AE that registered with it. */
static err_t from_credential(const struct request *rq, struct txn *t, const struct cse_from *f, char *detail)
{
    if (is_ae_create(rq->prim) || is_cse_create(rq->prim)) {
        return ERR_OK;
    }
    struct cse_res ae;
    err_t e = f->kind == CSE_FROM_AE ? cse_res_get(t, text_of(f->stem.z), rq->now, &ae) : ERR_NOT_FOUND;
    if (e == ERR_NOT_FOUND || (e == ERR_OK && ae.type->ty != TYPE_AE)) {
        return detail_fail(detail, ERR_DENIED_NOT_REGISTERED, "From", rq->prim->from);
    }
    TRY(e);
    if (!text_eq_z(ae.credential, rq->assoc->credential_id)) {
        return detail_fail(detail, ERR_DENIED_FROM, "From", rq->prim->from);
    }
    return ERR_OK;
}

/* May the CSE of this association speak for the CSE with this absolute identifier: itself, one below it, or, if it is the
 * registrar, one that is neither here nor below us? */
static err_t speaks_for(const struct cse *cse, const struct request *rq, struct txn *t, struct text csi, bool *out)
{
    *out = association_is_bound_to(rq->assoc, csi);
    if (!*out && association_is_bound_to(rq->assoc, text_of(cse->registrar.csi.z))) {
        return cse_hop_is_above(cse, t, csi, rq->now, out);
    }
    return *out ? ERR_OK : cse_csr_is_below(t, text_of(rq->assoc->ids[0].z), csi, rq->now, out);
}

/* An S-type AE is somewhere else than here: neither registered here, nor one whose name a credential or the administrator
 * is configured with. Those are their own, while they are away as well. One of another provider comes from the registrar alone. */
static err_t is_elsewhere(const struct cse *cse, const struct request *rq, struct txn *t, const struct cse_from *f, bool *out)
{
    struct cse_res ae;
    struct store_value reserved;
    if (f->stem.z[0] == '\0') {
        *out = association_is_bound_to(rq->assoc, text_of(cse->registrar.csi.z));
        return ERR_OK;
    }
    bool admin = cse->admin.z[0] != '\0' && m2mid_same(text_of(cse->admin.z), text_of(f->absolute.z));
    err_t e = cse_res_get(t, text_of(f->stem.z), rq->now, &ae);
    if (e == ERR_OK && ae.type->ty == TYPE_AE_ANNC) { /* and it was announced where */
        return speaks_for(cse, rq, t, ae.creator, out);
    }
    e = e == ERR_NOT_FOUND ? txn_get(t, TABLE_CSE_AE, text_of(f->stem.z), &reserved) : e;
    *out = e == ERR_NOT_FOUND && !admin;
    return e == ERR_NOT_FOUND ? ERR_OK : e;
}

/* From of a CSE (rule 6): itself, a CSE below it, an S-type AE that is not of here, or a C-type AE below it. */
static err_t from_below(const struct cse *cse, const struct request *rq, struct txn *t, const struct cse_from *f, bool *out)
{
    struct text absolute = text_of(f->absolute.z);
    enum m2mid_kind k = m2mid_kind(rq->prim->from);
    if (cse_csr_is_foreign(cse, text_of(rq->assoc->ids[0].z))) { /* Mcc': for all of its domain, and for nobody else */
        *out = cse_csr_same_domain(text_of(rq->assoc->ids[0].z), absolute) && (cse->inter_domain || is_cse_create(rq->prim));
        return ERR_OK;
    }
    if (f->kind == CSE_FROM_CSE) {
        return speaks_for(cse, rq, t, absolute, out);
    }
    if (k == M2MID_SP_AE_C || k == M2MID_ABS_AE_C) {
        return speaks_for(cse, rq, t, text_take(absolute, text_find_last(absolute, '/')), out);
    }
    return is_elsewhere(cse, rq, t, f, out);
}

/* A CSE is served while it is registered: with the end of its registration it loses every right at once, those that
 * policies give to its CSE-ID as well. */
static err_t from_cse(const struct cse *cse, const struct request *rq, struct txn *t, const struct cse_from *f,
                      char *detail)
{
    bool registers = is_cse_create(rq->prim) || is_ae_create(rq->prim); /* the latter is refused for what it is */
    bool ok = f->kind == CSE_FROM_ABSENT;
    TRY(ok ? ERR_OK : from_below(cse, rq, t, f, &ok));
    if (!ok || m2mid_same(text_of(f->absolute.z), text_of(cse->self.z))) { /* nobody else is this CSE, whatever a credential says */
        return detail_fail(detail, ERR_DENIED_FROM, "From", rq->prim->from);
    }
    struct cse_res csr;
    err_t e = registers ? ERR_OK : cse_csr_get(t, text_of(rq->assoc->ids[0].z), rq->now, &csr);
    return e == ERR_NOT_FOUND
               ? detail_fail(detail, ERR_DENIED_NOT_REGISTERED, "the CSE", text_of(rq->assoc->ids[0].z))
               : e;
}

/* Which registration speaks outside of any association: one that was made there. Without this, From alone would be
 * enough to act as any AE or CSE. */
static err_t plain_registration(const struct request *rq, struct txn *t, const struct cse_from *f, char *detail)
{
    struct cse_res r;
    bool cse = f->kind == CSE_FROM_CSE;
    err_t e = cse ? cse_csr_get(t, text_of(f->absolute.z), rq->now, &r) : cse_res_get(t, text_of(f->stem.z), rq->now, &r);
    if (e == ERR_NOT_FOUND || (e == ERR_OK && r.type->ty != (cse ? TYPE_CSR : TYPE_AE))) {
        return detail_fail(detail, ERR_DENIED_NOT_REGISTERED, "From", rq->prim->from);
    }
    TRY(e);
    return r.credential.n == 0 ? ERR_OK
                               : detail_fail(detail, ERR_DENIED_NO_ASSOCIATION,
                                             "From registered over an association", rq->prim->from);
}

/* Outside any association (rules 7 and 8): no CSE is served without one (R000-36), unless the operator decided that it
 * may be (R002-10); an AE likewise. */
static err_t from_plain(const struct cse *cse, const struct request *rq, struct txn *t, const struct cse_from *f,
                        char *detail)
{
    bool of_cse = f->kind == CSE_FROM_CSE || is_cse_create(rq->prim);
    if (of_cse && cse_csr_is_foreign(cse, text_of(f->absolute.z)) && (cse->inter_domain || !is_cse_create(rq->prim))) {
        return cse->mcc_prime_optional
                   ? is_cse_create(rq->prim) ? ERR_OK : plain_registration(rq, t, f, detail)
                   : detail_fail(detail, ERR_DENIED_NO_ASSOCIATION, "[cse] inter-domain = optional is not set", rq->prim->from);
    }
    if (of_cse ? !cse->mcc_optional : !cse->mca_optional) {
        return detail_fail(detail, ERR_DENIED_NO_ASSOCIATION,
                           of_cse ? "[cse] cse-association = required" : "[cse] association = required",
                           rq->prim->from);
    }
    return is_ae_create(rq->prim) || is_cse_create(rq->prim) ? ERR_OK : plain_registration(rq, t, f, detail);
}

/* Protected end to end: who it is says the key, wherever he is registered. What a registration remembers is its
 * association, so there is none without. */
static err_t from_end_to_end(const struct cse *cse, const struct request *rq, const struct cse_from *f, char *detail)
{
    if (is_ae_create(rq->prim) || is_cse_create(rq->prim)) {
        return detail_fail(detail, ERR_OPERATION, "a registration needs an association of its own", text_empty());
    }
    if (m2mid_same(text_of(f->absolute.z), text_of(cse->self.z))) {
        return detail_fail(detail, ERR_DENIED_FROM, "From", rq->prim->from);
    }
    return from_bound(rq, f, detail);
}

static err_t by_peer(const struct cse *cse, const struct request *rq, struct txn *t, const struct cse_from *f,
                     char *detail)
{
    if (rq->assoc->framework == ASSOCIATION_E2E) {
        return from_end_to_end(cse, rq, f, detail);
    }
    switch (rq->assoc->peer) {
    case PEER_AE:
        return from_bound(rq, f, detail);
    case PEER_UNKNOWN:
        return from_credential(rq, t, f, detail);
    case PEER_CSE:
        return from_cse(cse, rq, t, f, detail);
    case PEER_PLAIN:
        return from_plain(cse, rq, t, f, detail);
    case PEER_NONE:
    case PEER_ENROLEE:
    case PEER_MAF:
    case PEER_MEF:
    case PEER_NODE:
    case PEER_CLIENT:
        break;
    }
    return detail_fail(detail, ERR_DENIED_CLIENT, "no AE and no CSE", association_name(rq->assoc));
}

/* -- the service subscription ---------------------------------------------------------------------------- */
bool cse_from_is_admin(const struct cse *cse, const struct cse_from *f)
{
    struct text admin = text_of(cse->admin.z);
    return admin.n > 0 && f->authenticated && m2mid_same(admin, text_of(f->absolute.z));
}

/*
 * R002-39, R002-40, R002-81: an AE of this registrar is served only while its subscription admits it, whatever it was admitted to
 * before (R002-42). The CREATE of the AE itself is checked where its stem is chosen. An AE that is not registered here has
 * no contract; those that a CSE forwards have theirs with their own registrar.
 */
static err_t subscription_check(const struct cse *cse, const struct request *rq, struct txn *t, struct cse_from *f,
                                char *detail)
{
    bool forwarded = rq->assoc->peer == PEER_CSE;
    if (!cse->subscription || forwarded || f->kind != CSE_FROM_AE || is_ae_create(rq->prim) ||
        cse_from_is_admin(cse, f)) {
        return ERR_OK;
    }
    struct cse_res ae;
    const bool object = rq->assoc->framework == ASSOCIATION_E2E;
    err_t e = cse_res_get(t, text_of(f->stem.z), rq->now, &ae);
    if (e == ERR_NOT_FOUND || (e == ERR_OK && ae.type->ty != TYPE_AE)) {
        return object ? ERR_OK : detail_fail(detail, ERR_DENIED_NOT_REGISTERED, "From", rq->prim->from);
    }
    TRY(e);
    SCOPED(json_scope) json_t *attrs = NULL;
    TRY(cse_res_attrs(t, &ae, &attrs));
    const struct cse_sub_claim claim = {
        .registrar = text_of(cse->csi.z), .app = json_get_text(attrs, "api"), .who = text_of(f->stem.z),
        .credential = object ? ae.credential /* its contract is that of its registration */
                             : text_of(rq->assoc->framework == ASSOCIATION_NONE ? "" : rq->assoc->credential_id)};
    struct cse_sub_grant grant;
    TRY(cse_sub_check(t, rq->now, &claim, &grant, detail));
    f->services = grant.services;
    return ERR_OK;
}

/* -- forms --------------------------------------------------------------------------------------------- */
/* Absent, S, C, /S, /C: legal on CREATE <AE> only [CHOICE-69, CHOICE-89]. */
static bool is_wish(struct text from, char *wish)
{
    struct text t = text_starts(from, "/") ? text_skip(from, 1) : from;
    *wish = 0;
    if (from.n == 0) {
        return true;
    }
    if (t.n == 1 && (t.p[0] == 'S' || t.p[0] == 'C')) {
        *wish = t.p[0];
        return true;
    }
    return false;
}

static err_t form_check(const struct cse *cse, const struct request *rq, struct cse_from *out, char *detail)
{
    struct text from = rq->prim->has_from ? rq->prim->from : text_empty();
    if (is_wish(from, &out->wish)) {
        /* rule 3: only CREATE <AE> may leave it open, and CREATE <remoteCSE> by a CSE that does not know its CSE-ID (R002-18) */
        out->kind = CSE_FROM_ABSENT;
        bool unknown = is_cse_create(rq->prim) && out->wish == 0;
        return is_ae_create(rq->prim) || unknown ? ERR_OK : detail_fail(detail, ERR_MALFORMED_FROM, "From", from);
    }
    enum m2mid_kind k = m2mid_kind(from);
    bool from_cse = rq->assoc->peer == PEER_CSE || rq->assoc->framework == ASSOCIATION_E2E; /* names that mean it anywhere */
    if (!m2mid_is_ae(k) && !m2mid_is_cse(k)) {
        return detail_fail(detail, ERR_MALFORMED_FROM, "From", from);
    }
    if (m2mid_is_ae(k) && k != M2MID_STEM && !from_cse) { /* rule 4 */
        return detail_fail(detail, ERR_MALFORMED_FROM, "From must be an AE-ID stem", from);
    }
    if (k == M2MID_STEM && from_cse) { /* rule 6: a CSE-relative form means nothing on Mcc */
        return detail_fail(detail, ERR_DENIED_FROM, "From", from);
    }
    return cse_from_forms(cse, from, out);
}

err_t cse_from_check(const struct cse *cse, const struct request *rq, struct txn *t, struct cse_from *out,
                     char detail[static ROLE_DETAIL_MAX])
{
    memset(out, 0, sizeof(*out));
    if (rq->prim->unsupported) { /* rule 1 */
        return detail_fail(detail, ERR_NOT_IMPLEMENTED, "parameter", text_of(rq->prim->unsupported_name));
    }
    if (rq->prim->expires <= rq->now) { /* rule 2 */
        return ERR_REQUEST_EXPIRED;
    }
    TRY(association_check(cse, rq, t, detail));
    TRY(form_check(cse, rq, out, detail));
    /* 12.3: an AE registered elsewhere is authenticated only end to end, so not through the CSE that forwards it. */
    out->authenticated = rq->assoc->framework != ASSOCIATION_NONE &&
                         (rq->assoc->peer != PEER_CSE || out->kind == CSE_FROM_CSE ||
                          rq->assoc->framework == ASSOCIATION_E2E);
    TRY(by_peer(cse, rq, t, out, detail));
    return subscription_check(cse, rq, t, out, detail);
}
