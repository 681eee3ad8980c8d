/* Operator commands of the MEF. None of them can print a key: the records' sealed octets are not even opened. */
#include "role/credential_args.h"
#include "role/ctl_list.h"
#include "role/detail.h"
#include "role/emit.h"
#include "role/mef/mef_ctl.h"
#include "role/mef/rec_cert.h"
#include "role/mef/rec_credential.h"
#include "role/mef/rec_ke.h"
#include "wire/json.h"

static err_t tell(struct txn *t, enum audit_kind kind, const struct keyid *id, usec_t now)
{
    struct audit_event e = {.kind = kind, .time = now, .outcome = ERR_OK, .peer = "operator"};
    TRY(TEXT_COPY(text_of(id->z), e.object));
    return txn_audit(t, &e);
}

/* -- credentials ------------------------------------------------------------------------------------- */
static void credential_members(struct emit *e, const struct rec_credential *c, usec_t now)
{
    emit_object(e, NULL);
    bool certificate = c->kind != REC_CREDENTIAL_KPM;
    emit_z(e, "id", c->id.z);
    emit_z(e, "kind", certificate ? "cert" : "kpm");
    emit_z_if(e, "flavour", certificate ? cert_id_name(cert_key_flavour(c->kind)) : "");
    emit_z_if(e, "enrolee-id", c->enrolee_id.z);
    emit_z_if(e, "target", c->target.z);
    emit_z(e, "profile", credential_args_profile_name(c->profile));
    emit_time(e, "added", c->added);
    emit_time(e, "not-after", c->not_after);
    emit_z(e, "state", standing_name(c->standing, c->not_after, now));
    emit_close_object(e);
}

err_t mef_ctl_credential_answer(const struct rec_credential *c, usec_t now, struct writer *out)
{
    struct emit e = emit_to(out);
    credential_members(&e, c, now);
    return writer_finish(out);
}

err_t mef_ctl_credential_put(const struct rec_credential *c, const struct rec_seal *kpm, enum store_put mode,
                             struct txn *t)
{
    uint8_t buf[REC_MAX];
    struct writer w = WRITER_ARRAY(buf);
    TRY(rec_credential_write(c, kpm, &w));
    return rec_put(t, TABLE_MEF_CREDENTIAL, kpm->id, &w, mode);
}

/* A certificate that names an AE or a CSE says who its holder is, unless the operator assigns another Enrolee-ID. */
static struct m2mid enrolee_of(const struct credential_args *a, bool certificate)
{
    struct m2mid own = a->enrolee_id;
    bool named = certificate && own.z[0] == '\0' && text_starts(text_of(a->id.z), "//");
    if (named && TEXT_COPY(text_of(a->id.z), own.z) != ERR_OK) {
        own.z[0] = '\0';
    }
    return own;
}

err_t mef_ctl_credential_add(const void *ctx, const struct ctl_request *rq, struct txn *t, struct writer *out,
                             char detail[static ROLE_DETAIL_MAX])
{
    const struct mef *m = ctx;
    const struct credential_rules kinds[] = {
        {.kind = "kpm", .fqdn = text_of(m->reg.fqdn), .targets = CREDENTIAL_IDS_TARGET, .takes_profile = true,
         .lifetime = m->credential_lifetime},
        {.kind = "cert", .certificate = true, .targets = CREDENTIAL_IDS_TARGET, .takes_profile = true,
         .lifetime = m->credential_lifetime}};
    const struct credential_rules *rules = credential_args_rules(kinds, ARRAY_LEN(kinds), rq->args);
    SCOPED(credential_args_wipe) struct credential_args a;
    TRY(credential_args_parse(rules, rq->args, &a, detail));
    TRY(mef_ctl_instruction_check(&a, detail));
    struct bytes there;
    err_t e = rec_get(t, TABLE_MEF_CREDENTIAL, text_of(a.folded.z), &there);
    if (e != ERR_NOT_FOUND) {
        return e == ERR_OK ? detail_fail(detail, ERR_EXISTS, "credential", text_of(a.id.z)) : e;
    }
    struct rec_credential c = {.kind = rules->certificate ? cert_key_type(a.flavour) : (uint8_t)REC_CREDENTIAL_KPM,
                               .id = a.id,
                               .enrolee_id = enrolee_of(&a, rules->certificate),
                               .target = a.target,
                               .profile = a.profile,
                               .added = rq->now,
                               .not_after = rq->now + a.lifetime};
    struct rec_seal kpm = {.sealer = m->reg.env.sealer,
                           .table = TABLE_MEF_CREDENTIAL,
                           .id = text_of(a.folded.z),
                           .key = &a.key};
    TRY(mef_ctl_credential_put(&c, &kpm, STORE_PUT_IF_ABSENT, t));
    TRY(mef_target_put(t, &c.target));
    TRY(tell(t, AUDIT_CREDENTIAL_ADDED, &c.id, rq->now));
    return mef_ctl_credential_answer(&c, rq->now, out);
}

err_t mef_ctl_credential_named(const struct ctl_request *rq, struct txn *t, struct keyid *folded,
                               struct rec_credential *c, char detail[static ROLE_DETAIL_MAX])
{
    TRY(credential_args_id(rq->args, folded, detail));
    err_t e = rec_credential_get(t, text_of(folded->z), c);
    return e == ERR_OK ? e : detail_fail(detail, e, "credential", text_of(folded->z));
}

err_t mef_ctl_credential_show(const void *ctx, const struct ctl_request *rq, struct txn *t, struct writer *out,
                              char detail[static ROLE_DETAIL_MAX])
{
    (void)ctx;
    struct keyid folded;
    struct rec_credential c;
    TRY(mef_ctl_credential_named(rq, t, &folded, &c, detail));
    return mef_ctl_credential_answer(&c, rq->now, out);
}

/* Workers end the sessions of the credential, and everybody who was handed a key that came from it hears of it. */
static err_t stand(const struct mef *m, const struct standing_act *act, const struct ctl_request *rq, struct txn *t,
                   struct writer *out, char detail[static ROLE_DETAIL_MAX])
{
    struct keyid folded;
    struct rec_credential c;
    bool changed = false;
    TRY(mef_ctl_credential_named(rq, t, &folded, &c, detail));
    err_t e = standing_do(&c.standing, act, &changed);
    if (e != ERR_OK) {
        return detail_fail(detail, e, "credential", text_of(c.id.z));
    }
    if (changed) {
        struct rec_seal kpm = {.sealer = m->reg.env.sealer,
                               .table = TABLE_MEF_CREDENTIAL,
                               .id = text_of(folded.z),
                               .sealed = c.sealed};
        const struct withdraw_what what = {text_of(folded.z), c.standing, c.not_after, text_empty(), text_empty()};
        TRY(mef_ctl_credential_put(&c, &kpm, STORE_PUT_ANY, t));
        TRY(withdraw_note(&withdraw_mef, t, &what, rq->now));
        TRY(tell(t, act->kind, &c.id, rq->now));
    }
    return mef_ctl_credential_answer(&c, rq->now, out);
}

err_t mef_ctl_credential_revoke(const void *ctx, const struct ctl_request *rq, struct txn *t, struct writer *out,
                                char detail[static ROLE_DETAIL_MAX])
{
    return stand(ctx, &standing_revoke, rq, t, out, detail);
}

err_t mef_ctl_credential_suspend(const void *ctx, const struct ctl_request *rq, struct txn *t, struct writer *out,
                                 char detail[static ROLE_DETAIL_MAX])
{
    return stand(ctx, &standing_suspend, rq, t, out, detail);
}

err_t mef_ctl_credential_resume(const void *ctx, const struct ctl_request *rq, struct txn *t, struct writer *out,
                                char detail[static ROLE_DETAIL_MAX])
{
    return stand(ctx, &standing_resume, rq, t, out, detail);
}

/* -- lists ------------------------------------------------------------------------------------------- */
static err_t credential_item(struct emit *e, const struct ctl_list_record *r)
{
    struct rec_credential c;
    TRY(rec_credential_parse(r->data, &c));
    credential_members(e, &c, r->now);
    return ERR_OK;
}

err_t mef_ctl_credential_list(const void *ctx, const struct ctl_request *rq, struct txn *t, struct writer *out,
                              char detail[static ROLE_DETAIL_MAX])
{
    static const struct ctl_list_of credentials = {.name = "credentials", .table = TABLE_MEF_CREDENTIAL, .item = credential_item};
    (void)ctx;
    (void)detail;
    return ctl_list(rq, t, &credentials, out);
}

/* -- enrolments -------------------------------------------------------------------------------------- */
static void ke_members(struct emit *e, const struct rec_ke *k, usec_t now)
{
    emit_object(e, NULL);
    emit_z(e, "id", k->ke_id.z);
    emit_z(e, "credential", k->credential.z);
    emit_z_if(e, "enrolee-id", k->enrolee_id.z);
    emit_z_if(e, "target", k->target.z);
    emit_z(e, "profile", credential_args_profile_name(k->profile));
    emit_time(e, "issued", k->issued);
    emit_time(e, "not-after", k->not_after);
    emit_z(e, "state", k->not_after <= now ? "expired" : "valid");
    emit_close_object(e);
}

static err_t ke_item(struct emit *e, const struct ctl_list_record *r)
{
    struct rec_ke k;
    TRY(rec_ke_parse(r->data, &k));
    ke_members(e, &k, r->now);
    return ERR_OK;
}

err_t mef_ctl_enrolment_list(const void *ctx, const struct ctl_request *rq, struct txn *t, struct writer *out,
                             char detail[static ROLE_DETAIL_MAX])
{
    static const struct ctl_list_of enrolments = {.name = "enrolments", .table = TABLE_MEF_KE, .item = ke_item};
    (void)ctx;
    (void)detail;
    return ctl_list(rq, t, &enrolments, out);
}

err_t mef_ctl_enrolment_show(const void *ctx, const struct ctl_request *rq, struct txn *t, struct writer *out,
                             char detail[static ROLE_DETAIL_MAX])
{
    (void)ctx;
    struct keyid folded;
    struct rec_ke k;
    TRY(credential_args_named(rq->args, "KEID", &folded, detail));
    err_t e = rec_ke_get(t, text_of(folded.z), &k);
    if (e != ERR_OK) {
        return detail_fail(detail, e, "enrolment", text_of(folded.z));
    }
    struct emit em = emit_to(out);
    ke_members(&em, &k, rq->now);
    return writer_finish(out);
}

/* -- certificates ------------------------------------------------------------------------------------ */
static err_t cert_item(struct emit *e, const struct ctl_list_record *r)
{
    struct rec_cert c;
    TRY(rec_cert_parse(r->data, &c));
    emit_object(e, NULL);
    emit_z(e, "serial", c.serial);
    emit_z(e, "name", c.name);
    emit_z(e, "credential", c.credential.z);
    emit_time(e, "issued", c.issued);
    emit_time(e, "not-after", c.not_after);
    emit_z(e, "state", c.not_after <= r->now ? "expired" : "valid");
    emit_close_object(e);
    return ERR_OK;
}

err_t mef_ctl_certificate_list(const void *ctx, const struct ctl_request *rq, struct txn *t, struct writer *out,
                               char detail[static ROLE_DETAIL_MAX])
{
    static const struct ctl_list_of certificates = {.name = "certificates", .table = TABLE_MEF_CERT, .item = cert_item};
    (void)ctx;
    (void)detail;
    return ctl_list(rq, t, &certificates, out);
}
