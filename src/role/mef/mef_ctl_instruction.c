/* Operator commands on bootstrap instructions: which Enrolment Targets a credential is for. */
#include "role/detail.h"
#include "role/emit.h"
#include "role/mef/mef_ctl.h"
#include "role/mef/mef_instruction.h"
#include "wire/json.h"

#define TARGET_DOC "Enrolment Target: FQDN of a MAF, or absolute CSE-ID or AE-ID"

const struct ctl_arg mef_ctl_instruction_add_args[MEF_CTL_INSTRUCTION_ADD_N] = {
    {"ID", CTL_ARG_REQUIRED | CTL_ARG_POSITIONAL, "identifier of the credential"},
    {"--target", CTL_ARG_REQUIRED, TARGET_DOC},
    {"--enrolee-id", 0, "absolute AE-ID or CSE-ID that this target knows the Enrolee by; by default that of the credential"},
    {"--suid", 0, "what the target may fetch keys for, commas between: 21 (MAF), 22 to 25 (CSE, AE); by default all of these"},
    {"--profile", 0, "r3 (default) or seed"},
    {"--lifetime", 0, "how long from now: 90d, 12h, 30m, 45s; never longer than the credential"},
    {"--admin-fqdn", 0, "stakeholder for whom the Enrolee may register keys for this target at the MEF; by default any"},
};
const struct ctl_arg mef_ctl_instruction_one_args[MEF_CTL_INSTRUCTION_ONE_N] = {
    {"ID", CTL_ARG_REQUIRED | CTL_ARG_POSITIONAL, "identifier of the credential"},
    {"--target", CTL_ARG_REQUIRED, TARGET_DOC},
};

static err_t tell(struct txn *t, enum audit_kind kind, const struct rec_credential *c, const struct m2mid *target, usec_t now)
{
    struct audit_event e = {.kind = kind, .time = now, .outcome = ERR_OK, .peer = "operator"};
    struct writer w = WRITER_ARRAY(e.object);
    writer_z(&w, c->id.z);
    writer_z(&w, " for ");
    writer_text(&w, text_take(text_of(target->z), AUDIT_TEXT_MAX - 1 - w.n));
    TRY(writer_finish_z(&w));
    return txn_audit(t, &e);
}

static void members(struct emit *e, const struct rec_credential *c, const struct rec_instruction *i, usec_t now)
{
    emit_object(e, NULL);
    emit_z(e, "credential", c->id.z);
    emit_z(e, "target", i->target.z);
    emit_z_if(e, "enrolee-id", i->enrolee_id.z);
    emit_array(e, "suids");
    for (unsigned suid = REC_INSTRUCTION_SUID_FIRST; suid <= REC_INSTRUCTION_SUID_LAST; suid++) {
        if (rec_instruction_has(i, suid)) {
            emit_number(e, NULL, suid);
        }
    }
    emit_close_array(e);
    emit_z_if(e, "admin-fqdn", i->adfq);
    emit_z(e, "profile", credential_args_profile_name(i->profile));
    emit_time(e, "added", i->added);
    emit_time(e, "not-after", i->not_after);
    emit_z(e, "state", standing_name(c->standing, i->not_after, now));
    emit_close_object(e);
}

static err_t answer(const struct rec_credential *c, const struct rec_instruction *i, usec_t now, struct writer *out)
{
    struct emit e = emit_to(out);
    members(&e, c, i, now);
    return writer_finish(out);
}

err_t mef_ctl_instruction_check(const struct credential_args *a, char detail[static ROLE_DETAIL_MAX])
{
    struct m2mid fqdn;
    if (a->profile == CREDENTIAL_R3 && a->target.z[0] != '\0' && m2mid_fqdn(text_of(a->target.z), &fqdn) != ERR_OK) {
        return detail_fail(detail, ERR_MALFORMED_ID, "--target has no FQDN form, which r3 derives from [CHOICE-04]",
                           text_of(a->target.z)); /* it could be enrolled for, and never fetched */
    }
    return ERR_OK;
}

/* -- arguments ----------------------------------------------------------------------------------------- */
static err_t parse_suids(struct text list, const struct m2mid *target, uint8_t *out, char detail[static ROLE_DETAIL_MAX])
{
    struct rec_instruction fitting = {.suids = rec_instruction_fitting(target)};
    struct text one = text_empty();
    *out = list.n == 0 ? fitting.suids : 0;
    while (text_next(&list, ',', &one)) {
        uint64_t suid = 0;
        if (text_u64(one, 99, &suid) != ERR_OK || !rec_instruction_has(&fitting, (unsigned)suid)) {
            return detail_fail(detail, ERR_MALFORMED_SUID,
                               "--suid of a MAF is 21, of a CSE or AE 22, 23, 24 or 25, not", one); /* CHOICE-26 */
        }
        *out = (uint8_t)(*out | REC_INSTRUCTION_SUID((unsigned)suid));
    }
    return ERR_OK;
}

static err_t parse_admin(struct text fqdn, char out[static KEYID_MAX], char detail[static ROLE_DETAIL_MAX])
{
    struct keyid folded;
    if (fqdn.n == 0) {
        return ERR_OK;
    }
    if (!keyid_is_fqdn(fqdn) || keyid_fold(fqdn, &folded) != ERR_OK) {
        return detail_fail(detail, ERR_MALFORMED_ID, "--admin-fqdn must be an FQDN", fqdn);
    }
    return text_copy(text_of(folded.z), out, KEYID_MAX);
}

static err_t parse(const struct ctl_request *rq, const struct rec_credential *c, struct rec_instruction *out,
                   char detail[static ROLE_DETAIL_MAX])
{
    const struct credential_rules rules = {
        .kind = "instruction", .targets = CREDENTIAL_IDS_TARGET, .takes_profile = true, .lifetime = c->not_after - rq->now};
    struct credential_args a;
    TRY(credential_args_instruction(&rules, rq->args, &a, detail));
    if (a.target.z[0] == '\0') {
        return detail_fail(detail, ERR_MISSING, "--target", text_empty());
    }
    TRY(mef_ctl_instruction_check(&a, detail));
    *out = (struct rec_instruction){.target = a.target, .enrolee_id = a.enrolee_id, .profile = a.profile, .added = rq->now};
    out->not_after = reg_earlier(c->not_after, rq->now + a.lifetime);
    TRY(parse_suids(json_get_text(rq->args, "suid"), &out->target, &out->suids, detail));
    return parse_admin(json_get_text(rq->args, "admin-fqdn"), out->adfq, detail);
}

/* Two names of one target, //sp/in twice or in two spellings of the host, are one instruction. */
static const struct rec_instruction *find(const struct mef_instruction_list *l, struct text target)
{
    for (size_t i = 0; i < l->n; i++) {
        if (m2mid_same(text_of(l->at[i].target.z), target)) {
            return &l->at[i];
        }
    }
    return NULL;
}

/* -- commands ------------------------------------------------------------------------------------------ */
err_t mef_ctl_instruction_add(const void *ctx, const struct ctl_request *rq, struct txn *t, struct writer *out,
                              char detail[static ROLE_DETAIL_MAX])
{
    (void)ctx;
    struct keyid key;
    struct rec_credential c;
    struct rec_instruction i;
    struct mef_instruction_list l;
    TRY(mef_ctl_credential_named(rq, t, &key, &c, detail));
    bool revoked = (c.standing & STANDING_REVOKED) != 0;
    if (revoked || c.not_after <= rq->now) {
        return detail_fail(detail, revoked ? ERR_DENIED_REVOKED : ERR_DENIED_EXPIRED, "credential", text_of(c.id.z));
    }
    TRY(parse(rq, &c, &i, detail));
    TRY(mef_instruction_list(t, text_of(key.z), &c, &l));
    if (find(&l, text_of(i.target.z)) != NULL) {
        return detail_fail(detail, ERR_EXISTS, "instruction for", text_of(i.target.z));
    }
    if (l.n == MEF_INSTRUCTIONS_MAX) {
        return detail_fail(detail, ERR_LIMIT_CAPACITY, "instructions of", text_of(c.id.z));
    }
    char id[REC_INSTRUCTION_ID_MAX];
    uint8_t buf[REC_MAX];
    struct writer w = WRITER_ARRAY(buf);
    TRY(rec_instruction_id(text_of(key.z), text_of(i.target.z), id));
    TRY(rec_instruction_write(&i, &w));
    TRY(rec_put(t, TABLE_MEF_INSTRUCTION, text_of(id), &w, STORE_PUT_IF_ABSENT));
    TRY(mef_target_put(t, &i.target));
    TRY(tell(t, AUDIT_INSTRUCTION_ADDED, &c, &i.target, rq->now));
    if (i.enrolee_id.z[0] == '\0') { /* what the target will be told; not stored, it may change */
        i.enrolee_id = c.enrolee_id;
    }
    return answer(&c, &i, rq->now, out);
}

err_t mef_ctl_instruction_list(const void *ctx, const struct ctl_request *rq, struct txn *t, struct writer *out,
                               char detail[static ROLE_DETAIL_MAX])
{
    (void)ctx;
    struct keyid key;
    struct rec_credential c;
    struct mef_instruction_list l;
    TRY(mef_ctl_credential_named(rq, t, &key, &c, detail));
    TRY(mef_instruction_list(t, text_of(key.z), &c, &l));
    struct emit e = emit_to(out);
    emit_object(&e, NULL);
    emit_array(&e, "instructions");
    for (size_t i = 0; i < l.n; i++) {
        members(&e, &c, &l.at[i], rq->now);
    }
    emit_close_array(&e);
    emit_close_object(&e);
    return writer_finish(out);
}

static err_t named(const struct ctl_request *rq, struct txn *t, struct keyid *key, struct rec_credential *c,
                   struct rec_instruction *out, char detail[static ROLE_DETAIL_MAX])
{
    struct mef_instruction_list l;
    struct text target = json_get_text(rq->args, "target");
    TRY(mef_ctl_credential_named(rq, t, key, c, detail));
    TRY(mef_instruction_list(t, text_of(key->z), c, &l));
    const struct rec_instruction *i = find(&l, target);
    if (i == NULL) {
        return detail_fail(detail, ERR_NOT_FOUND, "instruction for", target);
    }
    *out = *i;
    return ERR_OK;
}

err_t mef_ctl_instruction_show(const void *ctx, const struct ctl_request *rq, struct txn *t, struct writer *out,
                               char detail[static ROLE_DETAIL_MAX])
{
    (void)ctx;
    struct keyid key;
    struct rec_credential c;
    struct rec_instruction i;
    TRY(named(rq, t, &key, &c, &i, detail));
    return answer(&c, &i, rq->now, out);
}

err_t mef_ctl_instruction_remove(const void *ctx, const struct ctl_request *rq, struct txn *t, struct writer *out,
                                 char detail[static ROLE_DETAIL_MAX])
{
    const struct mef *m = ctx;
    struct keyid key;
    struct rec_credential c;
    struct rec_instruction i;
    TRY(named(rq, t, &key, &c, &i, detail));
    TRY(answer(&c, &i, rq->now, out));
    if (m2mid_same(text_of(c.target.z), text_of(i.target.z))) { /* the first one stands in the credential's record */
        c.target.z[0] = '\0';
        const struct rec_seal kpm = {.sealer = m->reg.env.sealer,
                                     .table = TABLE_MEF_CREDENTIAL,
                                     .id = text_of(key.z),
                                     .sealed = c.sealed};
        TRY(mef_ctl_credential_put(&c, &kpm, STORE_PUT_ANY, t));
    } else {
        char id[REC_INSTRUCTION_ID_MAX];
        TRY(rec_instruction_id(text_of(key.z), text_of(i.target.z), id));
        TRY(txn_del(t, TABLE_MEF_INSTRUCTION, text_of(id)));
    }
    const struct withdraw_what what = {text_of(key.z), STANDING_REVOKED, c.not_after, text_of(i.target.z), text_empty()};
    TRY(withdraw_note(&withdraw_mef, t, &what, rq->now)); /* what the target was given goes with it */
    return tell(t, AUDIT_INSTRUCTION_REMOVED, &c, &i.target, rq->now);
}
