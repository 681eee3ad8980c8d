#include "role/device/device_state.h"

#include "base/ct.h"
#include "role/rec.h"

enum { VERSION_KEYS = 1, VERSION = 6 }; /* 1: pre-shared keys alone; 2: no beginnings; 3: no application; 4: no SIM; 5: no node */

void device_state_wipe(struct device_state *s)
{
    ct_wipe(s, sizeof(*s));
}

void device_state_forget_enrolment(struct device_state *s)
{
    ct_wipe(&s->ke, sizeof(s->ke));
    ct_wipe(&s->km, sizeof(s->km));
    ct_wipe(&s->kc, sizeof(s->kc));
    s->ke_id.z[0] = s->km_id.z[0] = s->kc_id.z[0] = s->registration[0] = '\0';
    s->ke_not_after = s->kc_not_after = s->ke_since = s->kc_since = 0;
}

bool device_state_is_gba(const struct device_state *s)
{
    return s->sim.file[0] != '\0';
}

bool device_state_is_direct(const struct device_state *s)
{
    bool by_gba = device_state_is_gba(s) && s->maf.fqdn[0] == '\0';
    return secret_is_set(&s->kpsa.s) || s->cse.cert.file[0] != '\0' || by_gba; /* R001-113 */
}

bool device_state_is_enrolled(const struct device_state *s)
{
    return secret_is_set(&s->ke.s) || (device_state_is_gba(s) && s->ke_id.z[0] != '\0');
}

#define TEXT(member) {REC_TEXT, REC_AT(struct device_state, member)}
#define TEXT_2(member) {REC_TEXT, REC_AT(struct device_state, member), .since = 2}
#define CERTIFICATE(server) TEXT_2(server.cert.file), TEXT_2(server.cert.key), TEXT_2(server.cert.trust), TEXT_2(server.cert.identity)
/* The name of a key is associated data of its seal: it cannot be moved to another field. */
#define KEY(member) {REC_KEY, REC_AT(struct device_state, member.s), .name = #member}
static const struct rec_field fields[] = {
    {REC_U8, REC_AT(struct device_state, profile), .low = CREDENTIAL_R3, .high = CREDENTIAL_SEED},
    TEXT(kpm_id.z),
    TEXT(mef.fqdn),
    TEXT(mef.address),
    TEXT(maf.fqdn),
    TEXT(maf.address),
    TEXT(ke_id.z),
    TEXT(km_id.z),
    TEXT(registration),
    TEXT(cse_id.z),
    TEXT(cse.fqdn),
    TEXT(cse.address),
    TEXT(kpsa_id.z),
    TEXT(kc_id.z),
    TEXT(ae_stem),
    CERTIFICATE(mef),
    CERTIFICATE(maf),
    CERTIFICATE(cse),
    {REC_TIME, REC_AT(struct device_state, lifetime)},
    {REC_TIME, REC_AT(struct device_state, ke_not_after)},
    {REC_TIME, REC_AT(struct device_state, kc_not_after)},
    {REC_TIME, REC_AT(struct device_state, ke_since), .since = 3},
    {REC_TIME, REC_AT(struct device_state, kc_since), .since = 3},
    {REC_TEXT, REC_AT(struct device_state, app_id), .since = 4},
    {REC_TEXT, REC_AT(struct device_state, ae_from), .since = 4},
    {REC_U8, REC_AT(struct device_state, unreachable), .high = 1, .since = 4},
    {REC_TIME, REC_AT(struct device_state, ae_not_after), .since = 4},
    {REC_TIME, REC_AT(struct device_state, ae_since), .since = 4},
    {REC_TEXT, REC_AT(struct device_state, sim.file), .since = 5},
    {REC_TEXT, REC_AT(struct device_state, sim.impi.z), .since = 5},
    {REC_U8, REC_AT(struct device_state, sim.naf_key), .high = DEVICE_STATE_NAF_INT, .since = 5},
    {REC_TEXT, REC_AT(struct device_state, node_id), .since = 6},
    {REC_TEXT, REC_AT(struct device_state, node_cse.z), .since = 6},
    KEY(kpm),
    KEY(ke),
    KEY(km),
    KEY(kpsa),
    KEY(kc),
};
static const struct rec_layout layout = REC_LAYOUT(struct device_state, fields, VERSION_KEYS, VERSION);

err_t device_state_write(const struct device_state *s, const struct sealer *sealer, struct writer *w)
{
    const struct rec_seal seal = {.sealer = sealer, .table = TABLE_DEVICE};
    return rec_write(&layout, VERSION, s, &seal, w);
}

err_t device_state_parse(struct bytes b, const struct sealer *sealer, struct device_state *out)
{
    const struct rec_seal seal = {.sealer = sealer, .table = TABLE_DEVICE};
    err_t e = rec_parse_keys(&layout, b, &seal, out);
    if (e != ERR_OK) {
        device_state_wipe(out);
    }
    return e;
}
