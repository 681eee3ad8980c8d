/* What a MEF answered at /fetchCredentials: hostile until proven otherwise [TS-0003 8.3.2.1 tables -5, -6, CHOICE-47]. */
#include "role/key_wipe.h"
#include "role/maf/maf_ctx.h"
#include "role/secret_text.h"
#include "wire/json.h"

struct fetched {
    struct key_km km;
    struct m2mid enrolee_id; /* empty: the MEF has none */
    usec_t lifetime;
};

static void fetched_wipe(struct fetched *f)
{
    key_wipe_km(&f->km);
}

static err_t parse_enrolee(const json_t *v, struct m2mid *out)
{
    if (v == NULL) { /* not configured at the MEF: the client stays a Credential-ID */
        return ERR_OK;
    }
    struct text id = text_span(json_string_value(v), json_string_length(v));
    enum m2mid_kind kind = m2mid_kind(id);
    if (kind != M2MID_ABS_CSE && kind != M2MID_ABS_AE_C && kind != M2MID_ABS_AE_S) {
        return ERR_PEER_NONSENSE;
    }
    return TEXT_COPY(id, out->z) == ERR_OK ? ERR_OK : ERR_PEER_NONSENSE;
}

static err_t parse_lifetime(const json_t *v, usec_t *out)
{
    json_int_t seconds = json_is_integer(v) ? json_integer_value(v) : 0;
    if (seconds <= 0 || seconds > CREDENTIAL_LIFETIME_MAX / USEC_PER_SEC) {
        return ERR_PEER_NONSENSE;
    }
    *out = (usec_t)seconds * USEC_PER_SEC;
    return ERR_OK;
}

/* A MEF that says what profile its key is of must say the one configured: else the two sides hold different keys. */
static err_t check_profile(const json_t *v, enum credential_profile want)
{
    enum credential_profile got = want;
    if (v == NULL) {
        return ERR_OK;
    }
    err_t e = credential_args_profile(text_span(json_string_value(v), json_string_length(v)), &got);
    return e == ERR_OK && got == want ? ERR_OK : ERR_PEER_NONSENSE;
}

static err_t parse_success(json_t *obj, enum credential_profile profile, struct fetched *out)
{
    if (secret_text_take(json_object_get(obj, "credential"), KEYS_DERIVED_LEN, KEYS_DERIVED_LEN, &out->km.s) != ERR_OK) {
        return ERR_PEER_NONSENSE;
    }
    TRY(parse_enrolee(json_object_get(obj, "enroleeID"), &out->enrolee_id));
    TRY(parse_lifetime(json_object_get(obj, "lifetime"), &out->lifetime));
    return check_profile(json_object_get(obj, "profile"), profile);
}

/* Status = True comes with 200, Status = False with whatever the refusal is; nothing else makes sense. */
static err_t parse(const struct answer *a, enum credential_profile profile, struct fetched *out)
{
    SCOPED(json_scope) json_t *obj = NULL;
    if (json_parse(a->body, &obj) != ERR_OK) {
        return ERR_PEER_NONSENSE;
    }
    const json_t *status = json_object_get(obj, "status");
    if (json_is_true(status)) {
        return a->status == 200 ? parse_success(obj, profile, out) : ERR_PEER_NONSENSE;
    }
    bool refused = json_is_false(status) && (a->status == 200 || (a->status >= 400 && a->status < 500));
    return refused ? ERR_DENIED_FETCH : ERR_PEER_NONSENSE; /* R001-42 */
}

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
    TRY(maf_handshake_canonical(parts, &k.ke_id));
    if (mef->profile == CREDENTIAL_SEED) {
        k.km_id = k.ke_id;
    }
    TRY(rec_km_put(t, &k, m->reg.env.sealer, &f->km));
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
    TRY(parse(a, mef->profile, &f));
    TRY(keep(m, mef, &parts, &f, t, now));
    return rec_km_get(t, key_id, k);
}

err_t maf_answer_take(const void *ctx, const struct question *q, const struct answer *a, struct txn *t, usec_t now,
                      struct role_psk *out)
{
    const struct maf *m = ctx;
    struct rec_km k;
    TRY(take(m, q, a, t, now, &k));
    return maf_handshake_resolve(m, &k, text_of(q->key_id.z), now, out);
}
