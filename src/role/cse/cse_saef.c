#include "role/cse/cse_saef.h"

#include "base/hex.h"
#include "role/cse/cse_ae.h"
#include "role/cse/cse_enrolled.h"
#include "role/cse/cse_heard.h"
#include "role/cse/cse_key.h"
#include "role/expire.h"
#include "role/fetched.h"
#include "role/skr.h"

#include <string.h>

#define RELATIVE_HEX_MAX 64 /* RelativeKeyID: hexBinary of 16 octets; a longer one is still only a name */

/* -- what B binds to the context (6.0.2): one CSE-ID, one AE-ID, or the Credential-ID alone -------------- */
/* Kpsa is the framework of the pre-provisioned key (R000-42), Kc that of the MAF (R000-44, R000-71). */
static err_t bind(const struct cse_key *k, struct text identity, struct role_psk *out)
{
    struct association *a = &out->assoc;
    out->verdict = ROLE_KEY;
    struct b_tid_parts b_tid;
    const bool gba = b_tid_parse(text_of(k->id.z), &b_tid) == ERR_OK;
    a->framework = k->kind == CSE_KEY_KC ? ASSOCIATION_MAF : gba ? ASSOCIATION_GBA : ASSOCIATION_PSK;
    TRY(cse_key_bind(k, a));
    return TEXT_COPY(identity, a->key_id.z);
}

static err_t resolve(const struct cse *cse, const struct cse_key *k, struct text identity, usec_t now,
                     struct role_psk *out)
{
    TRY(cse_key_open(cse, k, now, &out->key));
    return bind(k, identity, out);
}

/* A key for objects: who asked was a request, which finds it in the store. */
static err_t resolve_object(const struct cse *cse, const struct cse_key *k, usec_t now, struct role_psk *out)
{
    TRY(k->kind == CSE_KEY_ESPRIM ? ERR_OK : ERR_DENIED_SUID);
    TRY(cse_key_take(cse, k, now, &out->key));
    out->verdict = ROLE_KEY;
    out->assoc.framework = ASSOCIATION_E2E;
    return cse_key_bind(k, &out->assoc);
}

/* -- a key we do not hold: which authority knows it? (R000-66: without it no association comes about) ------- */
static err_t ask_maf(const struct cse *cse, const struct cse_peer *maf, struct text relative, struct text identity,
                     struct question *q)
{
    TRY(TEXT_COPY(text_of(maf->fqdn.z), q->peer));
    TRY(TEXT_COPY(text_of(cse->self.z), q->origin));
    TRY(keyid_fold(identity, &q->key_id));
    struct writer w = WRITER_ARRAY(q->path);
    writer_z(&w, "/-/");
    for (size_t i = 0; i < relative.n; i++) { /* hexBinary is written in upper case [CHOICE-14] */
        char c = relative.p[i];
        writer_u8(&w, (uint8_t)(c >= 'a' && c <= 'f' ? c - 'a' + 'A' : c));
    }
    return writer_finish_z(&w);
}

err_t cse_saef_psk(const void *ctx, struct txn *t, struct text identity, usec_t now, struct role_psk *out)
{
    const struct cse *cse = ctx;
    struct cse_key k;
    err_t e = cse_key_get(t, identity, &k);
    if (e == ERR_OK) { /* R000-60, R000-61; 6.3 step 12: reuse of Kc until it expires, then refusal */
        return resolve(cse, &k, identity, now, out);
    }
    if (e != ERR_NOT_FOUND) {
        return e;
    }
    struct keyid_parts parts;
    if (keyid_parse(identity, &parts) != ERR_OK) {
        return ERR_DENIED_PSK_UNKNOWN;
    }
    const struct cse_peer *peer = cse_ctx_peer(cse, parts.fqdn);
    if (peer == NULL) { /* a stranger cannot make us call any host: only configured ones are asked */
        return text_eq_nocase(parts.fqdn, text_of(cse->sp.z)) ? ERR_DENIED_PSK_UNKNOWN : ERR_DENIED_PEER;
    }
    if (!hex_is_text(parts.relative) || parts.relative.n > RELATIVE_HEX_MAX) { /* no MAF or MEF makes such a name */
        return ERR_DENIED_PSK_UNKNOWN;
    }
    if (peer->kind == CSE_PEER_MEF) { /* this CSE is the Enrolment Target of whoever sends a KeId (R001-08) */
        const struct fetched_ask ask = {text_of(peer->fqdn.z), peer->profile, FETCHED_SUID_KPSA, text_of(cse->self.z)};
        out->verdict = ROLE_ASK;
        return fetched_question(&ask, identity, &out->ask);
    }
    out->verdict = ROLE_ASK;
    out->ask.suid = SKR_SUID;
    return ask_maf(cse, peer, parts.relative, identity, &out->ask);
}

err_t cse_saef_ask(const struct cse *cse, struct text identity, unsigned suid, struct question *q)
{
    struct keyid_parts parts;
    TRY(keyid_parse(identity, &parts));
    const struct cse_peer *peer = cse_ctx_peer(cse, parts.fqdn);
    if (peer == NULL || peer->kind != CSE_PEER_MAF || !hex_is_text(parts.relative) || parts.relative.n > RELATIVE_HEX_MAX) {
        return ERR_NOT_FOUND;
    }
    q->suid = suid;
    return ask_maf(cse, peer, parts.relative, identity, q);
}

/* -- GBA: Kpsa is the key that the BSF has for the B-TID, asked for in each handshake (R001-132) ---------------- */
/* What is kept of an earlier one: withdrawn by an operator? ERR_NOT_FOUND. */
static err_t gba_standing(struct txn *t, struct text b_tid, struct cse_key *k)
{
    TRY(cse_key_get(t, b_tid, k));
    return standing_check(k->standing);
}

err_t cse_saef_ua(const void *ctx, struct txn *t, const struct role_ua *ua, usec_t now, struct role_psk *out)
{
    const struct cse *cse = ctx;
    struct cse_key kept;
    (void)now;
    err_t e = gba_standing(t, ua->b_tid, &kept);
    TRY(e == ERR_NOT_FOUND ? ERR_OK : e);
    out->verdict = ROLE_ASK;
    return naf_question(&cse->naf, ua, text_of(cse->self.z), t, &out->ask);
}

/* -- the answer --------------------------------------------------------------------------------------- */
/* R000-03, R003-45: while the network is down the handshake fails, and nothing has been staged. */
static err_t status_check(const struct answer *a)
{
    if (a->err != ERR_OK) {
        return a->err;
    }
    if (a->status == 200) {
        return ERR_OK;
    }
    return a->status >= 400 && a->status < 500 ? ERR_DENIED_FETCH : ERR_PEER_NONSENSE;
}

/* CHOICE-05: 11-KmId if the MAF told it, else 12-<Key Identifier>. */
static err_t credential_id(struct cse_key *k, const struct skr *skr)
{
    struct writer w = WRITER_ARRAY(k->credential_id);
    bool km = skr->km_id.z[0] != '\0';
    writer_z(&w, km ? "11-" : k->kind == CSE_KEY_ESPRIM ? "13-" : "12-");
    writer_z(&w, km ? skr->km_id.z : k->id.z);
    return writer_finish_z(&w);
}

/* Stores a key that came from q->peer, with its audit event. */
static err_t store(const struct cse *cse, struct cse_key *k, const struct secret *key, struct txn *t)
{
    TRY(cse_key_put(cse, t, k, key, STORE_PUT_ANY));
    TRY(k->kind == CSE_KEY_ESPRIM ? ERR_OK : cse_ae_reserve(cse, t, text_of(k->peers[0].z)));
    struct text id = text_of(k->id.z);
    if (naf_is_due(id) || expire_is_due(text_take(id, text_find(id, '@')), '0')) {
        TRY(expire_run(t, TABLE_CSE_KEY, cse_key_is_over, k->created));
    }
    struct audit_event e = {.kind = k->kind == CSE_KEY_KPSA ? AUDIT_KPSA_STORED : AUDIT_KC_STORED, .time = k->created};
    struct text peer = text_of(k->peers_n > 0 ? k->peers[0].z : k->credential_id);
    TRY(TEXT_COPY(text_take(peer, AUDIT_TEXT_MAX - 1), e.peer));
    TRY(TEXT_COPY(text_take(id, AUDIT_TEXT_MAX - 1), e.object));
    return txn_audit(t, &e);
}

static err_t store_kc(const struct cse *cse, const struct question *q, const struct skr *skr, struct txn *t,
                      usec_t now)
{
    const bool object = skr->suid == SKR_SUID_ESPRIM;
    struct cse_key k = {.kind = object ? CSE_KEY_ESPRIM : CSE_KEY_KC, .id = q->key_id, .peers = {skr->source}, .created = now,
                        .peers_n = skr->source.z[0] != '\0' ? 1 : 0, .not_after = skr->et};
    if (object && k.peers_n == 0) { /* a key for objects that stands for nobody proves nothing (R002-84) */
        return ERR_DENIED_CLIENT;
    }
    TRY(TEXT_COPY(text_of(q->peer), k.source.z));
    TRY(credential_id(&k, skr));
    return store(cse, &k, &skr->kc, t);
}

static err_t take_kc(const struct cse *cse, const struct question *q, const struct answer *a, struct txn *t, usec_t now)
{
    TRY(status_check(a));
    SCOPED(skr_wipe) struct skr skr;
    TRY(skr_parse(a->body, &skr));
    if (skr.suid != q->suid) { /* 6.3 step 9: the key may be used for its SUID only */
        return ERR_DENIED_SUID;
    }
    if (skr.et <= now) {
        return ERR_DENIED_EXPIRED;
    }
    return store_kc(cse, q, &skr, t, now);
}

/* Kpsa of an Enrolee: KpsaId is the KeId, who it is and how long says the MEF (R001-35, R001-55, R002-55, 3.13). */
static err_t take_kpsa(const struct cse *cse, const struct cse_peer *mef, const struct question *q, const struct answer *a,
                       struct txn *t, usec_t now)
{
    struct keyid_parts parts;
    SCOPED(fetched_wipe) struct fetched f = {.lifetime = 0};
    TRY(a->err);
    TRY(fetched_parse(a, mef->profile, &f));
    if (m2mid_same(text_of(f.enrolee_id.z), text_of(cse->self.z))) { /* nobody is associated with himself */
        return ERR_PEER_NONSENSE;
    }
    struct cse_key k = {.kind = CSE_KEY_KPSA, .source = mef->fqdn, .peers = {f.enrolee_id}, .created = now,
                        .peers_n = f.enrolee_id.z[0] != '\0' ? 1 : 0, .not_after = now + f.lifetime};
    TRY(keyid_parse(text_of(q->key_id.z), &parts));
    TRY(fetched_ke_id(&parts, &k.id));
    struct writer w = WRITER_ARRAY(k.credential_id);
    writer_z(&w, "12-");
    writer_z(&w, k.id.z);
    TRY(writer_finish_z(&w));
    TRY(cse_heard_from(t, text_of(mef->fqdn.z)));
    return store(cse, &k, &f.key, t);
}

/* Is all that is told of it as it was? The key itself, which is another with each suite and realm, is not taken from the store: whoever
 * makes this CSE ask, without proof, must not make it write. */
static bool is_as_kept(const struct cse_key *a, const struct cse_key *b)
{
    bool same = a->kind == b->kind && a->not_after == b->not_after && a->peers_n == b->peers_n && a->uss_n == b->uss_n &&
                text_eq_z(text_of(a->source.z), b->source.z) && text_eq_z(text_of(a->peers[0].z), b->peers[0].z);
    for (size_t i = 0; same && i < a->uss_n; i++) {
        same = text_eq_z(text_of(a->uss[i]), b->uss[i]);
    }
    return same;
}

/* KpsaId is the B-TID (R001-130, R001-141); the key's end is that of the association, too (R001-134). */
static err_t take_gba(const struct cse *cse, const struct question *q, const struct answer *a, struct txn *t, usec_t now,
                      struct role_psk *out)
{
    SCOPED(naf_key_wipe) struct naf_key n = {.not_after = 0};
    struct cse_key kept;
    err_t e = gba_standing(t, text_of(q->key_id.z), &kept); /* withdrawn while the answer was under way? */
    TRY(e == ERR_NOT_FOUND ? ERR_OK : e);
    TRY(naf_answer(&cse->naf, q, a, now, &n));
    if (m2mid_same(text_of(n.enrolee_id.z), text_of(cse->self.z))) {
        return ERR_PEER_NONSENSE;
    }
    struct cse_key k = {.kind = CSE_KEY_KPSA, .id = n.b_tid, .peers = {n.enrolee_id}, .created = now,
                        .peers_n = n.enrolee_id.z[0] != '\0' ? 1 : 0, .not_after = n.not_after};
    memcpy(k.uss, n.uss, sizeof(k.uss)); /* R001-135 */
    k.uss_n = n.uss_n;
    TRY(TEXT_COPY(n.bsf, k.source.z));
    struct writer w = WRITER_ARRAY(k.credential_id);
    writer_z(&w, "12-");
    writer_z(&w, k.id.z);
    TRY(writer_finish_z(&w));
    TRY(e == ERR_OK && is_as_kept(&kept, &k) ? ERR_OK : store(cse, &k, &n.key, t));
    out->key = n.key;
    return bind(&k, text_of(q->key_id.z), out);
}

static err_t take(const struct cse *cse, const struct question *q, const struct answer *a, struct txn *t, usec_t now)
{
    const struct cse_peer *peer = cse_ctx_peer(cse, text_of(q->peer));
    if (peer == NULL) { /* the configuration was reloaded meanwhile */
        return ERR_DENIED_PEER;
    }
    return peer->kind == CSE_PEER_MEF ? take_kpsa(cse, peer, q, a, t, now) : take_kc(cse, q, a, t, now);
}

err_t cse_saef_answer(const void *ctx, const struct question *q, const struct answer *a, struct txn *t, usec_t now,
                      struct role_psk *out)
{
    const struct cse *cse = ctx;
    struct cse_key k;
    struct text identity = text_of(q->key_id.z);
    err_t e = cse_key_get(t, identity, &k); /* another handshake was quicker, or an operator revoked it meanwhile */
    if (naf_is_question(q)) {
        return take_gba(cse, q, a, t, now, out);
    }
    if (e == ERR_NOT_FOUND) {
        TRY(take(cse, q, a, t, now));
        e = cse_key_get(t, identity, &k);
    }
    TRY(e);
    return q->suid == SKR_SUID_ESPRIM ? resolve_object(cse, &k, now, out) : resolve(cse, &k, identity, now, out);
}

/* R004-19: an identifier that the peer has as well. Its key is for what the two ends do beyond this session: not kept. */
static err_t name_it(const struct keys_export *x, struct association *a)
{
    struct key_association key = {0};
    struct keys_relative id;
    if (!x->set) {
        return ERR_OK; /* the one it has is unique, but ours alone */
    }
    TRY(keys_association_split(x, &key, &id));
    secret_wipe(&key.s);
    struct writer w = WRITER_ARRAY(a->id);
    hex_write_lower(&w, BYTES_ARRAY(id.b));
    return writer_finish_z(&w);
}

/* R004-19: the association and its unique identifier are in the audit chain before it carries a request. */
err_t cse_saef_established(const void *ctx, struct association *a, const struct keys_export *x, struct txn *t,
                           usec_t now)
{
    TRY(name_it(x, a));
    if (a->framework == ASSOCIATION_CERT && (a->peer == PEER_AE || a->peer == PEER_CSE)) { /* nobody without it takes the name from now on */
        for (size_t i = 0; i < a->ids_n; i++) {
            TRY(cse_ae_reserve(ctx, t, text_of(a->ids[i].z)));
        }
    }
    TRY(cse_enrolled_note(ctx, a, t, now));
    struct audit_event e = {.kind = AUDIT_ASSOCIATED, .time = now};
    TRY(TEXT_COPY(text_take(association_name(a), AUDIT_TEXT_MAX - 1), e.peer));
    TRY(TEXT_COPY(text_take(text_of(a->key_id.z), AUDIT_TEXT_MAX - 1), e.object));
    TRY(TEXT_COPY(text_of(a->id), e.association));
    return txn_audit(t, &e);
}
