/* GBA: the Km of a device with a SIM is the NAF key that the BSF has for its B-TID, and KmId is the B-TID [TS-0003 8.3.3.1]. */
#include "role/expire.h"
#include "role/key_wipe.h"
#include "role/maf/maf_ctx.h"

#include <string.h>

/* What is kept of an earlier handshake says who it is and whether an operator withdrew it: ERR_NOT_FOUND. The key is asked for anew. */
static err_t standing(struct txn *t, struct text b_tid, struct rec_km *k)
{
    struct keyid folded;
    TRY(keyid_fold(b_tid, &folded));
    TRY(rec_km_get(t, text_of(folded.z), k));
    return standing_check(k->standing);
}

static err_t ask(const struct maf *m, struct txn *t, const struct role_ua *ua, struct role_psk *out)
{
    struct rec_km kept;
    err_t e = standing(t, ua->b_tid, &kept);
    TRY(e == ERR_NOT_FOUND ? ERR_OK : e);
    if (!m->takes_remote) { /* R000-09 */
        return ERR_DENIED_PROVISIONING;
    }
    out->verdict = ROLE_ASK;
    return naf_question(&m->naf, ua, text_of(m->reg.fqdn), t, &out->ask);
}

err_t maf_gba_ua(const void *ctx, struct txn *t, const struct role_ua *ua, usec_t now, struct role_psk *out)
{
    (void)now;
    return maf_handshake_hide(ctx, ask(ctx, t, ua, out), out);
}

static bool is_over(struct bytes record, usec_t now)
{
    struct rec_km k;
    struct b_tid_parts parts;
    return rec_km_parse(record, &k) == ERR_OK && k.not_after <= now && b_tid_parse(text_of(k.ke_id.z), &parts) == ERR_OK;
}

/* KeId := B-TID (R001-130), KmId := KeId (R001-141); the lifetime is that of the NAF key (R001-134). */
static struct rec_km record_of(const struct maf *m, const struct naf_key *n, usec_t now)
{
    usec_t end = now + m->km_lifetime;
    struct rec_km k = {.km_id = n->b_tid, .ke_id = n->b_tid, .enrolee_id = n->enrolee_id, .stored = now,
                       .no_enrolee = n->enrolee_id.z[0] == '\0', .profile = CREDENTIAL_SEED,
                       .not_after = n->not_after < end ? n->not_after : end};
    memcpy(k.uss, n->uss, sizeof(k.uss)); /* R001-135 */
    k.uss_n = n->uss_n;
    return k;
}

/* Is all that is told of it as it was? The key itself, another with each suite, is not taken from the store: whoever makes this MAF
 * ask, without proof, must not make it write. An end that is ours moves on when half of the time is over. */
static bool is_as_kept(const struct maf *m, const struct rec_km *kept, const struct rec_km *k, usec_t now)
{
    bool end = kept->not_after == k->not_after || (kept->not_after < k->not_after && kept->not_after - now > m->km_lifetime / 2);
    bool same = end && kept->profile == k->profile && kept->no_enrolee == k->no_enrolee && kept->uss_n == k->uss_n &&
                text_eq_z(text_of(kept->enrolee_id.z), k->enrolee_id.z) && text_eq_z(text_of(kept->km_id.z), k->km_id.z);
    for (size_t i = 0; same && i < k->uss_n; i++) {
        same = text_eq_z(text_of(kept->uss[i]), k->uss[i]);
    }
    return same && kept->sealed.n > 0;
}

static err_t keep(const struct maf *m, const struct naf_key *n, const struct rec_km *k, struct txn *t, usec_t now)
{
    SCOPED(key_wipe_km) struct key_km km = {.s = n->key};
    TRY(rec_km_put(t, k, m->reg.env.sealer, &km));
    return naf_is_due(text_of(n->b_tid.z)) ? expire_run(t, TABLE_MAF_KM, is_over, now) : ERR_OK;
}

static err_t tell(const struct naf_key *n, struct txn *t, usec_t now)
{
    struct audit_event e = {.kind = AUDIT_KM_STORED, .time = now};
    TRY(TEXT_COPY(text_take(n->bsf, AUDIT_TEXT_MAX - 1), e.peer));
    TRY(TEXT_COPY(text_take(text_of(n->b_tid.z), AUDIT_TEXT_MAX - 1), e.object));
    return txn_audit(t, &e);
}

err_t maf_gba_answer(const struct maf *m, const struct question *q, const struct answer *a, struct txn *t, usec_t now,
                     struct role_psk *out)
{
    SCOPED(naf_key_wipe) struct naf_key n = {.not_after = 0};
    struct rec_km kept;
    err_t e = standing(t, text_of(q->key_id.z), &kept); /* withdrawn while the answer was under way? */
    TRY(e == ERR_NOT_FOUND ? ERR_OK : e);
    TRY(naf_answer(&m->naf, q, a, now, &n));
    struct rec_km k = record_of(m, &n, now);
    if (e != ERR_OK || !is_as_kept(m, &kept, &k, now)) {
        TRY(keep(m, &n, &k, t, now));
        TRY(e == ERR_NOT_FOUND ? tell(&n, t, now) : ERR_OK);
        TRY(rec_km_get(t, text_of(q->key_id.z), &kept));
    }
    TRY(maf_handshake_resolve(m, &kept, text_of(q->key_id.z), now, out));
    out->key = n.key; /* R001-142: what is kept may be that of another suite */
    return ERR_OK;
}
