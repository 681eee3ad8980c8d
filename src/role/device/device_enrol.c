/* Enrolment: the bootstrap handshake, with Kpm or a certificate, is all there is [TS-0003 8.3.2.1, 8.3.2.2]. */
#include "role/detail.h"
#include "role/device/device_step.h"
#include "role/key_wipe.h"

static err_t connect(struct device *d, struct device_exchange *out)
{
    struct device_state *s = d->state;
    out->server = &s->mef;
    if (s->mef.cert.file[0] != '\0') { /* R001-91, R001-93 */
        return device_show_certificate(d, &s->mef, out);
    }
    if (!secret_is_set(&s->kpm.s) || s->kpm_id.z[0] == '\0') { /* R001-70 */
        return detail_fail(d->detail, ERR_STATE, "no bootstrap credential: give --kpm-id and --key-file, or --certificate",
                           text_empty());
    }
    out->psk_id = &s->kpm_id; /* R001-82 */
    out->psk = &s->kpm.s;     /* R001-83 */
    return ERR_OK;
}

err_t device_enrol_prepare(struct device *d, usec_t now, struct device_exchange *out)
{
    (void)now;
    if (d->state->maf.fqdn[0] == '\0') { /* R000-14, R001-21, R001-74, R001-99: the target's identity is needed to start */
        return detail_fail(d->detail, ERR_STATE, "no Enrolment Target: give --target", text_empty());
    }
    out->export_label = KEYS_LABEL_BOOTSTRAP;
    return connect(d, out);
}

/* By the rule of the profile: the same functions as on the MEF's side (R001-37, R001-53, R001-63). */
err_t device_enrol_key(const struct device_state *s, const struct crypto *c, const struct device_enrol_use *use,
                       struct secret *out)
{
    struct m2mid fqdn;
    bool maf = m2mid_kind(use->target) == M2MID_FQDN;
    if (s->profile == CREDENTIAL_R3) {
        SCOPED(key_wipe_usage) struct key_usage k = {0};
        TRY(m2mid_fqdn(use->target, &fqdn));
        TRY(keys_usage_derive(c, &s->ke, use->suid, text_of(fqdn.z), &k));
        *out = k.s;
    } else if (maf) {
        SCOPED(key_wipe_km) struct key_km k = {0};
        TRY(keys_km_derive(c, &s->ke, use->target, &k));
        *out = k.s;
    } else {
        SCOPED(key_wipe_kpsa) struct key_kpsa k = {0};
        TRY(keys_kpsa_derive(c, &s->ke, use->target, &k));
        *out = k.s;
    }
    return ERR_OK;
}

err_t device_enrol_accept(struct device *d, usec_t now, const struct device_outcome *got)
{
    struct device_state *s = d->state;
    struct keys_relative relative;
    if (!got->exported.set) {
        return ERR_BUG;
    }
    device_state_forget_enrolment(s); /* R000-16: a later enrolment gives a new set */
    s->maf.cert = (struct device_state_certificate){.file = ""}; /* the Km of this enrolment serves there */
    TRY(keys_ke_split(&got->exported, &s->ke, &relative));                          /* R000-80, R001-85, R001-86, R001-109 */
    TRY(keyid_of_relative(&relative, text_of(s->mef.fqdn), &s->ke_id));             /* R001-87 */
    s->ke_not_after = s->lifetime < USEC_NEVER - now ? now + s->lifetime : USEC_NEVER; /* R002-63 */
    s->ke_since = now;
    const struct device_enrol_use maf = {text_of(s->maf.fqdn), FETCHED_SUID_KM};
    TRY(device_enrol_key(s, d->crypto, &maf, &s->km.s));
    s->km_id = s->ke_id; /* R000-20; first contact with the MAF is by KeId (R001-40, R001-41); seed: it stays so (R001-60) */
    return ERR_OK;
}

/* -- as an Enrolment Target itself [8.3.2.1 last part] --------------------------------------------------------- */
err_t device_enrol_fetch_prepare(struct device *d, usec_t now, struct device_exchange *out)
{
    (void)now;
    const struct device_task *t = d->task;
    struct keyid_parts parts;
    struct keyid ke_id;
    TRY(connect(d, out));
    if (keyid_parse(t->ke_id, &parts) != ERR_OK || !text_eq_nocase(parts.fqdn, text_of(d->state->mef.fqdn))) {
        return detail_fail(d->detail, ERR_MALFORMED_KEY_ID, "this KeId is not of the MEF", text_of(d->state->mef.fqdn));
    }
    TRY(fetched_ke_id(&parts, &ke_id));
    out->has_request = true;
    out->op = OP_RETRIEVE;
    out->from = d->state->mef.cert.file[0] != '\0' ? d->state->mef.cert.identity : ""; /* of a key the MEF knows it */
    struct writer w = WRITER_ARRAY(out->path);
    writer_z(&w, "/fetchCredentials/");
    writer_z(&w, ke_id.z);
    if (t->suid != 0) {
        writer_u8(&w, '/');
        writer_decimal(&w, t->suid);
    }
    return writer_finish_z(&w);
}

/* Ke and all that the device holds stay as they are: this handshake is not its enrolment. */
err_t device_enrol_fetch_accept(struct device *d, usec_t now, const struct device_outcome *got)
{
    (void)now;
    const struct answer a = {.err = ERR_OK, .status = 200, .body = got->body};
    return fetched_parse(&a, d->task->suid != 0 ? CREDENTIAL_R3 : CREDENTIAL_SEED, &d->fetched);
}
