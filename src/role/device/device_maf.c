/* The MAF's client: registration [TS-0003 8.8.2.3] and registration of the connection key Kc [8.8.2.7]. */
#include "role/detail.h"
#include "role/device/device_step.h"
#include "wire/body.h"
#include "wire/json.h"
#include "wire/reg_attr.h"

/* Symmetric key framework, certificate framework, or GBA with the CSE: no MAF is needed (R002-92). */
static bool is_direct(const struct device *d)
{
    return device_state_is_direct(d->state);
}

static bool by_certificate(const struct device_state *s)
{
    return s->maf.cert.file[0] != '\0';
}

/* How long what is asked for here is wanted: with Km, as long as the enrolment; the MAF may give less. */
static usec_t wanted_until(const struct device_state *s, usec_t now)
{
    if (by_certificate(s)) {
        return s->lifetime < USEC_NEVER - now ? now + s->lifetime : USEC_NEVER;
    }
    return s->ke_not_after;
}

/* A connection key may be wanted for less (R002-87, R002-88). */
static usec_t key_until(const struct device *d, usec_t now)
{
    usec_t end = wanted_until(d->state, now);
    return d->task->key_until != 0 && d->task->key_until < end ? d->task->key_until : end;
}

bool device_maf_register_needed(const struct device *d, usec_t now)
{
    (void)now;
    return !is_direct(d) && d->state->registration[0] == '\0';
}

bool device_maf_key_needed(const struct device *d, usec_t now)
{
    const struct device_state *s = d->state;
    bool too_long = d->task->key_until != 0 && s->kc_not_after > d->task->key_until;
    return !is_direct(d) && (d->task->renew || !secret_is_set(&s->kc.s) || s->kc_not_after <= now || too_long);
}

err_t device_maf_connect(struct device *d, usec_t now, struct device_exchange *out)
{
    struct device_state *s = d->state;
    out->has_request = true;
    out->op = OP_CREATE;
    out->from = d->task->self != NULL ? d->task->self : ""; /* another's key does not fit it (R004-18) */
    if (by_certificate(s)) {
        out->from = s->maf.cert.identity; /* a certificate may name several: From says which (CHOICE-66) */
        return device_show_certificate(d, &s->maf, out);
    }
    bool gba = device_state_is_gba(s);
    if (gba ? !device_state_is_enrolled(s) : !secret_is_set(&s->km.s)) { /* R000-13, R000-19, R000-54: without the parameters the association does not start */
        return detail_fail(d->detail, ERR_STATE, "not enrolled: run device enrol first", text_empty());
    }
    if (s->ke_not_after <= now) { /* R002-63; after the Enrolment Expiry the Enrolee has to enrol again [10.7] */
        return detail_fail(d->detail, ERR_DENIED_EXPIRED, "the enrolment has expired: run device enrol", text_empty());
    }
    out->server = &s->maf;
    out->psk_id = &s->km_id;
    out->psk = gba ? NULL : &s->km.s; /* R001-58, R001-110 */
    out->gba = gba ? s : NULL;        /* R001-113 */
    return ERR_OK;
}

err_t device_maf_register_prepare(struct device *d, usec_t now, struct device_exchange *out)
{
    TRY(device_maf_connect(d, now, out));
    out->ty = REG_ATTR_TY_MAF_CLIENT;
    TRY(TEXT_COPY(text_of("/-"), out->path));
    struct writer w = WRITER_ARRAY(d->body);
    TRY(body_client_write(&w, wanted_until(d->state, now), text_of(d->task->admin_fqdn)));
    out->body = writer_view_text(&w);
    return ERR_OK;
}

err_t device_maf_key_prepare(struct device *d, usec_t now, struct device_exchange *out)
{
    struct device_state *s = d->state;
    TRY(device_maf_connect(d, now, out));
    if (s->cse_id.z[0] == '\0') { /* R002-74 */
        return detail_fail(d->detail, ERR_STATE, "no registrar: give --cse-id and --cse", text_empty());
    }
    out->ty = REG_ATTR_TY_KEY;
    out->export_label = KEYS_LABEL_CONNECTION;
    struct writer path = WRITER_ARRAY(out->path);
    writer_z(&path, "/");
    writer_z(&path, s->registration);
    TRY(writer_finish_z(&path));
    struct writer w = WRITER_ARRAY(d->body);
    TRY(body_key_write(&w, key_until(d, now), text_of(d->task->admin_fqdn), text_of(s->cse_id.z)));
    out->body = writer_view_text(&w);
    return ERR_OK;
}

/* The object under the root, or NULL; borrowed from *body. */
static const json_t *content(struct device *d, const struct device_outcome *got, uint32_t ty, json_t **body)
{
    if (json_parse(got->body, body) != ERR_OK) {
        (void)detail_fail(d->detail, ERR_OK, "the MAF's answer is not JSON", text_empty());
        return NULL;
    }
    const json_t *o = json_object_get(*body, reg_attr_root(ty));
    if (!json_is_object(o)) {
        (void)detail_fail(d->detail, ERR_OK, "the MAF's answer lacks", text_of(reg_attr_root(ty)));
        return NULL;
    }
    return o;
}

/* The members that body_*_check() judges; views into o. */
static struct body_answer members(const json_t *o)
{
    const json_t *targets = json_object_get(o, reg_attr_name(REG_ATTR_TGIS));
    const json_t *first = json_array_size(targets) == 1 ? json_array_get(targets, 0) : NULL;
    json_int_t suid = json_integer_value(json_object_get(o, reg_attr_name(REG_ATTR_SUID)));
    return (struct body_answer){.ri = json_get_text(o, reg_attr_name(REG_ATTR_RI)),
                                .rn = json_get_text(o, reg_attr_name(REG_ATTR_RN)),
                                .aski = json_get_text(o, reg_attr_name(REG_ATTR_ASKI)),
                                .et = json_get_text(o, reg_attr_name(REG_ATTR_ET)),
                                .adfq = json_get_text(o, reg_attr_name(REG_ATTR_ADFQ)),
                                .target = text_span(json_string_value(first), json_string_length(first)),
                                .suid = suid > 0 ? (uint64_t)suid : 0};
}

err_t device_maf_register_accept(struct device *d, usec_t now, const struct device_outcome *got)
{
    struct device_state *s = d->state;
    SCOPED(json_scope) json_t *body = NULL;
    const json_t *o = content(d, got, REG_ATTR_TY_MAF_CLIENT, &body);
    if (o == NULL) {
        return ERR_PEER_NONSENSE;
    }
    usec_t et = 0;
    const char *wrong = "";
    const struct body_answer a = members(o);
    const struct body_expected expected = {.admin_fqdn = text_of(d->task->admin_fqdn), .now = now};
    if (body_client_check(&a, &expected, &et, &wrong) != ERR_OK) {
        return detail_fail(d->detail, ERR_PEER_NONSENSE, wrong, text_empty());
    }
    if (TEXT_COPY(a.ri, s->registration) != ERR_OK) {
        return detail_fail(d->detail, ERR_PEER_NONSENSE, "ri", text_empty());
    }
    /* r3: from now on the MAF knows us by the KmId it assigned [8.8.2.3 step 5] */
    return a.aski.n > 0 ? TEXT_COPY(a.aski, s->km_id.z) : ERR_OK;
}

err_t device_maf_key_accept(struct device *d, usec_t now, const struct device_outcome *got)
{
    struct device_state *s = d->state;
    SCOPED(json_scope) json_t *body = NULL;
    const json_t *o = content(d, got, REG_ATTR_TY_KEY, &body);
    if (o == NULL || !got->exported.set) {
        return ERR_PEER_NONSENSE;
    }
    struct keys_relative relative;
    struct keyid kc_id;
    TRY(keys_kc_split(&got->exported, &s->kc, &relative)); /* R001-59 */
    TRY(keyid_of_relative(&relative, text_of(s->maf.fqdn), &kc_id));
    usec_t et = 0;
    const char *wrong = "";
    const struct body_answer a = members(o);
    const struct body_expected expected = {.admin_fqdn = text_of(d->task->admin_fqdn),
                                           .target = text_of(s->cse_id.z),
                                           .relative = text_take(text_of(kc_id.z), 2 * KEYS_RELATIVE_LEN),
                                           .now = now};
    if (body_key_check(&a, &expected, &et, &wrong) != ERR_OK) {
        secret_wipe(&s->kc.s); /* nothing may be built on it */
        return detail_fail(d->detail, ERR_PEER_NONSENSE, wrong, text_empty());
    }
    s->kc_id = kc_id;
    s->kc_since = now;
    usec_t end = key_until(d, now);
    s->kc_not_after = et < end ? et : end; /* nothing outlives what it came from [10.7] */
    return ERR_OK;
}

/* -- any request, with the key of its session if that is wanted ------------------------------------------------- */
err_t device_maf_request_prepare(struct device *d, usec_t now, struct device_exchange *out)
{
    TRY(device_maf_connect(d, now, out));
    out->op = d->task->op;
    out->ty = d->task->ty;
    out->body = text_of(d->task->body);
    out->export_label = d->task->exports ? KEYS_LABEL_CONNECTION : NULL;
    return TEXT_COPY(text_of(d->task->path), out->path);
}

err_t device_maf_request_accept(struct device *d, usec_t now, const struct device_outcome *got)
{
    (void)now;
    if (d->task->exports) {
        d->exported = got->exported;
    }
    return ERR_OK;
}
