#include "role/device/device_use.h"

#include "role/detail.h"
#include "role/key_wipe.h"
#include "role/skr.h"
#include "wire/emit.h"
#include "wire/json.h"
#include "wire/reg_attr.h"
#include "wire/timestamp.h"

#include <string.h>

enum { SUID_MEF_LAST = 25 };

bool device_use_is_of_mef(unsigned suid)
{
    return suid <= SUID_MEF_LAST;
}

static void list(struct emit *e, enum reg_attr name, struct text items)
{
    struct text one = text_empty();
    if (items.n == 0) {
        return;
    }
    emit_array(e, reg_attr_name(name));
    while (text_next(&items, ',', &one)) {
        emit_text(e, NULL, one);
    }
    emit_close_array(e);
}

err_t device_use_body(const struct device_use *u, struct writer *w)
{
    struct emit e = emit_to(w);
    emit_object(&e, NULL);
    emit_object(&e, reg_attr_root(REG_ATTR_TY_KEY));
    emit_time(&e, reg_attr_name(REG_ATTR_ET), u->until);
    emit_text(&e, reg_attr_name(REG_ATTR_ADFQ), u->admin_fqdn);
    emit_number(&e, reg_attr_name(REG_ATTR_SUID), u->suid);
    list(&e, REG_ATTR_TGIS, u->targets);
    list(&e, REG_ATTR_LBL, u->labels);
    emit_close_object(&e);
    emit_close_object(&e);
    return writer_finish(w);
}

/* The same targets in the same order: another one could read what is meant for these. */
static bool same_targets(struct text sent, const json_t *got)
{
    struct text one = text_empty();
    size_t n = 0;
    while (text_next(&sent, ',', &one)) {
        const json_t *v = json_array_get(got, n++);
        if (!json_is_string(v) || !text_eq_nocase(text_span(json_string_value(v), json_string_length(v)), one)) {
            return false;
        }
    }
    return n == json_array_size(got);
}

/* What a client must check [8.3.9.9.5]; NULL: nothing is wrong. */
static const char *wrong_in(const struct device_use *u, const json_t *skr, const struct device_keyring_key *k, usec_t now)
{
    struct text relative = text_take(text_of(k->id.z), text_find(text_of(k->id.z), '@'));
    usec_t et = 0;
    if (timestamp_parse(json_get_text(skr, reg_attr_name(REG_ATTR_ET)), &et) != ERR_OK || et <= now) {
        return "expirationTime";
    }
    if (!text_eq_nocase(json_get_text(skr, reg_attr_name(REG_ATTR_ADFQ)), u->admin_fqdn)) {
        return "adminFQDN";
    }
    if (json_integer_value(json_object_get(skr, reg_attr_name(REG_ATTR_SUID))) != (json_int_t)u->suid) {
        return "SUID";
    }
    if (!same_targets(u->targets, json_object_get(skr, reg_attr_name(REG_ATTR_TGIS)))) {
        return "targetIDs";
    }
    return text_eq_nocase(json_get_text(skr, reg_attr_name(REG_ATTR_RN)), relative) ? NULL : "RelativeKeyID";
}

err_t device_use_registered(const struct device_use *u, const struct device_use_answer *a,
                            struct device_keyring_key *out, char detail[static ROLE_DETAIL_MAX])
{
    SCOPED(json_scope) json_t *body = NULL;
    SCOPED(key_wipe_kc) struct key_kc kc = {0};
    struct keys_relative relative;
    usec_t et = 0;
    *out = (struct device_keyring_key){.suid = (uint8_t)u->suid, .own = true, .since = a->now};
    if (json_parse(a->body, &body) != ERR_OK || !a->exported->set) {
        return detail_fail(detail, ERR_PEER_NONSENSE, "the answer is no key registration", text_empty());
    }
    const json_t *skr = json_object_get(body, reg_attr_root(REG_ATTR_TY_KEY));
    TRY(keys_kc_split(a->exported, &kc, &relative)); /* the MEF's export has the same form (CHOICE-24) */
    TRY(keyid_of_relative(&relative, a->fqdn, &out->id));
    const char *wrong = wrong_in(u, skr, out, a->now);
    if (wrong != NULL) {
        return detail_fail(detail, ERR_PEER_NONSENSE, wrong, text_empty());
    }
    TRY(timestamp_parse(json_get_text(skr, reg_attr_name(REG_ATTR_ET)), &et));
    out->not_after = et < u->until ? et : u->until;
    TRY(TEXT_COPY(text_take(u->targets, text_find(u->targets, ',')), out->peer.z));
    out->key = kc.s;
    return ERR_OK;
}

err_t device_use_retrieved(struct text id, struct bytes body, usec_t now, struct device_keyring_key *out,
                           char detail[static ROLE_DETAIL_MAX])
{
    SCOPED(skr_wipe) struct skr skr;
    *out = (struct device_keyring_key){.since = now};
    if (skr_parse(body, &skr) != ERR_OK || skr.suid > UINT8_MAX) {
        return detail_fail(detail, ERR_PEER_NONSENSE, "the answer is no registered key", id);
    }
    if (skr.et <= now) {
        return detail_fail(detail, ERR_DENIED_EXPIRED, "key", id);
    }
    TRY(TEXT_COPY(id, out->id.z));
    out->suid = (uint8_t)skr.suid;
    out->peer = skr.source;
    out->not_after = skr.et;
    out->key = skr.kc;
    return ERR_OK;
}
