#include "role/cse/cse_announced.h"

#include "role/cse/cse_ae.h"
#include "role/cse/cse_announce.h"
#include "role/cse/cse_hop.h"
#include "role/cse/cse_ops.h"
#include "role/cse/cse_sub.h"
#include "role/cse/cse_tally.h"
#include "role/detail.h"
#include "wire/json.h"

struct text cse_announced_credential(const json_t *attrs)
{
    const json_t *list = json_object_get(attrs, "lbl");
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *v = json_array_get(list, i);
        struct text label = text_span(json_string_value(v), json_string_length(v));
        if (text_starts(label, CSE_AE_LABEL)) {
            return text_skip(label, sizeof(CSE_AE_LABEL) - 1);
        }
    }
    return text_empty();
}

bool cse_announced_is_coming(const struct cse_res *r, const struct association *a)
{
    return r->type->ty == TYPE_AE_ANNC && a->framework != ASSOCIATION_NONE && r->credential.n > 0 &&
           text_eq_z(r->credential, a->credential_id);
}

/* -- whose it is ---------------------------------------------------------------------------------------------------- */
/* The original is at the CSE that speaks (part 11.3: nobody announces what is somebody else's). */
static err_t link_check(const struct cse_ask *ask, const json_t *attrs, struct text *name, char *detail)
{
    struct text lnk = json_get_text(attrs, "lnk");
    struct m2mid csi;
    if (ask->from->kind != CSE_FROM_CSE) {
        return detail_fail(detail, ERR_OPERATION, "a resource is announced by the CSE where it is", ask->rq->prim->from);
    }
    if (cse_hop_target(ask->cse, lnk, &csi) != ERR_OK) {
        return detail_fail(detail, ERR_CONTENTS, "lnk: no address at a CSE", lnk);
    }
    if (!m2mid_same(text_of(csi.z), text_of(ask->from->absolute.z))) {
        return detail_fail(detail, ERR_DENIED_FROM, "lnk: a resource of another CSE", lnk);
    }
    *name = text_skip(lnk, text_find_last(lnk, '/') + 1);
    return ERR_OK;
}

/* -- where an AE of the provider is ------------------------------------------------------------------------------------ */
/* R002-39 and part 11.2, for the registrar where the AE is now. */
static err_t subscription_check(const struct cse_ask *ask, struct text stem, const json_t *attrs, char *detail)
{
    const struct cse_sub_claim claim = {.registrar = text_of(ask->from->sp_relative.z), .app = json_get_text(attrs, "api"),
                                        .who = stem, .credential = cse_announced_credential(attrs)};
    struct cse_sub_grant grant;
    if (claim.app.n == 0) {
        return detail_fail(detail, ERR_MISSING, "api", text_empty());
    }
    TRY(cse_sub_check(ask->t, ask->rq->now, &claim, &grant, detail));
    return cse_sub_bind(ask->t, claim.credential, grant.node);
}

/* Not a name that the operator, or a registration here, gave to another credential. */
static err_t reserved_check(const struct cse_ask *ask, struct text stem, const json_t *attrs, char *detail)
{
    struct store_value v;
    struct cse_from id = {0};
    struct text credential = cse_announced_credential(attrs);
    TRY(cse_from_forms(ask->cse, stem, &id));
    bool admin = ask->cse->admin.z[0] != '\0' && m2mid_same(text_of(ask->cse->admin.z), text_of(id.absolute.z));
    err_t e = txn_get(ask->t, TABLE_CSE_AE, stem, &v);
    bool named = text_starts(credential, "//"); /* an AE-ID: what the operator gave a name to is no label's to tell (cse_ae_reserve) */
    bool theirs = e == ERR_OK && credential.n > 0 && !named && bytes_eq(v.data, text_bytes(credential));
    TRY(e == ERR_NOT_FOUND ? ERR_OK : e);
    return admin || (e == ERR_OK && !theirs) ? detail_fail(detail, ERR_DENIED_FROM, "lnk: this AE-ID is another credential's", stem)
                                             : ERR_OK;
}

static err_t taken_check(const struct cse_ask *ask, struct text ri, char *detail)
{
    struct cse_res other;
    err_t e = cse_res_get(ask->t, ri, ask->rq->now, &other);
    if (e == ERR_OK) {
        return detail_fail(detail, other.type->ty == TYPE_AE ? ERR_REGISTERED : ERR_EXISTS, "announced or registered here", ri);
    }
    return e == ERR_NOT_FOUND ? ERR_OK : e;
}

/* R002-32: the IN-CSE has the announcements of the AEs whose identities are the provider's. */
static err_t accept_stem(const struct cse_ask *ask, struct text stem, struct cse_res *r, const json_t *attrs, char *detail)
{
    if (ask->cse->kind != CSE_KIND_IN) {
        return detail_fail(detail, ERR_OPERATION, "AE-IDs of the provider are announced to its IN-CSE", stem);
    }
    if (!text_starts(stem, "S") || !m2mid_is_stem(stem) || ask->from->sp_relative.z[0] == '\0') {
        return detail_fail(detail, ERR_CONTENTS, "lnk: below the CSEBase only AEs with a stem S... of this provider", stem);
    }
    TRY(cse_tally_take(ask, text_empty(), r, detail));
    TRY(taken_check(ask, stem, detail));
    TRY(reserved_check(ask, stem, attrs, detail));
    TRY(ask->cse->subscription ? subscription_check(ask, stem, attrs, detail) : ERR_OK);
    TRY(cse_res_keep(ask->t, cse_announced_credential(attrs), &r->credential));
    return cse_res_keep(ask->t, stem, &r->ri);
}

/* One a CSE: it and everything of it is found below that. */
static err_t accept_base(const struct cse_ask *ask, struct cse_res *r, char *detail)
{
    struct m2mid ri;
    struct writer w = WRITER_ARRAY(ri.z);
    if (ask->from->sp_relative.z[0] == '\0') {
        return detail_fail(detail, ERR_OPERATION, "a CSE of another service provider", text_of(ask->from->absolute.z));
    }
    writer_z(&w, CSE_ANNOUNCE_BASE);
    writer_text(&w, text_skip(text_of(ask->from->sp_relative.z), 1));
    TRY(writer_finish_z(&w));
    TRY(taken_check(ask, text_of(ri.z), detail));
    return cse_res_keep(ask->t, text_of(ri.z), &r->ri);
}

err_t cse_announced_accept(const struct cse_ask *ask, const struct cse_res *parent, struct cse_res *r, const json_t *attrs,
                           char detail[static ROLE_DETAIL_MAX])
{
    struct text name;
    TRY(link_check(ask, attrs, &name, detail));
    if (parent->pi.n == 0) {
        return r->type->ty == TYPE_CB_ANNC ? accept_base(ask, r, detail) : accept_stem(ask, name, r, attrs, detail);
    }
    return m2mid_same(parent->creator, text_of(ask->from->absolute.z))
               ? ERR_OK
               : detail_fail(detail, ERR_DENIED_PRIVILEGE, "the announcement above it is another CSE's", parent->ri);
}

/* -- moving -------------------------------------------------------------------------------------------------------------- */
/* Case vi of part 11.3: the subscription says where an AE may be; without one, the credential it registered with has to be
 * the same. One that registered without an association stays where it is until that ends. */
static err_t move_check(const struct cse_ask *ask, const struct cse_res *r, const json_t *content, char *detail)
{
    struct text credential = cse_announced_credential(content);
    if (r->type->ty != TYPE_AE_ANNC || !text_eq_z(r->pi, ask->cse->root.z)) {
        return detail_fail(detail, ERR_DENIED_PRIVILEGE, "another CSE's", r->ri);
    }
    if (ask->cse->subscription) {
        return subscription_check(ask, r->ri, content, detail);
    }
    return credential.n > 0 && text_eq(credential, r->credential)
               ? ERR_OK
               : detail_fail(detail, ERR_DENIED_FROM, "announced by another CSE, where it registered with another credential", r->ri);
}

err_t cse_announced_claim(const struct cse_ask *ask, struct cse_res *r, const json_t *content, char detail[static ROLE_DETAIL_MAX])
{
    struct text name;
    TRY(link_check(ask, content, &name, detail));
    if (text_eq_z(r->pi, ask->cse->root.z) && r->type->ty == TYPE_AE_ANNC && !text_eq(name, r->ri)) {
        return detail_fail(detail, ERR_CONTENTS, "lnk: another AE", name);
    }
    if (m2mid_same(r->creator, text_of(ask->from->absolute.z))) {
        return ERR_OK;
    }
    const struct text before = cse_tally_of(r);
    TRY(cse_tally_take(ask, before, r, detail));
    TRY(move_check(ask, r, content, detail));
    TRY(cse_tally_give(ask->t, before));
    TRY(cse_res_keep(ask->t, text_of(ask->from->absolute.z), &r->creator));
    return cse_ops_audit(ask, AUDIT_AE_MOVED, r->ri);
}
