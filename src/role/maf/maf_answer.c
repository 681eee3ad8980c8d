/* What the MAF keeps of a MEF's answer: a Master Credential. */
#include "role/fetched.h"
#include "role/key_wipe.h"
#include "role/maf/maf_ctx.h"

/* R001-57, R001-61; KmId := KeId in the seed profile (R001-60), else assigned at registration. */
static err_t keep(const struct maf *m, const struct maf_peer *mef, const struct keyid_parts *parts,
                  const struct fetched *f, struct txn *t, usec_t now)
{
    usec_t lifetime = f->lifetime < m->km_lifetime ? f->lifetime : m->km_lifetime;
    struct rec_km k = {.enrolee_id = f->enrolee_id,
                       .no_enrolee = f->enrolee_id.z[0] == '\0',
                       .profile = mef->profile,
                       .stored = now,
                       .not_after = now + lifetime};
    TRY(fetched_ke_id(parts, &k.ke_id));
    if (mef->profile == CREDENTIAL_SEED) {
        k.km_id = k.ke_id;
    }
    SCOPED(key_wipe_km) struct key_km km = {.s = f->key};
    TRY(rec_km_put(t, &k, m->reg.env.sealer, &km));
    struct audit_event e = {.kind = AUDIT_KM_STORED, .time = now, .outcome = ERR_OK};
    TRY(TEXT_COPY(text_of(mef->fqdn), e.peer));
    TRY(TEXT_COPY(text_of(k.ke_id.z), e.object));
    return txn_audit(t, &e);
}

/* Two handshakes may have asked about one KeId: what is held already, with its KmId, is not touched again. */
static err_t take(const struct maf *m, const struct question *q, const struct answer *a, struct txn *t, usec_t now,
                  struct rec_km *k)
{
    struct text key_id = text_of(q->key_id.z);
    err_t e = rec_km_get(t, key_id, k);
    if (e == ERR_OK && (rec_km_is_held(k) || k->standing != 0)) { /* or withdrawn while the answer was under way */
        return standing_check(k->standing);
    }
    if (e != ERR_OK && e != ERR_NOT_FOUND) {
        return e;
    }
    TRY(a->err);
    struct keyid_parts parts;
    TRY(keyid_parse(key_id, &parts));
    const struct maf_peer *mef = maf_handshake_mef(m, parts.fqdn);
    if (mef == NULL) { /* the configuration was reloaded meanwhile */
        return ERR_DENIED_PEER;
    }
    SCOPED(fetched_wipe) struct fetched f = {0};
    TRY(fetched_parse(a, mef->profile, &f));
    TRY(keep(m, mef, &parts, &f, t, now));
    return rec_km_get(t, key_id, k);
}

err_t maf_answer_take(const void *ctx, const struct question *q, const struct answer *a, struct txn *t, usec_t now,
                      struct role_psk *out)
{
    const struct maf *m = ctx;
    struct rec_km k;
    if (naf_is_question(q)) {
        return maf_gba_answer(m, q, a, t, now, out);
    }
    TRY(take(m, q, a, t, now, &k));
    return maf_handshake_resolve(m, &k, text_of(q->key_id.z), now, out);
}
