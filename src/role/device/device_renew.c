#include "role/device/device_renew.h"

/* A state of an older program does not know when a key was made: it is renewed when it ends. */
static usec_t due(usec_t since, usec_t end)
{
    bool known = since > 0 && since < end && end != USEC_NEVER;
    return known ? end - (end - since) / 10 : end;
}

/* R000-75: a MAF is needed on the way to the registrar, and nothing is held for it. */
static bool is_due_first(const struct device_state *s, bool direct)
{
    if (device_state_is_gba(s)) {
        return s->mef.address[0] != '\0' && !device_state_is_enrolled(s);
    }
    bool credential = (secret_is_set(&s->kpm.s) && s->kpm_id.z[0] != '\0') || s->mef.cert.file[0] != '\0'; /* R000-77 */
    bool for_maf = secret_is_set(&s->km.s) || s->maf.cert.file[0] != '\0';
    return credential && s->mef.address[0] != '\0' && s->maf.fqdn[0] != '\0' && !direct && !for_maf;
}

/* R000-17: a second enrolment has a reason: an end that is near, or an operator who changes the provider. */
struct device_due device_renew_next(const struct device_state *s, usec_t now)
{
    struct device_due d = {.what = DEVICE_RENEW_NOTHING, .at = USEC_NEVER, .end = USEC_NEVER};
    bool enrolled = device_state_is_enrolled(s) && s->maf.cert.file[0] == '\0';
    bool direct = device_state_is_direct(s);
    if (is_due_first(s, direct)) { /* R000-78: at power-on, with nobody there to ask for it */
        return (struct device_due){DEVICE_RENEW_ENROLMENT, 0, USEC_NEVER};
    }
    if (enrolled) {
        d = (struct device_due){DEVICE_RENEW_ENROLMENT, due(s->ke_since, s->ke_not_after), s->ke_not_after};
    }
    usec_t key = due(s->kc_since, s->kc_not_after);
    if (!direct && secret_is_set(&s->kc.s) && key < d.at && d.at > now) {
        /* One that ends with its Ke gets no longer by being made anew (seconds are whole on the wire). */
        bool bound = enrolled && s->kc_not_after + 2 * USEC_PER_SEC >= s->ke_not_after;
        d = (struct device_due){bound ? DEVICE_RENEW_ENROLMENT : DEVICE_RENEW_KEY, key, s->kc_not_after};
    }
    return d;
}

struct device_due device_renew_key(const struct device_keyring_key *k)
{
    bool ends = k->since > 0 && k->not_after != USEC_NEVER;
    usec_t at = ends ? due(k->since, k->not_after) : USEC_NEVER;
    return (struct device_due){.what = DEVICE_RENEW_NOTHING, .at = at, .end = ends ? k->not_after : USEC_NEVER};
}

void device_renew_key_later(struct device_keyring_key *k, usec_t now)
{
    usec_t rest = k->not_after - now;
    k->since = rest > USEC_PER_SEC / 10 && k->not_after > 5 * rest ? k->not_after - 5 * rest : 0;
}

struct device_due device_renew_ae(const struct device_state *s)
{
    struct device_due d = {.what = DEVICE_RENEW_NOTHING, .at = USEC_NEVER, .end = USEC_NEVER};
    bool associated = device_state_is_direct(s) || secret_is_set(&s->kc.s);
    if (!associated || s->app_id[0] == '\0') {
        return d;
    }
    if (s->ae_stem[0] == '\0') {
        d.at = 0;
    } else if (s->ae_not_after != 0) {
        d.at = due(s->ae_since, s->ae_not_after);
        d.end = s->ae_not_after;
    }
    return d;
}
