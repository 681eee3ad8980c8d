#include "shell/outbound_target.h"
#include "shell/object_jose.h"
#include "shell/snapshot_impl.h"

#include "shell/issuer_openssl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct role *snapshot_roles_named(const struct snapshot_source *src, struct text name)
{
    for (size_t i = 0; i < src->roles_n; i++) {
        if (text_eq_z(name, src->roles[i]->name)) {
            return src->roles[i];
        }
    }
    return NULL;
}

static bool is_wanted(const struct snapshot_source *src, struct text name)
{
    for (size_t i = 0; i < src->only_n; i++) {
        if (text_eq_z(name, src->only[i])) {
            return true;
        }
    }
    return src->only_n == 0;
}

/* -- one instance ------------------------------------------------------------------------------------ */
#define SECTION_MAX 160
static const char *section_of(const struct snapshot_role *r, char out[static SECTION_MAX])
{
    (void)snprintf(out, SECTION_MAX, "%s%s%s", r->role->name, r->name == NULL ? "" : " ", r->name == NULL ? "" : r->name);
    return out;
}

const char *snapshot_roles_value(const struct conf *c, const struct snapshot_role *r, const char *key)
{
    bool has = conf_row_of(c, text_of(r->role->name), text_of(key)) != NULL;
    return has ? snapshot_z(conf_text(c, r->role->name, r->name, key)) : NULL;
}

/* A role that issues certificates declares the rows `issuing-ca` and `issuing-ca-key` in its section. */
static err_t load_issuer(struct snapshot_loading *l, const struct snapshot_role *r, struct issuer **out)
{
    const struct conf *c = l->s->conf;
    const char *section = r->role->name;
    *out = NULL;
    if (conf_row_of(c, text_of(section), text_of("issuing-ca")) == NULL) {
        return ERR_OK;
    }
    struct text cert = conf_text(c, section, r->name, "issuing-ca");
    struct text key = conf_text(c, section, r->name, "issuing-ca-key");
    if (cert.n == 0 && key.n == 0) {
        return ERR_OK;
    }
    err_t e = cert.n == 0 || key.n == 0 ? ERR_CONFIG : issuer_openssl_new(cert.p, key.p, out);
    if (e != ERR_OK) {
        const struct conf_value *v = conf_value_of(c, section, r->name, key.n == 0 ? "issuing-ca" : "issuing-ca-key");
        conf_fault_add(l->faults, v == NULL ? 0 : v->line, "[%s] issuing-ca, issuing-ca-key: %s", section,
                       e == ERR_CONFIG ? "a CA certificate and the key that belongs to it are needed"
                                       : err_info(e)->text);
        return ERR_CONFIG;
    }
    return ERR_OK;
}

/* An instance stands for its FQDN: two with one would be two authorities under one name. */
static err_t claim_fqdn(struct snapshot_loading *l, struct snapshot_role *r)
{
    const struct conf *c = l->s->conf;
    struct keyid folded;
    if (conf_row_of(c, text_of(r->role->name), text_of("fqdn")) == NULL) {
        return ERR_OK;
    }
    TRY(keyid_fold(conf_text(c, r->role->name, r->name, "fqdn"), &folded));
    TRY(TEXT_COPY(text_of(folded.z), r->fqdn));
    r->partition = text_of(r->name == NULL ? "" : r->fqdn);
    for (const struct snapshot_role *o = l->s->roles; o < r; o++) {
        if (o->role == r->role && strcmp(o->fqdn, r->fqdn) == 0) {
            char section[SECTION_MAX];
            conf_fault_add(l->faults, 0, "[%s] fqdn: another [%s] has %s", section_of(r, section), r->role->name, r->fqdn);
            return ERR_CONFIG;
        }
    }
    return ERR_OK;
}

/* A stakeholder has one instance of a role: two would leave open which of them `ctl --admin` means. */
static err_t claim_admin(struct snapshot_loading *l, struct snapshot_role *r)
{
    const char *admin = snapshot_roles_value(l->s->conf, r, "admin-fqdn");
    struct keyid folded;
    if (admin == NULL) {
        return ERR_OK;
    }
    TRY(keyid_fold(text_of(admin), &folded));
    TRY(TEXT_COPY(text_of(folded.z), r->admin));
    for (const struct snapshot_role *o = l->s->roles; o < r; o++) {
        if (o->role == r->role && strcmp(o->admin, r->admin) == 0) {
            char section[SECTION_MAX];
            conf_fault_add(l->faults, 0, "[%s] admin-fqdn: another [%s] serves %s", section_of(r, section), r->role->name,
                           r->admin);
            return ERR_CONFIG;
        }
    }
    return ERR_OK;
}

static bool may_call(const void *who, const char *url)
{
    return outbound_target_check(who, url) == ERR_OK;
}

static err_t load_role(struct snapshot_loading *l, const struct role *role, const char *name)
{
    struct snapshot *s = l->s;
    char section[SECTION_MAX];
    char detail[ROLE_DETAIL_MAX] = "";
    void *ctx = calloc(1, role->ctx_size == 0 ? 1 : role->ctx_size);
    if (ctx == NULL || s->roles_n == SNAPSHOT_ROLES_MAX) {
        free(ctx);
        conf_fault_add(l->faults, 0, "more than %d instances of roles", SNAPSHOT_ROLES_MAX);
        return ERR_LIMIT_CAPACITY;
    }
    struct snapshot_role *r = &s->roles[s->roles_n++];
    *r = (struct snapshot_role){.role = role, .name = name, .ctx = ctx, .partition = text_empty()};
    TRY(claim_fqdn(l, r));
    TRY(claim_admin(l, r));
    r->sealer = s->sealer;
    r->sealer.partition = r->partition;
    r->certificate = snapshot_roles_value(s->conf, r, "certificate");
    r->key = snapshot_roles_value(s->conf, r, "key");
    if ((r->certificate == NULL) != (r->key == NULL)) {
        conf_fault_add(l->faults, 0, "[%s]: certificate and key go together", section_of(r, section));
        return ERR_CONFIG;
    }
    if (r->certificate == NULL && snapshot_roles_value(s->conf, r, "ocsp-response") != NULL) { /* the listener's has one of its own */
        conf_fault_add(l->faults, 0, "[%s]: ocsp-response without certificate and key", section_of(r, section));
        return ERR_CONFIG;
    }
    TRY(load_issuer(l, r, &r->issuer));
    const struct role_env env = {.crypto = s->env.crypto, .objects = object_jose(), .sealer = &r->sealer, .issuer = r->issuer, .name = name,
                                 .may_call = may_call, .may_call_who = s};
    err_t e = role->configure == NULL ? ERR_OK : role->configure(ctx, s->conf, &env, detail);
    if (e != ERR_OK) {
        conf_fault_add(l->faults, 0, "[%s] %s: %s", section_of(r, section), err_info(e)->text, detail);
        return ERR_CONFIG;
    }
    return ERR_OK;
}

/* -- all of them ------------------------------------------------------------------------------------- */
/* The default instance, then those of [role NAME]. */
static err_t load_instances(struct snapshot_loading *l, const struct role *role)
{
    const char *name = NULL;
    TRY(load_role(l, role, NULL));
    for (size_t i = 0; (name = conf_section_arg(l->s->conf, role->name, i)) != NULL; i++) {
        TRY(load_role(l, role, name));
    }
    return ERR_OK;
}

err_t snapshot_roles_load(struct snapshot_loading *l)
{
    struct text rest = conf_text(l->s->conf, "server", NULL, "roles");
    struct text part;
    while (text_next(&rest, ',', &part)) {
        const struct role *role = snapshot_roles_named(l->src, part);
        if (role != NULL && is_wanted(l->src, part)) {
            TRY(load_instances(l, role));
        }
    }
    for (size_t i = 0; i < l->src->only_n; i++) {
        bool found = false;
        for (size_t r = 0; r < l->s->roles_n; r++) {
            found = found || strcmp(l->s->roles[r].role->name, l->src->only[i]) == 0;
        }
        if (!found) {
            conf_fault_add(l->faults, 0, "[server] roles does not name %s", l->src->only[i]);
            return ERR_CONFIG;
        }
    }
    return ERR_OK;
}
