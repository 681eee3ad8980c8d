/* A Km that came from a MEF goes with the bootstrap credential that it came from: the MEF says so, and here it is done. */
#include "role/fetched.h"
#include "role/heard.h"
#include "role/maf/maf_ctx.h"

err_t maf_heard_alive(const void *ctx, struct txn *t, const struct association *a)
{
    (void)ctx;
    struct keyid folded;
    struct rec_km k;
    if (a->framework == ASSOCIATION_CERT) {
        return ERR_OK;
    }
    TRY(keyid_fold(text_of(a->key_id.z), &folded));
    err_t e = rec_km_get(t, text_of(folded.z), &k);
    if (e != ERR_OK) { /* its registration ended, and Km with it: requests are refused, and say why */
        return e == ERR_NOT_FOUND ? ERR_OK : e;
    }
    return standing_check(k.standing);
}

static err_t tell(struct txn *t, const struct keyid *id, usec_t now)
{
    struct audit_event e = {.kind = AUDIT_KEY_WITHDRAWN, .time = now};
    struct text name = text_of(id->z);
    TRY(TEXT_COPY(text_take(text_skip(name, text_find(name, '@') + 1), AUDIT_TEXT_MAX - 1), e.peer));
    TRY(TEXT_COPY(text_take(name, AUDIT_TEXT_MAX - 1), e.object));
    return txn_audit(t, &e);
}

/* Keys were handed out under its KeId, if it has one; those of a store from before under its KmId. */
err_t maf_heard_note(struct txn *t, const struct rec_km *k, usec_t until, usec_t now)
{
    struct text ke_id = text_of(k->ke_id.z);
    struct withdraw_what what = {rec_km_name(k), k->standing, until, text_empty(), text_empty()};
    TRY(withdraw_note(&withdraw_maf, t, &what, now));
    if (ke_id.n == 0 || text_eq_nocase(ke_id, rec_km_name(k))) {
        return ERR_OK;
    }
    what.credential = ke_id;
    return withdraw_note(&withdraw_maf, t, &what, now);
}

/* A Km that is not held may be on its way here: a record without a key awaits it. */
static err_t tombstone(const struct maf *m, const struct keyid *id, usec_t now, struct rec_km *k)
{
    struct keyid_parts parts;
    *k = (struct rec_km){.no_enrolee = true, .stored = now, .not_after = now + HEARD_TOMBSTONE_LIFE, .sealed = bytes_empty()};
    TRY(keyid_parse(text_of(id->z), &parts));
    const struct maf_peer *mef = maf_handshake_mef(m, parts.fqdn);
    k->profile = mef == NULL ? CREDENTIAL_R3 : mef->profile;
    return fetched_ke_id(&parts, &k->ke_id);
}

/* Without a key it only says that there must be none: no longer than one could come. */
static bool is_over(struct bytes record, usec_t now)
{
    struct rec_km k;
    return rec_km_parse(record, &k) == ERR_OK && k.sealed.n == 0 && k.not_after <= now;
}
static const struct heard_kept kept = {"maf", TABLE_MAF_KM, is_over};

static err_t apply(const void *ctx, struct txn *t, const struct keyid *id, struct text state, usec_t now)
{
    const struct maf *m = ctx;
    struct rec_km k;
    bool changed = false, room = true;
    err_t e = rec_km_get(t, text_of(id->z), &k);
    bool held = e == ERR_OK;
    if (e == ERR_NOT_FOUND) {
        TRY(heard_room(&kept, t, id, now, &room));
        TRY(tombstone(m, id, now, &k));
    } else {
        TRY(e);
    }
    TRY(standing_told(&k.standing, state, &changed));
    if (!changed) {
        return ERR_OK;
    }
    usec_t until = held ? k.not_after : now + m->km_lifetime; /* its Km is gone, a Kc of it may still live */
    if (!room) {
        return maf_heard_note(t, &k, until, now);
    }
    if (k.standing == 0 && k.sealed.n == 0) { /* a tombstone of a suspension: the key is fetched when it is needed */
        TRY(rec_km_remove(t, &k));
    } else {
        TRY(rec_km_stand(t, &k, m->reg.env.sealer, text_of(id->z)));
    }
    TRY(maf_heard_note(t, &k, until, now)); /* and on to who has a key of its client */
    return tell(t, id, now);
}

err_t maf_heard_watch(const void *ctx, struct txn *t, size_t i, struct question *out)
{
    const struct maf *m = ctx;
    const struct heard h = {"maf", ctx, apply};
    if (i >= m->mefs_n) {
        return ERR_NOT_FOUND;
    }
    return heard_question(&h, t, text_of(m->mefs[i].fqdn), text_of(m->reg.fqdn), out);
}

err_t maf_heard_take(const void *ctx, const struct question *q, const struct answer *a, struct txn *t, usec_t now, bool *more)
{
    const struct heard h = {"maf", ctx, apply};
    return heard_take(&h, q, a, t, now, more);
}
