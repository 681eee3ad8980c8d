/* ctl explain at the CSE: what it associates with, the AEs that registered with that, and resources. */
#include "role/cse/cse_explain.h"

#include "role/cert_key.h"
#include "role/cse/cse_annc.h"
#include "role/cse/cse_explain_res.h"
#include "role/cse/cse_from.h"
#include "role/cse/cse_key.h"
#include "role/cse/cse_res.h"
#include "role/cse/types.h"

/* What it is announced as at other CSEs, the IN-CSE first of all. */
static err_t tell_announcements(struct explain *x, struct txn *t, const struct cse_res *r)
{
    struct cse_annc_list all = {.n = 0};
    char remote[KEYID_MAX];
    TRY(r->announced ? cse_annc_of(t, r->node, &all) : ERR_OK);
    for (size_t i = 0; i < all.n; i++) {
        const struct cse_annc *a = &all.at[i];
        TRY(TEXT_COPY(text_take(a->remote, sizeof(remote) - 1), remote));
        if (explain_open(x, cse_annc_standing(a), remote)) {
            emit_text(x->e, "at", a->target);
            emit_time(x->e, "since", a->since);
            if (a->rsc != 0) {
                emit_number(x->e, "rsc", (uint64_t)a->rsc);
            }
            explain_close(x);
        }
    }
    return ERR_OK;
}

static err_t tell_ae(const struct cse *cse, struct explain *x, struct txn *t, struct text identity)
{
    struct cse_from id = {0};
    struct cse_res r;
    struct store_value reserved;
    if (identity.n == 0 || cse_from_forms(cse, identity, &id) != ERR_OK || id.stem.z[0] == '\0') {
        return ERR_OK;
    }
    err_t e = cse_res_get(t, text_of(id.stem.z), x->now, &r);
    TRY(explain_maybe(e));
    bool registered = e == ERR_OK && r.type->ty == TYPE_AE;
    e = txn_get(t, TABLE_CSE_AE, text_of(id.stem.z), &reserved);
    TRY(explain_maybe(e));
    if ((!registered && e != ERR_OK) ||
        !explain_open(x, registered ? STATES_AE_REGISTERED : STATES_AE_RESERVED, id.absolute.z)) {
        return ERR_OK;
    }
    explain_name(x, id.sp_relative.z);
    if (registered) {
        if (r.credential.n > 0) {
            emit_text(x->e, "came-from", r.credential);
        }
        emit_time(x->e, "created", r.ct);
        if (r.et != USEC_NEVER) {
            emit_time(x->e, "not-after", r.et);
        }
    } else {
        emit_text(x->e, "came-from", text_span((const char *)reserved.data.p, reserved.data.n));
    }
    explain_close(x);
    return registered ? tell_announcements(x, t, &r) : ERR_OK;
}

static enum states_state state_of(const struct cse_key *k, usec_t now)
{
    static const struct explain_stand of = {STATES_SAEF_REVOKED, STATES_SAEF_SUSPENDED, STATES_SAEF_EXPIRED};
    return explain_standing(&of, k->standing, k->not_after - now, STATES_SAEF_VALID);
}

static void tell_key(struct explain *x, const struct cse_key *k)
{
    if (explain_open(x, state_of(k, x->now), k->id.z)) {
        emit_z(x->e, "credential-kind", cse_key_kind_name(k->kind));
        emit_z(x->e, "came-from", k->source.z[0] == '\0' ? "operator" : k->source.z);
        emit_array(x->e, "gave");
        for (size_t i = 0; i < k->peers_n; i++) {
            emit_z(x->e, NULL, k->peers[i].z);
        }
        emit_close_array(x->e);
        emit_time(x->e, "added", k->created);
        emit_time(x->e, "not-after", k->not_after);
        explain_close(x);
    }
}

/* With the AEs that it names, of a CSE; a gate (cse NULL) has none. */
static err_t by_key(const struct cse *cse, struct explain *x, struct txn *t, const char *id)
{
    struct cse_key k;
    err_t e = id[0] == '\0' ? ERR_NOT_FOUND : cse_key_get(t, text_of(id), &k);
    TRY(explain_maybe(e));
    if (e == ERR_OK) {
        tell_key(x, &k);
    }
    for (size_t i = 0; e == ERR_OK && i < k.peers_n; i++) {
        explain_name(x, k.peers[i].z);
        TRY(cse != NULL ? tell_ae(cse, x, t, text_of(k.peers[i].z)) : ERR_OK);
    }
    return ERR_OK;
}

static size_t is_peer(struct text id, struct bytes record, struct text who)
{
    struct cse_key k;
    bool found = false;
    if (cse_key_parse(record, &k) != ERR_OK) {
        return 0;
    }
    for (size_t i = 0; i < k.peers_n; i++) {
        found = found || m2mid_same(text_of(k.peers[i].z), who);
    }
    return found ? id.n : 0;
}

static err_t by_peer(const struct cse *cse, struct explain *x, struct txn *t)
{
    struct explain_found f;
    TRY(explain_scan_whose(x, t, TABLE_CSE_KEY, is_peer, &f));
    for (size_t i = 0; i < f.n; i++) {
        TRY(by_key(cse, x, t, f.keys[i].z));
    }
    return ERR_OK;
}

static err_t keys(const struct cse *cse, struct explain *x, struct txn *t)
{
    struct cert_key certificate;
    TRY(by_key(cse, x, t, x->folded.z));
    if (x->folded.z[0] == '\0' && cert_key_parse(x->id, &certificate) == ERR_OK) {
        TRY(by_key(cse, x, t, certificate.key.z));
    }
    TRY(by_peer(cse, x, t));
    return explain_scan_near(x, t, TABLE_CSE_KEY);
}

err_t cse_explain_keys(const void *ctx, struct txn *t, struct explain *x)
{
    (void)ctx;
    return keys(NULL, x, t);
}

err_t cse_explain(const void *ctx, struct txn *t, struct explain *x)
{
    const struct cse *cse = ctx;
    TRY(keys(cse, x, t));
    if (x->folded.z[0] == '\0') {
        TRY(tell_ae(cse, x, t, x->id));
        TRY(cse_explain_res(cse, t, x));
    }
    return ERR_OK;
}
