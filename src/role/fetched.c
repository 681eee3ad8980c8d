/* What a MEF answered at /fetchCredentials: hostile until proven otherwise [TS-0003 8.3.2.1 tables -5, -6, CHOICE-47]. */
#include "role/fetched.h"

#include "base/hex.h"
#include "role/detail.h"
#include "role/secret_text.h"
#include "wire/json.h"

void fetched_wipe(struct fetched *f)
{
    secret_wipe(&f->key);
}

err_t fetched_profile(const struct conf *cf, const char *mef, enum credential_profile *out,
                      char detail[static ROLE_DETAIL_MAX])
{
    struct text profile = conf_text(cf, "peer", mef, "profile");
    *out = CREDENTIAL_R3;
    if (profile.n > 0 && credential_args_profile(profile, out) != ERR_OK) {
        return detail_fail(detail, ERR_CONFIG, "profile of a MEF must be r3 or seed", profile);
    }
    return ERR_OK;
}

/* -- the question ------------------------------------------------------------------------------------------ */
err_t fetched_ke_id(const struct keyid_parts *p, struct keyid *out)
{
    struct writer w = WRITER_ARRAY(out->z);
    bool hex = hex_is_text(p->relative);
    for (size_t i = 0; i < p->relative.n; i++) {
        char c = p->relative.p[i];
        writer_u8(&w, (uint8_t)(hex && c >= 'a' && c <= 'f' ? c - 'a' + 'A' : c));
    }
    writer_u8(&w, '@');
    writer_text(&w, p->fqdn);
    return writer_finish_z(&w);
}

/* R001-48, R001-49: ask the MEF that the KeId names, in the form configured for it (design section 12). */
err_t fetched_question(const struct fetched_ask *a, struct text identity, struct question *q)
{
    struct keyid_parts parts;
    struct keyid ke_id;
    TRY(keyid_fold(identity, &q->key_id));
    TRY(keyid_parse(text_of(q->key_id.z), &parts));
    TRY(fetched_ke_id(&parts, &ke_id));
    struct writer w = WRITER_ARRAY(q->path);
    writer_z(&w, "/fetchCredentials/");
    writer_z(&w, ke_id.z);
    if (a->profile == CREDENTIAL_R3) {
        writer_u8(&w, '/');
        writer_decimal(&w, a->suid);
    }
    TRY(writer_finish_z(&w));
    TRY(TEXT_COPY(a->mef, q->peer));
    return TEXT_COPY(a->origin, q->origin);
}

/* -- the answer -------------------------------------------------------------------------------------------- */
err_t fetched_enrolee_text(struct text id, struct m2mid *out)
{
    enum m2mid_kind kind = m2mid_kind(id);
    if (kind != M2MID_ABS_CSE && kind != M2MID_ABS_AE_C && kind != M2MID_ABS_AE_S) {
        return ERR_PEER_NONSENSE;
    }
    return TEXT_COPY(id, out->z) == ERR_OK ? ERR_OK : ERR_PEER_NONSENSE;
}

err_t fetched_enrolee(const json_t *v, struct m2mid *out)
{
    if (v == NULL) { /* not configured at the MEF: the client stays a Credential-ID */
        return ERR_OK;
    }
    return fetched_enrolee_text(text_span(json_string_value(v), json_string_length(v)), out);
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
    if (secret_text_take(json_object_get(obj, "credential"), KEYS_DERIVED_LEN, KEYS_DERIVED_LEN, &out->key) != ERR_OK) {
        return ERR_PEER_NONSENSE;
    }
    TRY(fetched_enrolee(json_object_get(obj, "enroleeID"), &out->enrolee_id));
    TRY(parse_lifetime(json_object_get(obj, "lifetime"), &out->lifetime));
    return check_profile(json_object_get(obj, "profile"), profile);
}

/* Status = True comes with 200, Status = False with whatever the refusal is; nothing else makes sense. */
err_t fetched_parse(const struct answer *a, enum credential_profile profile, struct fetched *out)
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
