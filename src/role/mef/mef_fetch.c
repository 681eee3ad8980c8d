/*
 * /fetchCredentials: the Enrolment Target gets what was derived for it from Ke, with the Enrolee-ID and the lifetime that
 * is left [TS-0003 8.3.2.1 tables -5 and -6, CHOICE-46 .. CHOICE-48]. A refusal has a body too.
 */
#include "role/credential_args.h"
#include "role/detail.h"
#include "role/emit.h"
#include "role/key_wipe.h"
#include "role/mef/mef_instruction.h"
#include "role/mef/rec_ke.h"
#include "role/originator.h"
#include "role/reg/reg_key.h"

struct fetch {
    struct keyid ke_id; /* folded */
    bool has_suid;      /* r3 form */
    unsigned suid;
};

/* "@" may come as %40 [CHOICE-47]; keyid_parse refuses every other octet that does not belong there. */
static err_t parse_ke_id(struct text segment, struct keyid *folded)
{
    struct keyid plain;
    struct writer w = WRITER_ARRAY(plain.z);
    while (segment.n > 0) {
        bool escaped = text_starts(segment, "%40");
        writer_u8(&w, escaped ? (uint8_t)'@' : (uint8_t)segment.p[0]);
        segment = text_skip(segment, escaped ? 3 : 1);
    }
    struct keyid_parts parts;
    TRY(keyid_parse(writer_view_text(&w), &parts));
    return writer_finish(&w) == ERR_OK ? keyid_fold(writer_view_text(&w), folded) : ERR_MALFORMED_KEY_ID;
}

static err_t parse(const struct request *rq, struct fetch *out, char detail[static ROLE_DETAIL_MAX])
{
    struct text rest = text_skip(rq->prim->path, sizeof("/fetchCredentials/") - 1);
    struct text segment = text_empty();
    struct text suid = text_empty();
    (void)text_next(&rest, '/', &segment);
    if (parse_ke_id(segment, &out->ke_id) != ERR_OK) {
        return detail_fail(detail, ERR_MALFORMED_KEY_ID, "KeId", segment);
    }
    out->has_suid = text_next(&rest, '/', &suid);
    out->suid = 0;
    if (out->has_suid) {
        uint64_t n = 0;
        if (text_u64(suid, 99, &n) != ERR_OK || !keys_usage_is_suid((unsigned)n)) { /* CHOICE-26 */
            return detail_fail(detail, ERR_MALFORMED_SUID, "SUID", suid);
        }
        out->suid = (unsigned)n;
    }
    return ERR_OK;
}

/* A key ends with Ke, and with the instruction it is given out by (3.13). */
static usec_t end_of(const struct rec_ke *k, const struct rec_instruction *i)
{
    return reg_earlier(k->not_after, i->not_after);
}

/* May this peer have this key in this form? Its instruction says so, as it is now. */
static err_t check(const struct request *rq, const struct fetch *f, const struct rec_ke *k,
                   const struct rec_instruction *i, char detail[static ROLE_DETAIL_MAX])
{
    if (end_of(k, i) - rq->now < USEC_PER_SEC) { /* CHOICE-48; less than a second left counts as none */
        return detail_fail(detail, ERR_DENIED_EXPIRED, "KeId", text_of(k->ke_id.z));
    }
    if (f->has_suid != (i->profile == CREDENTIAL_R3)) {
        return detail_fail(detail, ERR_DENIED_SUID, "the Enrolee's profile is",
                           text_of(credential_args_profile_name(i->profile)));
    }
    if (f->has_suid && !rec_instruction_has(i, f->suid)) {
        bool fits = (rec_instruction_fitting(&i->target) & REC_INSTRUCTION_SUID(REC_INSTRUCTION_SUID_FIRST)) != 0;
        return detail_fail(detail, ERR_DENIED_SUID,
                           fits ? "a MAF may ask for 21" : "a CSE or AE may ask for those of 22..25 that it is instructed for",
                           text_empty());
    }
    return ERR_OK;
}

/* The instruction of the one who asks. A revoked credential takes its Enrolment Keys with it. */
static err_t instruction_of(const struct request *rq, struct txn *t, const struct rec_ke *k, struct rec_instruction *i,
                            char detail[static ROLE_DETAIL_MAX])
{
    struct rec_credential c;
    struct text key = text_of(k->credential.z);
    TRY(rec_credential_get(t, key, &c));
    err_t e = mef_instruction_for(t, &c, key, rq, i);
    if (e != ERR_OK) {
        return detail_fail(detail, e, "KeId", text_of(k->ke_id.z));
    }
    TRY(standing_check(c.standing));
    return k->issued > c.since ? ERR_OK : detail_fail(detail, ERR_DENIED_REVOKED, "KeId", text_of(k->ke_id.z));
}

/* Km by 10.3.2 for a MAF (R001-53, R002-56), Kpsa by 10.3.3 for a CSE or AE (R001-35, R001-63, R002-55). */
static err_t derive_seed(const struct mef *m, const struct rec_instruction *i, const struct key_ke *ke, struct secret *out)
{
    struct text target = text_of(i->target.z);
    if (m2mid_kind(target) == M2MID_FQDN) {
        SCOPED(key_wipe_km) struct key_km km = {0};
        TRY(keys_km_derive(m->reg.env.crypto, ke, target, &km));
        *out = km.s;
        return ERR_OK;
    }
    SCOPED(key_wipe_kpsa) struct key_kpsa kpsa = {0};
    TRY(keys_kpsa_derive(m->reg.env.crypto, ke, target, &kpsa));
    *out = kpsa.s;
    return ERR_OK;
}

/* K by 10.3.7, the target as an FQDN. */
static err_t derive_usage(const struct mef *m, const struct rec_instruction *i, unsigned suid, const struct key_ke *ke,
                          struct secret *out)
{
    struct m2mid fqdn;
    TRY(m2mid_fqdn(text_of(i->target.z), &fqdn));
    SCOPED(key_wipe_usage) struct key_usage usage = {0};
    TRY(keys_usage_derive(m->reg.env.crypto, ke, suid, text_of(fqdn.z), &usage));
    *out = usage.s;
    return ERR_OK;
}

static err_t derive(const struct mef *m, const struct fetch *f, const struct rec_ke *k, const struct rec_instruction *i,
                    struct secret *out)
{
    SCOPED(key_wipe_ke) struct key_ke ke = {0};
    TRY(rec_ke_key(k, m->reg.env.sealer, text_of(f->ke_id.z), &ke));
    return f->has_suid ? derive_usage(m, i, f->suid, &ke, out) : derive_seed(m, i, &ke, out);
}

/* Credential and Enrolee-ID go together, over the link that authentication secured (R001-54, R001-55, R001-79, R001-104,
 * R002-50). */
static void answer(const struct rec_instruction *i, const struct secret *key, usec_t now, struct response *rs)
{
    struct emit e = emit_to(&rs->body);
    emit_object(&e, NULL);
    emit_bool(&e, "status", true);
    emit_secret(&e, "credential", key);
    emit_z_if(&e, "enroleeID", i->enrolee_id.z);
    emit_number(&e, "lifetime", (uint64_t)((i->not_after - now) / USEC_PER_SEC));
    emit_z(&e, "profile", credential_args_profile_name(i->profile));
    emit_close_object(&e);
    rs->rsc = 2000;
}

static err_t tell(struct txn *t, const struct request *rq, const struct rec_ke *k)
{
    struct audit_event e = {.kind = AUDIT_KEY_RELEASED, .time = rq->now, .outcome = ERR_OK};
    TRY(TEXT_COPY(association_name(rq->assoc), e.peer));
    TRY(TEXT_COPY(text_of(k->ke_id.z), e.object));
    TRY(TEXT_COPY(text_of(rq->assoc->id), e.association));
    return txn_audit(t, &e);
}

/* From now on Ke cannot become a registered key itself (mef_reg.c). */
static err_t mark_released(struct txn *t, struct rec_ke *k, struct text folded)
{
    uint8_t buf[REC_MAX];
    struct writer w = WRITER_ARRAY(buf);
    const struct rec_seal seal = {.sealed = k->sealed};
    if (k->released) {
        return ERR_OK;
    }
    k->released = true;
    TRY(rec_ke_write(k, &seal, &w));
    return rec_put(t, TABLE_MEF_KE, folded, &w, STORE_PUT_ANY);
}

/* A MEF Key Identifier in place of a KeId [8.8.2.3 step 1]: the registered key as it is, no key derived from it. */
static err_t release_registered(const struct mef *m, const struct fetch *f, const struct request *rq, struct txn *t,
                                struct response *rs)
{
    SCOPED(reg_key_given_wipe) struct reg_key_given g;
    g.kc.s = (struct secret){0};
    struct text id = text_of(f->ke_id.z);
    TRY(reg_key_give(&m->reg, rq, t, rs, text_take(id, text_find(id, '@')), &g));
    if (!f->has_suid || g.k.suid != f->suid) {
        return detail_fail(rs->detail, ERR_DENIED_SUID, "the key is registered for another SUID", text_empty());
    }
    if (g.k.not_after - rq->now < USEC_PER_SEC) { /* CHOICE-48 */
        return detail_fail(rs->detail, ERR_DENIED_EXPIRED, "KeId", id);
    }
    struct rec_instruction i = {.not_after = g.k.not_after, .profile = CREDENTIAL_R3};
    if (text_starts(text_of(g.k.creator), "//")) { /* else the Source has no identity but its Credential-ID */
        TRY(TEXT_COPY(text_of(g.k.creator), i.enrolee_id.z));
    }
    answer(&i, &g.kc.s, rq->now, rs);
    return ERR_OK;
}

static bool is_of(const struct mef *m, const struct keyid *folded)
{
    struct keyid_parts parts;
    return keyid_parse(text_of(folded->z), &parts) == ERR_OK && text_eq_z(parts.fqdn, m->reg.fqdn);
}

static err_t release(const struct mef *m, const struct request *rq, struct txn *t, struct response *rs)
{
    struct fetch f;
    struct rec_ke k;
    TRY(originator_check(rq, rs->detail)); /* CHOICE-46 */
    TRY(parse(rq, &f, rs->detail));
    err_t e = rec_ke_get(t, text_of(f.ke_id.z), &k); /* R001-42 */
    if (e == ERR_NOT_FOUND && f.has_suid && is_of(m, &f.ke_id)) {
        return release_registered(m, &f, rq, t, rs);
    }
    if (e != ERR_OK) {
        return detail_fail(rs->detail, e, "KeId", text_of(f.ke_id.z));
    }
    struct rec_instruction i;
    TRY(instruction_of(rq, t, &k, &i, rs->detail));
    TRY(check(rq, &f, &k, &i, rs->detail));
    SCOPED(secret_wipe) struct secret key = {0};
    TRY(derive(m, &f, &k, &i, &key));
    i.not_after = end_of(&k, &i);
    answer(&i, &key, rq->now, rs);
    TRY(mark_released(t, &k, text_of(f.ke_id.z)));
    struct text id = text_of(f.ke_id.z);
    const struct withdraw_handed h = {text_of(k.credential.z), text_take(id, text_find(id, '@')), text_of(i.target.z), k.not_after};
    TRY(withdraw_handed(m->reg.kind->withdraw, rq, t, &h)); /* who is to know when the credential is revoked */
    return tell(t, rq, &k);
}

static void refuse(err_t reason, struct response *rs)
{
    const struct err_info *info = err_info(reason);
    char text[512];
    struct writer w = WRITER_ARRAY(text);
    writer_z(&w, info->code);
    writer_z(&w, ": ");
    writer_z(&w, info->text);
    rs->body = writer_of(rs->body.buf, rs->body.cap);
    struct emit e = emit_to(&rs->body);
    emit_object(&e, NULL);
    emit_bool(&e, "status", false);
    emit_text(&e, "errorString", writer_view_text(&w));
    emit_close_object(&e);
    rs->own_refusal = true;
}

err_t mef_fetch_credential(const void *ctx, const struct request *rq, struct txn *t, struct response *rs)
{
    err_t e = release(ctx, rq, t, rs);
    if (e != ERR_OK) {
        refuse(e, rs);
    }
    return e;
}
