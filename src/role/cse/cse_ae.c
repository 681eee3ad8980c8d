#include "role/cse/cse_ae.h"

#include "base/hex.h"
#include "role/cse/cse_announced.h"
#include "role/cse/cse_csr.h"
#include "role/cse/cse_sub.h"
#include "role/detail.h"
#include "wire/json.h"

#define STEM_OCTETS 10
#define STEM_TRIES 4
#define STEM_POLICY 'C' /* case v: no preference given */

/* -- the stem ------------------------------------------------------------------------------------------ */
static err_t is_free(const struct cse_ask *ask, struct text stem)
{
    struct cse_res ae;
    err_t e = cse_res_get(ask->t, stem, ask->rq->now, &ae);
    if (e == ERR_OK && cse_announced_is_coming(&ae, ask->rq->assoc)) { /* case vi: from a field CSE to this one */
        return ERR_OK;
    }
    return e == ERR_OK ? ERR_REGISTERED : e == ERR_NOT_FOUND ? ERR_OK : e;
}

/* The Credential-ID of the association, if that is all it knows of its peer; else empty. */
static struct text lone_credential(const struct association *a)
{
    return a->peer == PEER_UNKNOWN ? text_of(a->credential_id) : text_empty();
}

/* A stem that a credential or the administrator is configured with goes only to an association bound to it, and one
 * that a Credential-ID had goes back to that only (6.0.3, 2a): else any stranger with some credential could register
 * under the name that policies trust, at first or when it becomes free. */
static err_t is_unreserved(const struct cse_ask *ask, const struct cse_from *id)
{
    struct store_value v;
    struct text own = lone_credential(ask->rq->assoc);
    err_t e = txn_get(ask->t, TABLE_CSE_AE, text_of(id->stem.z), &v);
    bool admin = ask->cse->admin.z[0] != '\0' && m2mid_same(text_of(ask->cse->admin.z), text_of(id->absolute.z));
    if (e == ERR_OK && own.n > 0 && bytes_eq(v.data, text_bytes(own))) {
        return ERR_OK;
    }
    if (e == ERR_OK || (e == ERR_NOT_FOUND && admin)) {
        return ERR_DENIED_FROM;
    }
    return e == ERR_NOT_FOUND ? ERR_OK : e;
}

/* No Credential-ID begins with the slashes of an absolute identifier (cse_ae_reserve). */
static err_t remember(const struct cse_ask *ask, const struct cse_from *id)
{
    struct text own = lone_credential(ask->rq->assoc);
    return own.n == 0 ? ERR_OK
                      : txn_put(ask->t, TABLE_CSE_AE, text_of(id->stem.z), text_bytes(own), STORE_PUT_ANY, 0);
}

/* The association knows the identity: it decides, whatever From left open. */
static err_t stem_bound(const struct cse_ask *ask, struct cse_from *out, char *detail)
{
    const struct association *a = ask->rq->assoc;
    if (ask->from->kind == CSE_FROM_AE) {
        *out = *ask->from;
        return is_free(ask, text_of(out->stem.z));
    }
    err_t last = ERR_DENIED_FROM;
    for (size_t i = 0; i < a->ids_n; i++) {
        if (cse_from_forms(ask->cse, text_of(a->ids[i].z), out) == ERR_OK && out->stem.z[0] != '\0') {
            last = is_free(ask, text_of(out->stem.z));
            if (last == ERR_OK) {
                return ERR_OK;
            }
        }
    }
    return detail_fail(detail, last, "bound identity", association_name(a));
}

static err_t stem_random(const struct cse_ask *ask, char first, struct cse_from *out)
{
    for (size_t i = 0; i < STEM_TRIES; i++) {
        uint8_t b[STEM_OCTETS];
        TRY(ask->cse->env.crypto->random(b, sizeof(b)));
        char stem[2 * STEM_OCTETS + 2];
        struct writer w = WRITER_ARRAY(stem);
        writer_u8(&w, (uint8_t)first);
        hex_write_upper(&w, BYTES_ARRAY(b));
        TRY(writer_finish_z(&w));
        TRY(cse_from_forms(ask->cse, writer_view_text(&w), out));
        if (is_free(ask, writer_view_text(&w)) == ERR_OK && is_unreserved(ask, out) == ERR_OK) {
            return ERR_OK;
        }
    }
    return ERR_CRYPTO; /* 80 bits collided four times: the random source is broken */
}

/* Cases i to v of part 11.3.1; vi needs a second registrar. The IN-CSE itself assigns S-type stems (branch a). */
static err_t stem_choose(const struct cse_ask *ask, struct cse_from *out, char *detail)
{
    if (ask->rq->assoc->peer == PEER_AE) {
        return stem_bound(ask, out, detail);
    }
    if (ask->from->kind == CSE_FROM_ABSENT) {
        return stem_random(ask, ask->from->wish != 0 ? ask->from->wish : STEM_POLICY, out);
    }
    *out = *ask->from;
    err_t e = is_free(ask, text_of(out->stem.z));
    if (e == ERR_OK) {
        e = is_unreserved(ask, out);
    }
    return e == ERR_OK ? ERR_OK : detail_fail(detail, e, "From", ask->rq->prim->from);
}

/* -- the service subscription (step 3, part 11.2) ------------------------------------------------------------ */
static err_t admit_as(const struct cse_ask *ask, struct text app, struct text who, char *detail)
{
    const struct association *a = ask->rq->assoc;
    const struct cse_sub_claim claim = {
        .registrar = text_of(ask->cse->csi.z), .app = app, .who = who,
        .credential = text_of(a->framework == ASSOCIATION_NONE ? "" : a->credential_id)};
    struct cse_sub_grant grant;
    TRY(cse_sub_check(ask->t, ask->rq->now, &claim, &grant, detail));
    return cse_sub_bind(ask->t, claim.credential, grant.node);
}

/* Without a preference the type that a rule admits is taken, ours first (11.2 step 5). A stem that is only wished for is
 * admitted by a rule for all of its type. */
static err_t admit_wish(const struct cse_ask *ask, struct text app, char *wish, char *detail)
{
    const char both[] = {STEM_POLICY, STEM_POLICY == 'C' ? 'S' : 'C'};
    err_t e = ERR_DENIED_APP_RULE;
    for (size_t i = 0; i < sizeof(both) && e == ERR_DENIED_APP_RULE; i++) {
        if (ask->from->wish == 0 || ask->from->wish == both[i]) {
            e = admit_as(ask, app, text_span(&both[i], 1), detail);
            *wish = both[i];
        }
    }
    return e;
}

/* Decides the stem, and with `service-subscription = on` (R002-64) whether it is one to be had. */
static err_t stem_admitted(const struct cse_ask *ask, struct text app, struct cse_from *out, char *detail)
{
    bool checked = ask->cse->subscription && !cse_from_is_admin(ask->cse, ask->from);
    bool bound = ask->rq->assoc->peer == PEER_AE;
    struct cse_from from = *ask->from;
    const struct cse_ask with = {ask->cse, ask->rq, ask->t, &from};
    if (checked && from.kind == CSE_FROM_ABSENT && !bound) {
        TRY(admit_wish(ask, app, &from.wish, detail));
        return stem_choose(&with, out, detail);
    }
    if (checked && from.kind == CSE_FROM_AE) { /* before anything tells who is registered */
        TRY(admit_as(ask, app, text_of(from.stem.z), detail));
        return stem_choose(ask, out, detail);
    }
    TRY(stem_choose(ask, out, detail));
    out->authenticated = ask->from->authenticated;
    return checked && !cse_from_is_admin(ask->cse, out) ? admit_as(ask, app, text_of(out->stem.z), detail) : ERR_OK;
}

/* -- the label ----------------------------------------------------------------------------------------- */
/* Step 8: Credential-ID:<id>; outside an association the bare label [CHOICE-70]. */
static json_t *own_label(struct text credential)
{
    char label[ASSOCIATION_CREDENTIAL_MAX + sizeof(CSE_AE_LABEL)];
    struct writer w = WRITER_ARRAY(label);
    writer_z(&w, CSE_AE_LABEL);
    writer_text(&w, credential);
    return json_stringn(label, w.n);
}

err_t cse_ae_label(struct text credential, json_t *attrs, char detail[static ROLE_DETAIL_MAX])
{
    SCOPED(json_scope) json_t *own = own_label(credential);
    SCOPED(json_scope) json_t *out = json_array();
    const json_t *given = json_object_get(attrs, "lbl");
    for (size_t i = 0; i < json_array_size(given); i++) {
        json_t *v = json_array_get(given, i);
        struct text t = text_span(json_string_value(v), json_string_length(v));
        if (json_equal(v, own)) {
            continue;
        }
        if (text_starts(t, CSE_AE_LABEL)) {
            return detail_fail(detail, ERR_CONTENTS, "lbl: this label is set by the CSE", t);
        }
        if (json_array_append(out, v) != 0) {
            return ERR_LIMIT_CAPACITY;
        }
    }
    if (json_array_append(out, own) != 0 || json_object_set(attrs, "lbl", out) != 0) {
        return ERR_LIMIT_CAPACITY;
    }
    return ERR_OK;
}

/* -- registration -------------------------------------------------------------------------------------- */
/* R002-31: the flow of the figure. R002-91: nothing here asks of which framework the association is. */
err_t cse_ae_accept(const struct cse_ask *ask, struct cse_res *r, json_t *attrs, char detail[static ROLE_DETAIL_MAX])
{
    const struct association *a = ask->rq->assoc;
    if (a->peer == PEER_CSE || ask->from->kind == CSE_FROM_CSE) { /* step 6 */
        return detail_fail(detail, ERR_OPERATION, "a CSE does not register AEs", text_empty());
    }
    struct text api = json_get_text(attrs, "api");
    if (!m2mid_is_app_id(api)) { /* step 4 */
        return detail_fail(detail, ERR_MALFORMED_APP_ID, "api", api);
    }
    struct cse_from id = {0};
    TRY(stem_admitted(ask, api, &id, detail));
    if (id.stem.z[0] == '\0') { /* bound to an AE-ID of another registrar or SP */
        return detail_fail(detail, ERR_DENIED_FROM, "not an AE-ID of this CSE", text_of(id.absolute.z));
    }
    TRY(remember(ask, &id));
    TRY(cse_res_keep(ask->t, text_of(id.stem.z), &r->ri));
    TRY(cse_res_keep(ask->t, text_of(id.absolute.z), &r->creator));
    TRY(cse_res_keep(ask->t, text_of(a->framework == ASSOCIATION_NONE ? "" : a->credential_id), &r->credential));
    if (!json_set_text(attrs, "aei", r->ri)) {
        return ERR_LIMIT_CAPACITY;
    }
    return cse_ae_label(r->credential, attrs, detail);
}

err_t cse_ae_reserve(const struct cse *cse, struct txn *t, struct text absolute)
{
    struct cse_from id = {0};
    if (absolute.n == 0 || cse_from_forms(cse, absolute, &id) != ERR_OK) {
        return ERR_OK;
    }
    struct m2mid csr;
    if (id.kind == CSE_FROM_CSE && cse_csr_ri(&id, &csr) == ERR_OK) {
        return txn_put(t, TABLE_CSE_AE, text_of(csr.z), text_bytes(absolute), STORE_PUT_ANY, 0);
    }
    return id.stem.z[0] == '\0'
               ? ERR_OK
               : txn_put(t, TABLE_CSE_AE, text_of(id.stem.z), text_bytes(absolute), STORE_PUT_ANY, 0);
}
