/* ctl explain at the MAF: Master Credential, client registrations, registered keys. */
#include "role/maf/maf_ctx.h"
#include "role/reg/reg_explain.h"

static enum states_state state_of(const struct rec_km *k, usec_t now)
{
    static const struct explain_stand of = {STATES_KM_REVOKED, STATES_KM_SUSPENDED, STATES_KM_EXPIRED};
    return explain_standing(&of, k->standing, k->not_after - now, STATES_KM_VALID);
}

static err_t tell(const struct maf *m, struct explain *x, struct txn *t, const struct rec_km *k)
{
    char name[KEYID_MAX];
    char client[REC_CLIENT_NAME_MAX];
    struct writer w = WRITER_ARRAY(client);
    TRY(TEXT_COPY(rec_km_name(k), name));
    if (!explain_open(x, state_of(k, x->now), name)) {
        return ERR_OK;
    }
    explain_name(x, k->ke_id.z);
    explain_name(x, k->enrolee_id.z);
    emit_z_if(x->e, "enrolee-id", k->enrolee_id.z);
    emit_z(x->e, "came-from", k->ke_id.z[0] == '\0' ? "operator" : k->ke_id.z);
    emit_time(x->e, "stored", k->stored);
    emit_time(x->e, "not-after", k->not_after);
    explain_close(x);
    if (k->enrolee_id.z[0] == '\0') { /* its Credential-ID is its name [CHOICE-42] */
        writer_z(&w, "11-");
    }
    writer_z(&w, k->enrolee_id.z[0] == '\0' ? name : k->enrolee_id.z);
    return writer_finish_z(&w) == ERR_OK ? reg_explain_client(&m->reg, x, t, client) : ERR_OK;
}

static err_t by_name(const struct maf *m, struct explain *x, struct txn *t, const char *folded)
{
    struct rec_km k;
    err_t e = folded[0] == '\0' ? ERR_NOT_FOUND : rec_km_get(t, text_of(folded), &k);
    return e == ERR_OK ? tell(m, x, t, &k) : explain_maybe(e);
}

static size_t is_enrolee(struct text id, struct bytes record, struct text who)
{
    struct rec_km k;
    return rec_km_parse(record, &k) == ERR_OK && m2mid_same(text_of(k.enrolee_id.z), who) ? id.n : 0;
}

static err_t by_enrolee(const struct maf *m, struct explain *x, struct txn *t)
{
    struct explain_found f;
    TRY(explain_scan_whose(x, t, TABLE_MAF_KM, is_enrolee, &f));
    for (size_t i = 0; i < f.n; i++) {
        TRY(by_name(m, x, t, f.keys[i].z));
    }
    return ERR_OK;
}

err_t maf_explain(const void *ctx, struct txn *t, struct explain *x)
{
    const struct maf *m = ctx;
    TRY(by_name(m, x, t, x->folded.z));
    TRY(by_enrolee(m, x, t));
    TRY(reg_explain(&m->reg, x, t));
    return explain_scan_near(x, t, TABLE_MAF_KM);
}
