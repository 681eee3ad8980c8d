#include "role/skr.h"

#include "keys/gba_id.h"
#include "role/secret_text.h"
#include "wire/json.h"
#include "wire/timestamp.h"

#include <string.h>

static bool is_absolute_entity(struct text t)
{
    enum m2mid_kind k = m2mid_kind(t);
    return k == M2MID_ABS_CSE || k == M2MID_ABS_AE_C || k == M2MID_ABS_AE_S;
}

/* KmId, or the B-TID that takes its place (R001-141). */
static bool is_km_id(struct text t)
{
    struct keyid_parts parts;
    struct b_tid_parts b_tid;
    return keyid_parse(t, &parts) == ERR_OK || b_tid_parse(t, &b_tid) == ERR_OK;
}

/* Identities are optional; what is there must have the right form. */
static err_t identities(const json_t *skr, struct skr *out)
{
    struct text cr = json_get_text(skr, "cr");
    struct text aski = json_get_text(skr, "aski");
    if (is_absolute_entity(cr) && TEXT_COPY(cr, out->source.z) != ERR_OK) {
        return ERR_PEER_NONSENSE;
    }
    if (aski.n > 0 && (!is_km_id(aski) || TEXT_COPY(aski, out->km_id.z) != ERR_OK)) {
        return ERR_PEER_NONSENSE;
    }
    return ERR_OK;
}

static err_t members(json_t *skr, struct skr *out)
{
    const json_t *suid = json_object_get(skr, "suid");
    if (!json_is_integer(suid) || json_integer_value(suid) < 0 || json_integer_value(suid) > UINT16_MAX) {
        return ERR_PEER_NONSENSE;
    }
    out->suid = (unsigned)json_integer_value(suid);
    if (timestamp_parse(json_get_text(skr, "et"), &out->et) != ERR_OK) {
        return ERR_PEER_NONSENSE;
    }
    TRY(identities(skr, out));
    return secret_text_take(json_object_get(skr, "kv"), KEYS_PROVISIONED_MIN, KEYS_PROVISIONED_MAX, &out->kc) == ERR_OK
               ? ERR_OK
               : ERR_PEER_NONSENSE;
}

err_t skr_parse(struct bytes body, struct skr *out)
{
    SCOPED(json_scope) json_t *whole = NULL;
    memset(out, 0, sizeof(*out));
    if (json_parse(body, &whole) != ERR_OK) {
        return ERR_PEER_NONSENSE;
    }
    json_t *skr = json_object_get(whole, "m2m:skr");
    return json_is_object(skr) ? members(skr, out) : ERR_PEER_NONSENSE;
}

void skr_wipe(struct skr *s)
{
    secret_wipe(&s->kc);
}
