/* The MAF's client: registration [TS-0003 8.8.2.3] and registration of the connection key Kc [8.8.2.7]. */
#include "role/detail.h"
#include "role/device/device_step.h"
#include "role/emit.h"
#include "role/maf/maf_types.h"
#include "wire/json.h"
#include "wire/timestamp.h"

#include <string.h>

enum { SUID_SAEF = 32 };

static bool has_kpsa(const struct device *d)
{
    return secret_is_set(&d->state->kpsa.s); /* symmetric key framework: no MAF is needed (R002-92) */
}

bool device_maf_register_needed(const struct device *d, usec_t now)
{
    (void)now;
    return !has_kpsa(d) && d->state->registration[0] == '\0';
}

bool device_maf_key_needed(const struct device *d, usec_t now)
{
    return !has_kpsa(d) && (!secret_is_set(&d->state->kc.s) || d->state->kc_not_after <= now);
}

static err_t with_km(struct device *d, usec_t now, struct device_exchange *out)
{
    struct device_state *s = d->state;
    if (!secret_is_set(&s->km.s)) { /* R000-54: without the parameters the association does not start */
        return detail_fail(d->detail, ERR_STATE, "not enrolled: run device enrol first", text_empty());
    }
    if (s->ke_not_after <= now) { /* R002-63; after the Enrolment Expiry the Enrolee has to enrol again [10.7] */
        return detail_fail(d->detail, ERR_DENIED_EXPIRED, "the enrolment has expired: run device enrol", text_empty());
    }
    out->server = &s->maf;
    out->psk_id = &s->km_id;
    out->psk = &s->km.s; /* R001-58 */
    out->has_request = true;
    out->op = OP_CREATE;
    out->from = "";
    return ERR_OK;
}

/* Opens {"ROOT":{ with the attributes that both registrations have; the caller closes. */
static struct emit open_body(struct device *d, struct writer *w, uint32_t ty)
{
    struct emit e = emit_to(w);
    emit_object(&e, NULL);
    emit_object(&e, maf_types_root(ty));
    emit_time(&e, maf_types_name(MAF_ATTR_ET), d->state->ke_not_after);
    emit_z(&e, maf_types_name(MAF_ATTR_ADFQ), d->task->admin_fqdn);
    return e;
}

static err_t close_body(struct emit *e, struct device_exchange *out)
{
    emit_close_object(e);
    emit_close_object(e);
    out->body = writer_view_text(e->w);
    return writer_finish(e->w);
}

err_t device_maf_register_prepare(struct device *d, usec_t now, struct device_exchange *out)
{
    TRY(with_km(d, now, out));
    out->ty = MAF_TYPES_CLIENT_REG;
    TRY(TEXT_COPY(text_of("/-"), out->path));
    struct writer w = WRITER_ARRAY(d->body);
    struct emit e = open_body(d, &w, out->ty);
    return close_body(&e, out);
}

err_t device_maf_key_prepare(struct device *d, usec_t now, struct device_exchange *out)
{
    struct device_state *s = d->state;
    TRY(with_km(d, now, out));
    if (s->cse_id.z[0] == '\0') { /* R002-74 */
        return detail_fail(d->detail, ERR_STATE, "no registrar: give --cse-id and --cse", text_empty());
    }
    out->ty = MAF_TYPES_KEY_REG;
    out->export_label = KEYS_LABEL_CONNECTION;
    struct writer path = WRITER_ARRAY(out->path);
    writer_z(&path, "/");
    writer_z(&path, s->registration);
    TRY(writer_finish_z(&path));
    struct writer w = WRITER_ARRAY(d->body);
    struct emit e = open_body(d, &w, out->ty);
    emit_number(&e, maf_types_name(MAF_ATTR_SUID), SUID_SAEF);
    emit_array(&e, maf_types_name(MAF_ATTR_TGIS));
    emit_z(&e, NULL, s->cse_id.z);
    emit_close_array(&e);
    return close_body(&e, out);
}

/* The object under the root, or NULL; borrowed from *body. */
static const json_t *content(struct device *d, const struct device_outcome *got, uint32_t ty, json_t **body)
{
    if (json_parse(got->body, body) != ERR_OK) {
        (void)detail_fail(d->detail, ERR_OK, "the MAF's answer is not JSON", text_empty());
        return NULL;
    }
    const json_t *o = json_object_get(*body, maf_types_root(ty));
    if (!json_is_object(o)) {
        (void)detail_fail(d->detail, ERR_OK, "the MAF's answer lacks", text_of(maf_types_root(ty)));
        return NULL;
    }
    return o;
}

/* Checks that 8.3.9.9.5 and 8.3.9.9.8 ask of the client: not expired, and the stakeholder that was sent. */
static err_t answer_check(struct device *d, const json_t *o, usec_t now, usec_t *et)
{
    if (timestamp_parse(json_get_text(o, maf_types_name(MAF_ATTR_ET)), et) != ERR_OK || *et <= now) {
        return detail_fail(d->detail, ERR_PEER_NONSENSE, "expirationTime", text_empty());
    }
    if (!text_eq_nocase(json_get_text(o, maf_types_name(MAF_ATTR_ADFQ)), text_of(d->task->admin_fqdn))) {
        return detail_fail(d->detail, ERR_PEER_NONSENSE, "adminFQDN", text_empty());
    }
    return ERR_OK;
}

err_t device_maf_register_accept(struct device *d, usec_t now, const struct device_outcome *got)
{
    struct device_state *s = d->state;
    SCOPED(json_scope) json_t *body = NULL;
    const json_t *o = content(d, got, MAF_TYPES_CLIENT_REG, &body);
    if (o == NULL) {
        return ERR_PEER_NONSENSE;
    }
    usec_t et = 0;
    TRY(answer_check(d, o, now, &et));
    struct text ri = json_get_text(o, maf_types_name(MAF_ATTR_RI));
    struct text assigned = json_get_text(o, maf_types_name(MAF_ATTR_ASKI));
    struct keyid_parts parts;
    if (!m2mid_is_unreserved(ri) || TEXT_COPY(ri, s->registration) != ERR_OK) {
        return detail_fail(d->detail, ERR_PEER_NONSENSE, "ri", text_empty());
    }
    if (assigned.n > 0) { /* r3: from now on the MAF knows us by the KmId it assigned [8.8.2.3 step 5] */
        if (keyid_parse(assigned, &parts) != ERR_OK || TEXT_COPY(assigned, s->km_id.z) != ERR_OK) {
            s->registration[0] = '\0';
            return detail_fail(d->detail, ERR_PEER_NONSENSE, "assignedSymmKeyID", text_empty());
        }
    }
    return ERR_OK;
}

static bool names_only_target(const json_t *o, const char *cse_id)
{
    const json_t *list = json_object_get(o, maf_types_name(MAF_ATTR_TGIS));
    const json_t *first = json_array_get(list, 0);
    return json_array_size(list) == 1 && json_is_string(first) && strcmp(json_string_value(first), cse_id) == 0;
}

err_t device_maf_key_accept(struct device *d, usec_t now, const struct device_outcome *got)
{
    struct device_state *s = d->state;
    SCOPED(json_scope) json_t *body = NULL;
    const json_t *o = content(d, got, MAF_TYPES_KEY_REG, &body);
    if (o == NULL || !got->exported.set) {
        return ERR_PEER_NONSENSE;
    }
    usec_t et = 0;
    TRY(answer_check(d, o, now, &et));
    if (json_integer_value(json_object_get(o, maf_types_name(MAF_ATTR_SUID))) != SUID_SAEF) {
        return detail_fail(d->detail, ERR_PEER_NONSENSE, "SUID", text_empty());
    }
    if (!names_only_target(o, s->cse_id.z)) {
        return detail_fail(d->detail, ERR_PEER_NONSENSE, "targetIDs", text_empty());
    }
    struct keys_relative relative;
    struct keyid kc_id;
    char mine[2 * KEYS_RELATIVE_LEN + 1];
    TRY(keys_kc_split(&got->exported, &s->kc, &relative)); /* R001-59 */
    TRY(keyid_of_relative(&relative, text_of(s->maf.fqdn), &kc_id));
    TRY(TEXT_COPY(text_take(text_of(kc_id.z), sizeof(mine) - 1), mine));
    if (!text_eq_nocase(json_get_text(o, maf_types_name(MAF_ATTR_RN)), text_of(mine))) {
        secret_wipe(&s->kc.s); /* the two sides hold different exports: nothing may be built on that */
        return detail_fail(d->detail, ERR_PEER_NONSENSE, "RelativeKeyID", text_empty());
    }
    s->kc_id = kc_id;
    s->kc_not_after = et;
    return ERR_OK;
}
