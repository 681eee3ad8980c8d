#include "role/key_wipe.h"
#include "role/mef/mef_instruction.h"
#include "role/mef/rec_cert.h"
#include "role/mef/rec_credential.h"
#include "role/mef/rec_ke.h"
#include "role/originator.h"

#include <string.h>

enum { DROP_MAX = 14 }; /* two staged changes each, within TXN_STAGED_MAX; the next enrolment drops the rest */

/* -- handshake --------------------------------------------------------------------------------------- */
/* May this credential be used for an enrolment now? Only with a record that says for which service provider (R001-21, R002-45,
 * R002-48). */
static err_t credential_check(struct txn *t, struct text key, const struct rec_credential *c, usec_t now)
{
    TRY(standing_check(c->standing));
    if (c->not_after <= now) { /* R002-63: not used past its lifetime */
        return ERR_DENIED_EXPIRED;
    }
    return mef_instruction_check(t, key, c, now);
}

/* R001-22, R001-33, R001-80, R001-82: psk_identity is KpmId, which names the Enrolee, its key and its instruction. */
static err_t credential_of(const struct mef *m, struct txn *t, struct text identity, struct keyid *folded,
                           struct rec_credential *out)
{
    struct keyid_parts parts;
    TRY(keyid_fold(identity, folded));
    TRY(keyid_parse(text_of(folded->z), &parts));
    if (!text_eq_z(parts.fqdn, m->reg.fqdn)) {
        return ERR_DENIED_PSK_UNKNOWN;
    }
    err_t e = rec_credential_get(t, text_of(folded->z), out);
    return e == ERR_NOT_FOUND ? ERR_DENIED_PSK_UNKNOWN : e;
}

/* What both frameworks bind: the Enrolee-ID of the instruction and a Credential-ID [TS-0003 10.4]. */
static err_t associate(const struct rec_credential *c, struct text key, struct association *a)
{
    memset(a, 0, sizeof(*a));
    bool certificate = c->kind != REC_CREDENTIAL_KPM;
    a->framework = certificate ? ASSOCIATION_CERT : ASSOCIATION_PSK;
    a->peer = PEER_ENROLEE;
    a->not_after = c->not_after;
    if (c->enrolee_id.z[0] != '\0') {
        a->ids[a->ids_n++] = c->enrolee_id;
    }
    TRY(TEXT_COPY(key, a->key_id.z));
    if (certificate) {
        return cert_key_credential(cert_key_flavour(c->kind), text_of(c->id.z), a->credential_id);
    }
    struct writer w = WRITER_ARRAY(a->credential_id);
    writer_z(&w, "10-"); /* symmetric key used toward a MEF */
    writer_z(&w, c->id.z);
    return writer_finish_z(&w);
}

err_t mef_enrol_psk(const void *ctx, struct txn *t, struct text identity, usec_t now, struct role_psk *out)
{
    const struct mef *m = ctx;
    struct keyid folded;
    struct rec_credential c;
    TRY(credential_of(m, t, identity, &folded, &c));
    TRY(credential_check(t, text_of(folded.z), &c, now));
    /* The one key that both were given beforehand authenticates each to the other (R000-23, R001-11, R001-66, R002-49). */
    TRY(rec_credential_kpm(&c, m->reg.env.sealer, text_of(folded.z), &out->key)); /* R001-81, R001-83 */
    out->verdict = ROLE_KEY;
    return associate(&c, identity, &out->assoc);
}

/* The name in the certificate is looked up as it is: its record says whom it authorises, and for what (R001-31,
 * R001-101, R001-102). One that was revoked is not passed over for another name of the same certificate. */
err_t mef_enrol_cert(const void *ctx, struct txn *t, const struct role_cert *cert, usec_t now, struct association *out)
{
    (void)ctx;
    struct cert_key_list ids;
    struct keyid origin; /* of a certificate that came from here: the bootstrap credential it stands for [8.3.6.2] */
    TRY(mef_est_origin(t, cert, &origin));
    cert_key_all(cert, &ids);
    for (size_t i = 0; i < ids.n; i++) {
        struct rec_credential c;
        struct text key = text_of(ids.at[i].key.z);
        err_t e = rec_credential_get(t, key, &c);
        if (e != ERR_NOT_FOUND) {
            TRY(e);
            TRY(credential_check(t, key, &c, now));
            return associate(&c, key, out);
        }
    }
    err_t e = originator_of_cert(cert, out);
    bool target = false;
    if (e == ERR_OK) {
        TRY(mef_target_is(t, out, &target));
    }
    if (target) { /* R001-51: whether it is the target of this key is asked at each fetch */
        return ERR_OK;
    }
    if (origin.z[0] != '\0') {
        struct rec_credential c;
        TRY(rec_credential_get(t, text_of(origin.z), &c));
        TRY(credential_check(t, text_of(origin.z), &c, now));
        TRY(associate(&c, text_of(origin.z), out));
        out->framework = ASSOCIATION_CERT;
        return ERR_OK;
    }
    if (cert->raw) {
        return ERR_DENIED_CERT_RAW; /* 5.7 step 2 */
    }
    /* R001-100: nobody else; an Enrolee without an instruction would take the session for its enrolment */
    return e == ERR_OK ? ERR_DENIED_CERT_INSTRUCTION : e;
}

/* -- Enrolment Key Generation ------------------------------------------------------------------------ */
struct live {
    struct {
        char index[REC_KE_OF_ID_MAX];
        struct keyid ke_id;
    } oldest[DROP_MAX];
    size_t kept;  /* entries of `oldest` in use */
    size_t total;
    uint64_t last; /* highest number in use */
    err_t err;
};

static bool collect(void *arg, struct bytes id, struct store_value value)
{
    struct live *l = arg;
    l->err = rec_ke_of_number(id, &l->last);
    if (l->err == ERR_OK && l->kept < DROP_MAX) {
        l->err = TEXT_COPY(text_span((const char *)id.p, id.n), l->oldest[l->kept].index);
        if (l->err == ERR_OK) {
            l->err = rec_ke_of_parse(value.data, &l->oldest[l->kept].ke_id);
        }
        l->kept++;
    }
    l->total++;
    return l->err == ERR_OK;
}

static err_t live_of(struct txn *t, const struct keyid *credential, struct live *l)
{
    memset(l, 0, sizeof(*l));
    char prefix[KEYID_MAX + 1];
    struct writer w = WRITER_ARRAY(prefix);
    writer_z(&w, credential->z);
    writer_z(&w, "/");
    TRY(writer_finish(&w));
    struct store_scan q = {
        .table = TABLE_MEF_KE_OF, .prefix = writer_view(&w), .after = bytes_empty(), .order = STORE_ASCENDING};
    TRY(txn_scan(t, &q, collect, l));
    return l->err;
}

static err_t tell(struct txn *t, enum audit_kind kind, const struct association *a, const struct keyid *ke_id,
                  usec_t now)
{
    struct audit_event e = {.kind = kind, .time = now, .outcome = ERR_OK};
    TRY(TEXT_COPY(association_name(a), e.peer));
    TRY(TEXT_COPY(text_of(ke_id->z), e.object));
    TRY(TEXT_COPY(text_of(a->id), e.association));
    return txn_audit(t, &e);
}

static err_t drop_one(struct txn *t, const char *index, struct text ke_id)
{
    struct bytes there;
    TRY(txn_del(t, TABLE_MEF_KE_OF, text_of(index)));
    err_t e = rec_get(t, TABLE_MEF_KE, ke_id, &there);
    return e == ERR_OK ? txn_del(t, TABLE_MEF_KE, ke_id) : e == ERR_NOT_FOUND ? ERR_OK : e;
}

err_t mef_enrol_drop(struct txn *t, const struct keyid *credential)
{
    struct live l;
    TRY(live_of(t, credential, &l));
    for (size_t i = 0; i < l.kept; i++) {
        TRY(drop_one(t, l.oldest[i].index, text_of(l.oldest[i].ke_id.z)));
    }
    return ERR_OK;
}

/* The oldest Enrolment Keys make room in the transaction that stores the new one. */
static err_t make_room(const struct mef *m, const struct association *a, const struct live *l, struct txn *t,
                       usec_t now)
{
    size_t drop = l->total >= m->max_live_ke ? l->total - m->max_live_ke + 1 : 0;
    drop = drop < l->kept ? drop : l->kept;
    for (size_t i = 0; i < drop; i++) {
        TRY(drop_one(t, l->oldest[i].index, text_of(l->oldest[i].ke_id.z)));
    }
    /* The event names the newest of those dropped: all older ones of this credential are gone with it. */
    return drop == 0 ? ERR_OK : tell(t, AUDIT_KE_DROPPED, a, &l->oldest[drop - 1].ke_id, now);
}

static err_t store_ke(const struct mef *m, const struct rec_ke *k, const struct key_ke *ke, uint64_t number,
                      struct txn *t)
{
    struct keyid folded;
    TRY(keyid_fold(text_of(k->ke_id.z), &folded));
    struct bytes taken;
    err_t e = rec_get(t, TABLE_MEF_KE, text_of(folded.z), &taken);
    if (e != ERR_NOT_FOUND) { /* CHOICE-25: never two keys under one identifier */
        return e == ERR_OK ? ERR_KEY_ID_TAKEN : e;
    }
    uint8_t buf[REC_MAX];
    struct writer w = WRITER_ARRAY(buf);
    struct rec_seal seal = {
        .sealer = m->reg.env.sealer, .table = TABLE_MEF_KE, .id = text_of(folded.z), .key = &ke->s};
    TRY(rec_ke_write(k, &seal, &w));
    TRY(rec_put(t, TABLE_MEF_KE, text_of(folded.z), &w, STORE_PUT_IF_ABSENT));
    char index[REC_KE_OF_ID_MAX];
    TRY(rec_ke_of_id(&k->credential, number, index));
    struct writer of = WRITER_ARRAY(buf);
    TRY(rec_ke_of_write(&folded, &of));
    return rec_put(t, TABLE_MEF_KE_OF, text_of(index), &of, STORE_PUT_IF_ABSENT);
}

/* R001-85 .. R001-88: Ke and RelativeKeId by TLS export, KeId with the FQDN of the MEF, both stored. The same steps
 * whatever the Enrolee showed (R001-89, R001-109). */
static err_t issue(const struct mef *m, struct association *a, const struct keys_export *x, struct txn *t, usec_t now)
{
    struct rec_credential c;
    struct keyid key;
    TRY(cert_key_fold(text_of(a->key_id.z), &key));
    TRY(rec_credential_get(t, text_of(key.z), &c));
    TRY(credential_check(t, text_of(key.z), &c, now)); /* it may have been revoked since the handshake began */
    struct rec_ke k = {.credential = key, .enrolee_id = c.enrolee_id, .target = c.target, .profile = c.profile,
                       .issued = now > c.since ? now : c.since + 1}; /* after a change, whatever the clock does */
    k.not_after = m->ke_lifetime < c.not_after - now ? now + m->ke_lifetime : c.not_after;
    SCOPED(key_wipe_ke) struct key_ke ke = {0};
    struct keys_relative id;
    TRY(keys_ke_split(x, &ke, &id));
    TRY(keyid_of_relative(&id, text_of(m->reg.fqdn), &k.ke_id));
    struct live l;
    TRY(live_of(t, &key, &l));
    TRY(make_room(m, a, &l, t, now));
    /* Numbers rise even if the clock is set back, so that the oldest stays the oldest. */
    uint64_t number = l.total > 0 && (uint64_t)now <= l.last ? l.last + 1 : (uint64_t)now;
    TRY(store_ke(m, &k, &ke, number, t));
    return tell(t, AUDIT_KE_ISSUED, a, &k.ke_id, now);
}

/* R000-82, R002-52: from here on there is a record of the subscriber, and the node holds its credential. */
err_t mef_enrol_established(const void *ctx, struct association *a, const struct keys_export *x, struct txn *t,
                            usec_t now)
{
    if (a->peer != PEER_ENROLEE) { /* an Enrolment Target that came to fetch */
        return ERR_OK;
    }
    return x->set ? issue(ctx, a, x, t, now) : ERR_BUG;
}

/* After a change of Enrolee-ID nobody goes on under the old one, nor with a certificate from before [change of provider]. */
static err_t same_holder(struct txn *t, const struct association *a, const struct rec_credential *c)
{
    struct rec_cert shown;
    bool same = c->enrolee_id.z[0] == '\0' ? a->ids_n == 0 : a->ids_n == 1 && strcmp(a->ids[0].z, c->enrolee_id.z) == 0;
    err_t e = a->serial[0] == '\0' ? ERR_NOT_FOUND : rec_cert_get(t, text_of(a->serial), &shown);
    if (e != ERR_OK && e != ERR_NOT_FOUND) {
        return e;
    }
    return same && (e == ERR_NOT_FOUND || shown.issued > c->since) ? ERR_OK : ERR_DENIED_REVOKED;
}

/* A session that was made with a credential ends with it. */
err_t mef_enrol_alive(const void *ctx, struct txn *t, const struct association *a)
{
    (void)ctx;
    struct keyid key;
    struct rec_credential c;
    if (a->peer != PEER_ENROLEE) { /* a certificate of nobody that is configured here: its CA withdraws it */
        return ERR_OK;
    }
    TRY(cert_key_fold(text_of(a->key_id.z), &key));
    TRY(rec_credential_get(t, text_of(key.z), &c));
    TRY(standing_check(c.standing));
    return c.since == 0 ? ERR_OK : same_holder(t, a, &c);
}
