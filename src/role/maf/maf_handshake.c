/* Which key belongs to this psk_identity: KmId, or KeId at first contact and ever after [TS-0003 8.8.2.2, 8.8.2.3, CHOICE-33]. */
#include "role/fetched.h"
#include "role/key_wipe.h"
#include "role/maf/maf_ctx.h"
#include "role/originator.h"

#include <string.h>

const struct maf_peer *maf_handshake_mef(const struct maf *m, struct text fqdn)
{
    for (size_t i = 0; i < m->mefs_n; i++) {
        if (text_eq_nocase(fqdn, text_of(m->mefs[i].fqdn))) {
            return &m->mefs[i];
        }
    }
    return NULL;
}

static err_t associate(const struct rec_km *k, struct text identity, struct association *a)
{
    memset(a, 0, sizeof(*a));
    struct b_tid_parts b_tid;
    a->framework = b_tid_parse(identity, &b_tid) == ERR_OK ? ASSOCIATION_GBA : ASSOCIATION_PSK;
    a->peer = originator_peer(text_of(k->enrolee_id.z));
    a->not_after = k->not_after;
    if (k->enrolee_id.z[0] != '\0') {
        a->ids[a->ids_n++] = k->enrolee_id;
    }
    struct writer w = WRITER_ARRAY(a->credential_id);
    writer_z(&w, "11-"); /* symmetric key used toward a MAF [TS-0003 10.4] */
    writer_text(&w, rec_km_name(k));
    TRY(writer_finish_z(&w));
    return TEXT_COPY(identity, a->key_id.z);
}

err_t maf_handshake_resolve(const struct maf *m, const struct rec_km *k, struct text identity, usec_t now,
                            struct role_psk *out)
{
    TRY(standing_check(k->standing));
    if (k->not_after <= now) { /* R002-63; the Enrolee must enrol again [TS-0003 10.7] */
        return ERR_DENIED_EXPIRED;
    }
    bool remote = k->ke_id.z[0] != '\0';
    if (remote ? !m->takes_remote : !m->takes_pre) { /* R000-09: what the provider demands of provisioning */
        return ERR_DENIED_PROVISIONING;
    }
    struct keyid folded;
    TRY(keyid_fold(identity, &folded));
    SCOPED(key_wipe_km) struct key_km km = {0};
    TRY(rec_km_key(k, m->reg.env.sealer, text_of(folded.z), &km));
    out->key = km.s; /* R000-45, R001-01, R001-58, R001-90: the Km of a bootstrap serves here like any other (R000-87) */
    out->verdict = ROLE_KEY;
    return associate(k, identity, &out->assoc);
}

static err_t unknown(const struct maf *m, const struct keyid *folded, struct role_psk *out)
{
    struct keyid_parts parts;
    TRY(keyid_parse(text_of(folded->z), &parts));
    if (text_eq_z(parts.fqdn, m->reg.fqdn)) {
        return ERR_DENIED_PSK_UNKNOWN; /* R001-41: a KmId that was never seen cannot be resolved */
    }
    const struct maf_peer *mef = maf_handshake_mef(m, parts.fqdn);
    if (mef == NULL) {
        return ERR_DENIED_PEER;
    }
    if (!m->takes_remote) { /* nothing is fetched that would be refused (R000-09) */
        return ERR_DENIED_PROVISIONING;
    }
    out->verdict = ROLE_ASK;
    const struct fetched_ask ask = {text_of(mef->fqdn), mef->profile, FETCHED_SUID_KM, text_of(m->reg.fqdn)};
    return fetched_question(&ask, text_of(folded->z), &out->ask);
}

static err_t lookup(const struct maf *m, struct txn *t, struct text identity, usec_t now, struct role_psk *out)
{
    struct keyid folded;
    struct keyid_parts parts;
    TRY(keyid_parse(identity, &parts));
    TRY(keyid_fold(identity, &folded));
    struct rec_km k;
    err_t e = rec_km_get(t, text_of(folded.z), &k);
    if (e != ERR_OK && e != ERR_NOT_FOUND) {
        return e;
    }
    if (e == ERR_OK && (rec_km_is_held(&k) || k.standing != 0)) { /* R001-44 .. R001-47 */
        return maf_handshake_resolve(m, &k, identity, now, out);
    }
    return unknown(m, &folded, out);
}

/* A key that nobody else has: the handshake goes on and fails as it does for a wrong key. */
static err_t decoy(const struct maf *m, struct role_psk *out)
{
    memset(out, 0, sizeof(*out));
    uint8_t octets[KEYS_DERIVED_LEN];
    TRY(m->reg.env.crypto->random(octets, sizeof(octets)));
    TRY(secret_set(&out->key, BYTES_ARRAY(octets)));
    out->verdict = ROLE_KEY;
    out->assoc.framework = ASSOCIATION_PSK;
    out->assoc.peer = PEER_UNKNOWN; /* no route takes it */
    out->assoc.not_after = USEC_NEVER;
    return ERR_OK;
}

err_t maf_handshake_psk(const void *ctx, struct txn *t, struct text identity, usec_t now, struct role_psk *out)
{
    return maf_handshake_hide(ctx, lookup(ctx, t, identity, now, out), out);
}

err_t maf_handshake_hide(const struct maf *m, err_t e, struct role_psk *out)
{
    bool tells = e == ERR_DENIED_PSK_UNKNOWN || e == ERR_DENIED_REVOKED || e == ERR_DENIED_SUSPENDED ||
                 e == ERR_DENIED_EXPIRED || e == ERR_DENIED_PROVISIONING;
    return tells && m->hide_identities ? decoy(m, out) : e;
}

err_t maf_handshake_cert(const void *ctx, struct txn *t, const struct role_cert *cert, usec_t now,
                         struct association *out)
{
    (void)ctx;
    (void)t;
    (void)now;
    return originator_of_cert(cert, out);
}
