#include "role/device/device_config.h"

#include "role/detail.h"
#include "wire/json.h"

#include <string.h>

struct told {
    struct device_state_server maf, cse;
    struct m2mid cse_id;
};

/* `name` may be absent, but not half there. */
static err_t server(const json_t *cfg, const char *name, const char *identity, struct device_state_server *out, struct text *id)
{
    const json_t *o = json_object_get(cfg, name);
    *id = json_get_text(o, identity);
    if (o == NULL) {
        return ERR_OK;
    }
    struct text address = json_get_text(o, "address");
    bool good = id->n > 0 && address.n > 0 && TEXT_COPY(address, out->address) == ERR_OK;
    return good ? ERR_OK : ERR_PEER_NONSENSE;
}

static err_t maf_of(const json_t *cfg, struct told *out)
{
    struct text id;
    struct keyid folded;
    TRY(server(cfg, "maf", "fqdn", &out->maf, &id));
    bool good = id.n == 0 || (keyid_is_fqdn(id) && keyid_fold(id, &folded) == ERR_OK &&
                              TEXT_COPY(text_of(folded.z), out->maf.fqdn) == ERR_OK); /* it goes into derivations: one form only */
    return good ? ERR_OK : ERR_PEER_NONSENSE;
}

static err_t cse_of(const json_t *cfg, struct told *out)
{
    struct text id;
    struct m2mid name;
    TRY(server(cfg, "cse", "cse-id", &out->cse, &id));
    bool good = id.n == 0 || (m2mid_kind(id) == M2MID_ABS_CSE && m2mid_fqdn(id, &name) == ERR_OK &&
                              TEXT_COPY(text_of(name.z), out->cse.fqdn) == ERR_OK && TEXT_COPY(id, out->cse_id.z) == ERR_OK);
    return good ? ERR_OK : ERR_PEER_NONSENSE;
}

/* Another server by name or address; the certificate that is shown to it, if any, stays. */
static bool take(struct device_state_server *s, const struct device_state_server *told)
{
    bool other = told->fqdn[0] != '\0' && (strcmp(s->fqdn, told->fqdn) != 0 || strcmp(s->address, told->address) != 0);
    if (other) {
        memcpy(s->fqdn, told->fqdn, sizeof(s->fqdn));
        memcpy(s->address, told->address, sizeof(s->address));
    }
    return other;
}

err_t device_config_take(struct bytes answer, struct device_state *s, bool *moved, char detail[static ROLE_DETAIL_MAX])
{
    SCOPED(json_scope) json_t *body = NULL;
    struct told t = {.cse_id = {""}};
    *moved = false;
    const json_t *cfg = json_parse(answer, &body) == ERR_OK ? json_object_get(body, DEVICE_CONFIG_ROOT) : NULL;
    if (!json_is_object(cfg)) {
        return detail_fail(detail, ERR_PEER_NONSENSE, "the MEF's answer is no configuration", text_empty());
    }
    if (maf_of(cfg, &t) != ERR_OK || cse_of(cfg, &t) != ERR_OK) {
        return detail_fail(detail, ERR_PEER_NONSENSE, "configuration: maf is fqdn and address, cse is cse-id and address", text_empty());
    }
    bool maf = take(&s->maf, &t.maf);
    bool registrar = t.cse_id.z[0] != '\0' && !m2mid_same(text_of(s->cse_id.z), text_of(t.cse_id.z));
    bool cse = take(&s->cse, &t.cse);
    *moved = maf || cse || registrar;
    if (*moved) {
        device_state_forget_enrolment(s);
    }
    if (registrar) { /* it is registered nowhere yet, and registers as it was registered before */
        s->cse_id = t.cse_id;
        s->ae_stem[0] = '\0';
        s->ae_not_after = s->ae_since = 0;
    }
    return ERR_OK;
}
