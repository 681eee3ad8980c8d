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

/* -- who the node is ------------------------------------------------------------------------------------------------ */
static bool is_node_id(struct text t)
{
    for (size_t i = 0; i < t.n; i++) {
        if (t.p[i] <= ' ' || t.p[i] > '~') {
            return false;
        }
    }
    return t.n > 0;
}

err_t device_config_node(const json_t *node, struct device_state *s, bool *named)
{
    struct text id = json_get_text(node, "node-id"), cse = json_get_text(node, "cse-id");
    const bool has_id = json_object_get(node, "node-id") != NULL, has_cse = json_object_get(node, "cse-id") != NULL;
    char name[M2MID_MAX];
    *named = false;
    if (node == NULL) {
        return ERR_OK;
    }
    bool good = json_is_object(node) && json_object_size(node) == (size_t)has_id + has_cse &&
                (!has_id || (is_node_id(id) && TEXT_COPY(id, name) == ERR_OK)) &&
                (!has_cse || (m2mid_kind(cse) == M2MID_ABS_CSE && cse.n < sizeof(s->node_cse.z)));
    TRY(good ? ERR_OK : ERR_PEER_NONSENSE);
    *named = has_id || has_cse;
    TRY(has_id ? TEXT_COPY(id, s->node_id) : ERR_OK);
    return has_cse ? TEXT_COPY(cse, s->node_cse.z) : ERR_OK;
}

static err_t opened(struct bytes answer, json_t **body, const json_t **cfg, char *detail)
{
    *cfg = json_parse(answer, body) == ERR_OK ? json_object_get(*body, DEVICE_CONFIG_ROOT) : NULL;
    return json_is_object(*cfg) ? ERR_OK
                                : detail_fail(detail, ERR_PEER_NONSENSE, "the MEF's answer is no configuration", text_empty());
}

static err_t node_of(const json_t *cfg, struct device_state *s, bool *named, char *detail)
{
    err_t e = device_config_node(json_object_get(cfg, "node"), s, named);
    return e == ERR_OK ? e
                       : detail_fail(detail, e, "configuration: node is node-id, a name without blanks, and cse-id, absolute, or one of them",
                                     text_empty());
}

err_t device_config_named(struct bytes answer, struct device_state *s, bool *named, char detail[static ROLE_DETAIL_MAX])
{
    SCOPED(json_scope) json_t *body = NULL;
    const json_t *cfg = NULL;
    *named = false;
    TRY(opened(answer, &body, &cfg, detail));
    return node_of(cfg, s, named, detail);
}

err_t device_config_take(struct bytes answer, struct device_state *s, bool *moved, char detail[static ROLE_DETAIL_MAX])
{
    SCOPED(json_scope) json_t *body = NULL;
    struct told t = {.cse_id = {""}};
    const json_t *cfg = NULL;
    bool named = false;
    *moved = false;
    TRY(opened(answer, &body, &cfg, detail));
    if (maf_of(cfg, &t) != ERR_OK || cse_of(cfg, &t) != ERR_OK) {
        return detail_fail(detail, ERR_PEER_NONSENSE, "configuration: maf is fqdn and address, cse is cse-id and address", text_empty());
    }
    TRY(node_of(cfg, s, &named, detail));
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
