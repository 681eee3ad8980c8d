/* Enrolment: the bootstrap handshake, with Kpm or a certificate, is all there is [TS-0003 8.3.2.1, 8.3.2.2]. */
#include "role/detail.h"
#include "role/device/device_step.h"

err_t device_enrol_prepare(struct device *d, usec_t now, struct device_exchange *out)
{
    (void)now;
    struct device_state *s = d->state;
    if (s->maf.fqdn[0] == '\0') { /* R000-14, R001-74, R001-99: the target's identity is needed to start */
        return detail_fail(d->detail, ERR_STATE, "no Enrolment Target: give --target", text_empty());
    }
    out->server = &s->mef;
    out->export_label = KEYS_LABEL_BOOTSTRAP;
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

/* Km by the rule of the profile: the same functions as on the MEF's side (R001-37, R001-53). */
static err_t derive_km(struct device *d)
{
    struct device_state *s = d->state;
    if (s->profile == CREDENTIAL_SEED) {
        return keys_km_derive(d->crypto, &s->ke, text_of(s->maf.fqdn), &s->km);
    }
    return keys_km_usage(d->crypto, &s->ke, text_of(s->maf.fqdn), &s->km);
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
    TRY(keys_ke_split(&got->exported, &s->ke, &relative));                          /* R001-85, R001-86, R001-109 */
    TRY(keyid_of_relative(&relative, text_of(s->mef.fqdn), &s->ke_id));             /* R001-87 */
    s->ke_not_after = s->lifetime < USEC_NEVER - now ? now + s->lifetime : USEC_NEVER; /* R002-63 */
    s->ke_since = now;
    TRY(derive_km(d));
    s->km_id = s->ke_id; /* first contact with the MAF is by KeId (R001-40, R001-41); seed: it stays so (R001-60) */
    return ERR_OK;
}
