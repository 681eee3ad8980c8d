/*
 * A change of M2M service provider, and of the Enrolee-ID: the bootstrap credential stays with the device, everything that came
 * from it is withdrawn (role/withdraw.h), and the device enrols again (R000-16, R000-17).
 */
#include "role/detail.h"
#include "role/mef/mef_ctl.h"
#include "role/mef/mef_instruction.h"
#include "role/withdraw.h"
#include "wire/json.h"

const struct ctl_arg mef_ctl_reassign_args[MEF_CTL_REASSIGN_N] = {
    {"ID", CTL_ARG_REQUIRED | CTL_ARG_POSITIONAL, "identifier of the credential"},
    {"--target", CTL_ARG_REQUIRED, "the new Enrolment Target: FQDN of a MAF, or absolute CSE-ID or AE-ID"},
    {"--enrolee-id", 0, "absolute AE-ID or CSE-ID of the device with the new provider; by default as it is"},
    {"--profile", 0, "r3 (default) or seed"},
    {"--lifetime", 0, "how long from now: 90d, 12h, 30m, 45s; by default as it is"},
    {"--configuration", 0, "what the device is told about its new servers, a JSON object (docs/operate/device.md)"},
};
const struct ctl_arg mef_ctl_reassign_name_args[MEF_CTL_RENAME_N] = {
    {"ID", CTL_ARG_REQUIRED | CTL_ARG_POSITIONAL, "identifier of the credential"},
    {"--enrolee-id", CTL_ARG_REQUIRED, "the new absolute AE-ID or CSE-ID"},
};

struct change {
    const struct mef *m;
    const struct ctl_request *rq;
    struct txn *t;
    struct keyid key; /* of the table */
    struct rec_credential c;
    struct credential_args a;
    char cfg[REC_CLIENT_CFG_MAX];
};

/* What is over gets no new beginning: who had it may hold it still. */
static err_t opened(struct change *x, char detail[static ROLE_DETAIL_MAX])
{
    TRY(mef_ctl_credential_named(x->rq, x->t, &x->key, &x->c, detail));
    bool revoked = (x->c.standing & STANDING_REVOKED) != 0;
    if (revoked || x->c.not_after <= x->rq->now) {
        return detail_fail(detail, revoked ? ERR_DENIED_REVOKED : ERR_DENIED_EXPIRED, "credential", text_of(x->c.id.z));
    }
    const struct credential_rules rules = {.kind = "instruction", .targets = CREDENTIAL_IDS_TARGET, .takes_profile = true,
                                           .lifetime = x->c.not_after - x->rq->now};
    return credential_args_instruction(&rules, x->rq->args, &x->a, detail);
}

/* In one transaction: the new assignment, no Enrolment Key of the old one, and a line for all who were handed a key. */
static err_t store(struct change *x, enum audit_kind kind)
{
    uint64_t number = 0;
    const struct rec_seal kpm = {
        .sealer = x->m->reg.env.sealer, .table = TABLE_MEF_CREDENTIAL, .id = text_of(x->key.z), .sealed = x->c.sealed};
    struct audit_event e = {.kind = kind, .time = x->rq->now, .outcome = ERR_OK, .peer = "operator"};
    /* x->c may end earlier than the keys of the old assignment do. */
    const struct withdraw_what what = {text_of(x->key.z), STANDING_REVOKED, x->rq->now + CREDENTIAL_LIFETIME_MAX, text_empty(),
                                       text_empty()};
    TRY(withdraw_note(&withdraw_mef, x->t, &what, x->rq->now));
    TRY(withdraw_last(&withdraw_mef, x->t, &number));
    x->c.since = (usec_t)number;
    TRY(mef_ctl_credential_put(&x->c, &kpm, STORE_PUT_ANY, x->t));
    TRY(mef_enrol_drop(x->t, &x->key));
    TRY(TEXT_COPY(text_of(x->c.id.z), e.object));
    return txn_audit(x->t, &e);
}

static err_t alone(struct change *x, char detail[static ROLE_DETAIL_MAX])
{
    struct mef_instruction_list l;
    TRY(mef_instruction_list(x->t, text_of(x->key.z), &x->c, &l));
    size_t first = x->c.target.z[0] == '\0' ? 0 : 1;
    return l.n == first ? ERR_OK
                        : detail_fail(detail, ERR_STATE, "it has further targets, remove them first (ctl instruction remove)",
                                      text_of(l.at[first].target.z));
}

/* Where the device finds its new provider [8.3.5.2.4]; without it the device is told by other means. */
static err_t configure(struct change *x, char detail[static ROLE_DETAIL_MAX])
{
    SCOPED(json_scope) json_t *v = NULL;
    struct text given = json_get_text(x->rq->args, "configuration");
    struct writer w = WRITER_ARRAY(x->cfg);
    x->c.cfg = text_empty();
    if (given.n == 0) {
        return ERR_OK;
    }
    err_t e = json_parse(text_bytes(given), &v);
    e = e == ERR_OK ? json_write(v, &w) : e;
    if (e != ERR_OK) {
        return detail_fail(detail, e, "--configuration must be a JSON object of at most 2048 octets", text_empty());
    }
    x->c.cfg = writer_view_text(&w);
    return ERR_OK;
}

err_t mef_ctl_reassign(const void *ctx, const struct ctl_request *rq, struct txn *t, struct writer *out,
                       char detail[static ROLE_DETAIL_MAX])
{
    struct change x = {.m = ctx, .rq = rq, .t = t};
    TRY(opened(&x, detail));
    if (x.a.target.z[0] == '\0') {
        return detail_fail(detail, ERR_MISSING, "--target", text_empty());
    }
    TRY(mef_ctl_instruction_check(&x.a, detail));
    if (m2mid_same(text_of(x.c.target.z), text_of(x.a.target.z))) { /* R000-17: without a change nobody enrols again */
        return detail_fail(detail, ERR_EXISTS, "this is its target already", text_of(x.a.target.z));
    }
    TRY(alone(&x, detail));
    TRY(configure(&x, detail));
    x.c.target = x.a.target;
    x.c.profile = x.a.profile;
    x.c.not_after = rq->now + x.a.lifetime;
    if (x.a.enrolee_id.z[0] != '\0') {
        x.c.enrolee_id = x.a.enrolee_id;
    }
    TRY(mef_target_put(t, &x.c.target));
    TRY(store(&x, AUDIT_CREDENTIAL_REASSIGNED));
    return mef_ctl_credential_answer(&x.c, rq->now, out);
}

err_t mef_ctl_reassign_name(const void *ctx, const struct ctl_request *rq, struct txn *t, struct writer *out,
                     char detail[static ROLE_DETAIL_MAX])
{
    struct change x = {.m = ctx, .rq = rq, .t = t};
    TRY(opened(&x, detail));
    if (x.a.enrolee_id.z[0] == '\0') {
        return detail_fail(detail, ERR_MISSING, "--enrolee-id", text_empty());
    }
    if (m2mid_same(text_of(x.c.enrolee_id.z), text_of(x.a.enrolee_id.z))) { /* R000-17 */
        return detail_fail(detail, ERR_EXISTS, "this is its Enrolee-ID already", text_of(x.a.enrolee_id.z));
    }
    x.c.enrolee_id = x.a.enrolee_id;
    TRY(store(&x, AUDIT_CREDENTIAL_RENAMED));
    return mef_ctl_credential_answer(&x.c, rq->now, out);
}
