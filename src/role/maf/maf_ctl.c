/* Operator commands on Master Credentials. None of them can print a key. */
#include "role/credential_args.h"
#include "role/ctl_list.h"
#include "role/detail.h"
#include "role/emit.h"
#include "role/key_wipe.h"
#include "role/maf/maf_ctx.h"

static err_t tell(struct txn *t, enum audit_kind kind, struct text id, usec_t now)
{
    struct audit_event e = {.kind = kind, .time = now, .outcome = ERR_OK, .peer = "operator"};
    TRY(TEXT_COPY(id, e.object));
    return txn_audit(t, &e);
}

static void members(struct emit *e, const struct rec_km *k, usec_t now)
{
    emit_object(e, NULL);
    emit_text(e, "id", rec_km_name(k));
    emit_z(e, "kind", "km");
    emit_z_if(e, "ke-id", k->ke_id.z);
    emit_z_if(e, "enrolee-id", k->enrolee_id.z);
    emit_z(e, "origin", k->ke_id.z[0] == '\0' ? "pre-provisioned" : "mef");
    emit_z(e, "profile", credential_args_profile_name(k->profile));
    emit_uss(e, k->uss, k->uss_n);
    emit_time(e, "stored", k->stored);
    emit_time(e, "not-after", k->not_after);
    emit_z(e, "state", standing_name(k->standing, k->not_after, now));
    emit_close_object(e);
}

static err_t answer(const struct rec_km *k, usec_t now, struct writer *out)
{
    struct emit e = emit_to(out);
    members(&e, k, now);
    return writer_finish(out);
}

err_t maf_ctl_credential_add(const void *ctx, const struct ctl_request *rq, struct txn *t, struct writer *out,
                             char detail[static ROLE_DETAIL_MAX])
{
    const struct maf *m = ctx;
    const struct credential_rules rules = {.kind = "km", .fqdn = text_of(m->reg.fqdn), .lifetime = m->km_lifetime};
    SCOPED(credential_args_wipe) struct credential_args a;
    TRY(credential_args_parse(&rules, rq->args, &a, detail));
    struct bytes there;
    err_t e = rec_get(t, TABLE_MAF_KM, text_of(a.folded.z), &there);
    if (e != ERR_NOT_FOUND) {
        return e == ERR_OK ? detail_fail(detail, ERR_EXISTS, "credential", text_of(a.id.z)) : e;
    }
    struct rec_km k = {.km_id = a.id,
                       .enrolee_id = a.enrolee_id,
                       .no_enrolee = a.enrolee_id.z[0] == '\0',
                       .profile = a.profile,
                       .stored = rq->now,
                       .not_after = rq->now + a.lifetime};
    SCOPED(key_wipe_km) struct key_km km = {.s = a.key};
    TRY(rec_km_put(t, &k, m->reg.env.sealer, &km)); /* R001-03, R001-04: the import path of a pre-provisioned Km */
    TRY(tell(t, AUDIT_CREDENTIAL_ADDED, text_of(k.km_id.z), rq->now));
    return answer(&k, rq->now, out);
}

static err_t named(const struct ctl_request *rq, struct txn *t, struct keyid *folded, struct rec_km *k,
                   char detail[static ROLE_DETAIL_MAX])
{
    TRY(credential_args_id(rq->args, folded, detail));
    err_t e = rec_km_get(t, text_of(folded->z), k);
    return e == ERR_OK ? e : detail_fail(detail, e, "credential", text_of(folded->z));
}

err_t maf_ctl_credential_show(const void *ctx, const struct ctl_request *rq, struct txn *t, struct writer *out,
                              char detail[static ROLE_DETAIL_MAX])
{
    (void)ctx;
    struct keyid folded;
    struct rec_km k;
    TRY(named(rq, t, &folded, &k, detail));
    return answer(&k, rq->now, out);
}

static err_t stand(const struct maf *m, const struct standing_act *act, const struct ctl_request *rq, struct txn *t,
                   struct writer *out, char detail[static ROLE_DETAIL_MAX])
{
    struct keyid folded;
    struct rec_km k;
    bool changed = false;
    TRY(named(rq, t, &folded, &k, detail));
    err_t e = standing_do(&k.standing, act, &changed);
    if (e != ERR_OK) {
        return detail_fail(detail, e, "credential", rec_km_name(&k));
    }
    if (changed) {
        TRY(rec_km_stand(t, &k, m->reg.env.sealer, text_of(folded.z))); /* under every name it has */
        TRY(maf_heard_note(t, &k, k.not_after, rq->now));
        TRY(tell(t, act->kind, rec_km_name(&k), rq->now));
    }
    return answer(&k, rq->now, out);
}

err_t maf_ctl_credential_revoke(const void *ctx, const struct ctl_request *rq, struct txn *t, struct writer *out,
                                char detail[static ROLE_DETAIL_MAX])
{
    return stand(ctx, &standing_revoke, rq, t, out, detail);
}

err_t maf_ctl_credential_suspend(const void *ctx, const struct ctl_request *rq, struct txn *t, struct writer *out,
                                 char detail[static ROLE_DETAIL_MAX])
{
    return stand(ctx, &standing_suspend, rq, t, out, detail);
}

err_t maf_ctl_credential_resume(const void *ctx, const struct ctl_request *rq, struct txn *t, struct writer *out,
                                char detail[static ROLE_DETAIL_MAX])
{
    return stand(ctx, &standing_resume, rq, t, out, detail);
}

/* A Km with two names is shown once, under the KmId. */
static bool is_second_name(const struct rec_km *k, struct bytes id)
{
    struct keyid folded;
    return keyid_fold(rec_km_name(k), &folded) == ERR_OK &&
           !text_eq_z(text_span((const char *)id.p, id.n), folded.z);
}

static err_t item(struct emit *e, const struct ctl_list_record *r)
{
    struct rec_km k;
    TRY(rec_km_parse(r->data, &k));
    if (is_second_name(&k, r->id)) {
        return ERR_NOT_FOUND;
    }
    members(e, &k, r->now);
    return ERR_OK;
}

err_t maf_ctl_credential_list(const void *ctx, const struct ctl_request *rq, struct txn *t, struct writer *out,
                              char detail[static ROLE_DETAIL_MAX])
{
    static const struct ctl_list_of credentials = {.name = "credentials", .table = TABLE_MAF_KM, .item = item};
    (void)ctx;
    (void)detail;
    return ctl_list(rq, t, &credentials, out);
}
