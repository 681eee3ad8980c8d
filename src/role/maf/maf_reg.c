/* What client and key registration need to know of the MAF: its row, and the Km behind a client [TS-0003 8.8.2]. */
#include "base/hex.h"
#include "role/key_wipe.h"
#include "role/maf/maf_ctx.h"
#include "role/reg/reg_who.h"

enum { KM_NAME_OCTETS = 8, KM_NAME_TRIES = 4 };

/* -- who --------------------------------------------------------------------------------------------- */
static err_t set_name(struct reg_who *w, const struct rec_km *k)
{
    char name[REC_CLIENT_NAME_MAX];
    struct writer n = WRITER_ARRAY(name);
    w->named = k->enrolee_id.z[0] != '\0';
    writer_z(&n, w->named ? k->enrolee_id.z : "11-"); /* symmetric key used toward a MAF [TS-0003 10.4] */
    writer_text(&n, w->named ? text_empty() : rec_km_name(k));
    w->also = k->km_id.z[0] != '\0' ? k->ke_id : (struct keyid){0};
    TRY(TEXT_COPY(rec_km_name(k), w->credential.z));
    TRY(writer_finish_z(&n));
    return reg_who_name(text_of(name), w->name);
}

/* The Km by which this association was made, as it is now. */
static err_t km_of(const struct request *rq, struct txn *t, struct keyid *folded, struct rec_km *k)
{
    TRY(keyid_fold(text_of(rq->assoc->key_id.z), folded));
    err_t e = rec_km_get(t, text_of(folded->z), k);
    if (e != ERR_OK) {
        return e == ERR_NOT_FOUND ? ERR_DENIED_CLIENT : e;
    }
    TRY(standing_check(k->standing));
    return k->not_after <= rq->now ? ERR_DENIED_EXPIRED : ERR_OK;
}

/* A Km from an RSPF in profile r3: what the answer to a registration tells is its KmId [8.8.2.3 step 4]. */
static bool is_assigned(const struct rec_km *k)
{
    return k->ke_id.z[0] != '\0' && k->profile == CREDENTIAL_R3;
}

static err_t identify(const struct request *rq, struct txn *t, struct reg_who *out)
{
    struct keyid folded;
    struct rec_km k;
    if (rq->assoc->framework == ASSOCIATION_CERT) {
        return reg_who_cert(rq, out);
    }
    TRY(km_of(rq, t, &folded, &k));
    out->not_after = k.not_after;
    out->unanswered = is_assigned(&k) && text_eq_nocase(text_of(k.ke_id.z), text_of(folded.z));
    return set_name(out, &k);
}

/* R004-10: identified, and then related to a subscription, with every request: a contract that ends, ends at once. */
static err_t who(const struct reg *r, const struct request *rq, struct txn *t, struct reg_who *out)
{
    const struct maf *m = (const struct maf *)(const void *)r; /* its first member */
    TRY(identify(rq, t, out));
    return maf_contract_check(m, out, t, rq->now);
}

/* -- KmId -------------------------------------------------------------------------------------------- */
/* "k<hex>@maf-fqdn" that nothing is stored under: unique per MAF, compared without case [TS-0003 10.6]. */
static err_t new_km_id(const struct reg *r, struct txn *t, struct keyid *out)
{
    for (int i = 0; i < KM_NAME_TRIES; i++) {
        uint8_t octets[KM_NAME_OCTETS];
        TRY(r->env.crypto->random(octets, sizeof(octets)));
        struct writer w = WRITER_ARRAY(out->z);
        writer_u8(&w, 'k');
        hex_write_lower(&w, BYTES_ARRAY(octets));
        writer_u8(&w, '@');
        writer_z(&w, r->fqdn);
        TRY(writer_finish_z(&w));
        struct keyid folded;
        struct bytes taken;
        TRY(keyid_fold(text_of(out->z), &folded));
        err_t e = rec_get(t, TABLE_MAF_KM, text_of(folded.z), &taken);
        if (e != ERR_OK) {
            return e == ERR_NOT_FOUND ? ERR_OK : e;
        }
    }
    return ERR_KEY_ID_TAKEN;
}

/* A Km from an RSPF gets its KmId here (r3, R000-84); afterwards both identifiers name it (R001-44, R001-45). A pre-provisioned one
 * has its own, and in the seed profile KmId = KeId. */
static err_t assign(const struct reg *r, const struct request *rq, struct txn *t, struct reg_who *out)
{
    struct keyid folded;
    struct rec_km k;
    if (rq->assoc->framework == ASSOCIATION_CERT) {
        return ERR_OK;
    }
    TRY(km_of(rq, t, &folded, &k));
    if (k.km_id.z[0] == '\0') {
        SCOPED(key_wipe_km) struct key_km km = {0};
        TRY(rec_km_key(&k, r->env.sealer, text_of(folded.z), &km));
        TRY(new_km_id(r, t, &k.km_id));
        TRY(rec_km_put(t, &k, r->env.sealer, &km));
    }
    if (is_assigned(&k)) {
        out->assigned = k.km_id;
    }
    return set_name(out, &k);
}

/* -- the Source's Km ------------------------------------------------------------------------------------ */
static err_t named(struct txn *t, const struct keyid *credential, struct rec_km *k)
{
    struct keyid folded;
    TRY(keyid_fold(text_of(credential->z), &folded));
    return rec_km_get(t, text_of(folded.z), k);
}

/* A key whose Source was revoked since is not handed out any more. */
static err_t source(const struct reg *r, struct txn *t, const struct keyid *credential, usec_t created)
{
    struct rec_km k;
    (void)r;
    (void)created; /* a Km is withdrawn, or it is not */
    err_t e = named(t, credential, &k);
    if (e != ERR_OK) {
        return e == ERR_NOT_FOUND ? ERR_OK : e;
    }
    return standing_check(k.standing);
}

/* KeId outlives the KmId, which goes with the last registration: by it the MEF withdraws also what was given before. */
static err_t root(struct txn *t, const struct keyid *credential, struct keyid *out)
{
    struct rec_km k;
    err_t e = named(t, credential, &k);
    *out = e == ERR_OK && k.ke_id.z[0] != '\0' ? k.ke_id : *credential;
    return e == ERR_NOT_FOUND ? ERR_OK : e;
}

/* With its last registration a Km that came from an RSPF goes [CHOICE-52]; a revoked one stays, or it would be fetched anew, and so does
 * one that cannot be read, which nobody can use. */
static err_t forget(const struct reg *r, struct txn *t, const struct keyid *credential)
{
    struct rec_km k;
    (void)r;
    err_t e = named(t, credential, &k);
    if (e != ERR_OK) {
        return e == ERR_NOT_FOUND || e == ERR_MALFORMED_RECORD ? ERR_OK : e;
    }
    return k.ke_id.z[0] == '\0' || k.standing != 0 ? ERR_OK : rec_km_remove(t, &k);
}

/* Which keys the MAF distributes, and for how many targets [TS-0003 table 8.8.1-1, CHOICE-53]. */
static const struct reg_suid suids[] = {
    {32, 1, false}, {33, 1, false}, {34, REC_LIST_MAX, false}, {35, REC_LIST_MAX, false}};

const struct reg_kind maf_reg_kind = {
    .name = "MAF",
    .ri = "macr",
    .configuration = "sec:mafClientCfg",
    .base_ty = REG_ATTR_TY_MAF_BASE,
    .client_ty = REG_ATTR_TY_MAF_CLIENT,
    .withdraw = &withdraw_maf,
    .suids = suids,
    .suids_n = ARRAY_LEN(suids),
    .suids_text = "a MAF registers keys for SUID 32, 33, 34 and 35",
    .client = TABLE_MAF_CLIENT,
    .client_of = TABLE_MAF_CLIENT_OF,
    .key = TABLE_MAF_KEY,
    .key_of = TABLE_MAF_KEY_OF,
    .allow = TABLE_MAF_ALLOW,
    .client_registered = AUDIT_MAF_CLIENT_REGISTERED,
    .key_registered = AUDIT_MAF_KEY_REGISTERED,
    .key_retrieved = AUDIT_MAF_KEY_RETRIEVED,
    .tells_source = true,
    .who = who,
    .assign = assign,
    .source = source,
    .root = root,
    .forget = forget,
};
