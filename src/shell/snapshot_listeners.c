#include "shell/snapshot_impl.h"

#include "role/naf.h"

#include <arpa/inet.h>
#include <string.h>

static err_t parse_address(const char *text, struct snapshot_listener *l)
{
    struct text t = text_of(text);
    size_t colon = text_find_last(t, ':');
    char host[SNAPSHOT_ADDRESS_MAX];
    uint64_t port = 0;
    TRY(text_u64(text_skip(t, colon + 1), 65535, &port));
    struct text h = text_take(t, colon);
    bool v6 = h.n > 1 && h.p[0] == '[';
    TRY(TEXT_COPY(v6 ? text_take(text_skip(h, 1), h.n - 2) : h, host));
    if (v6) {
        l->addr.v6.sin6_family = AF_INET6;
        l->addr.v6.sin6_port = htons((uint16_t)port);
        return inet_pton(AF_INET6, host, &l->addr.v6.sin6_addr) == 1 ? ERR_OK : ERR_CONFIG;
    }
    l->addr.v4.sin_family = AF_INET;
    l->addr.v4.sin_port = htons((uint16_t)port);
    return inet_pton(AF_INET, host, &l->addr.v4.sin_addr) == 1 ? ERR_OK : ERR_CONFIG;
}

/* -- server names ------------------------------------------------------------------------------------ */
struct names {
    const char *at[2 * SNAPSHOT_NAMES_MAX + 2];
    size_t n;
    char buf[2][SNAPSHOT_NAMES_MAX * 64];
    size_t lists;
};

static err_t names_add(struct names *names, struct text list)
{
    char *buf = names->buf[names->lists];
    char *save = NULL;
    TRY(text_copy(list, buf, sizeof(names->buf[0])));
    names->lists++;
    for (char *a = strtok_r(buf, ",", &save); a != NULL && names->n < ARRAY_LEN(names->at) - 1;
         a = strtok_r(NULL, ",", &save)) {
        names->at[names->n++] = a;
    }
    return ERR_OK;
}

/* Server names are matched against these (112). A listener's aliases are names of who answers without any. */
static err_t names_of(const struct conf *c, const struct snapshot_listener *li, const struct snapshot_role *r, bool first,
                      struct names *names)
{
    if (r->fqdn[0] != '\0') {
        names->at[names->n++] = r->fqdn;
    }
    if (conf_row_of(c, text_of(r->role->name), text_of("aliases")) != NULL) {
        TRY(names_add(names, conf_text(c, r->role->name, r->name, "aliases")));
    }
    return first ? names_add(names, conf_text(c, "listener", li->name, "aliases")) : ERR_OK;
}

/* -- TLS --------------------------------------------------------------------------------------------- */
static bool has_bsf(const struct conf *c)
{
    const char *fqdn;
    for (size_t i = 0; (fqdn = conf_section_arg(c, "peer", i)) != NULL; i++) {
        if (text_eq_z(conf_text(c, "peer", fqdn, "kind"), "bsf")) {
            return true;
        }
    }
    return false;
}

/* The context of one instance at this listener; joined to the first one's. */
static err_t load_tls(struct snapshot_loading *l, struct snapshot_listener *li, size_t role)
{
    const struct conf *c = l->s->conf;
    const struct snapshot_role *r = &l->s->roles[role];
    const char *trust = snapshot_roles_value(c, r, "trust");
    const char *crl = snapshot_roles_value(c, r, "crl");
    struct names names = {.n = 0};
    TRY(names_of(c, li, r, li->tls_ctx == NULL, &names));
    struct tls_ctx_config cfg = {
        .cert_file = r->certificate != NULL ? r->certificate : snapshot_z(conf_text(c, "listener", li->name, "certificate")),
        .key_file = r->certificate != NULL ? r->key : snapshot_z(conf_text(c, "listener", li->name, "key")),
        .trust_file = trust != NULL ? trust : snapshot_z(conf_text(c, "listener", li->name, "trust")),
        .names = names.at,
        .tag = role,
        .psk = conf_bool(c, "listener", li->name, "psk"),
        .anonymous = !text_eq_z(conf_text(c, "listener", li->name, "clients"), "authenticated"),
        .hint = r->role->ua != NULL && has_bsf(c) ? NAF_HINT : NULL,
        .require_ems = true,
        .crl_files = trust != NULL || crl != NULL ? crl : snapshot_z(conf_text(c, "listener", li->name, "crl")),
        .crl_stale_ok = text_eq_z(conf_text(c, "listener", li->name, "crl-expired"), "accept"),
        .ocsp_file = r->certificate != NULL ? snapshot_roles_value(c, r, "ocsp-response")
                                            : snapshot_z(conf_text(c, "listener", li->name, "ocsp-response")),
        .unconstrained_ok = text_eq_z(conf_text(c, "listener", li->name, "name-constraints"), "allowed"),
        .pinned = conf_bool(c, "listener", li->name, "pinned"),
        .datagram = li->datagram,
    };
    char detail[ROLE_DETAIL_MAX] = "";
    struct tls_ctx *ctx = NULL;
    err_t e = tls_ctx_new(&cfg, &ctx, detail);
    if (e == ERR_OK && li->tls_ctx != NULL) {
        e = tls_ctx_join(li->tls_ctx, ctx);
    } else if (e == ERR_OK) {
        li->tls_ctx = ctx;
    }
    if (e == ERR_EXISTS) {
        conf_fault_add(l->faults, 0, "[listener %s]: a server name of %s leads to another instance too", li->name, r->fqdn);
    } else if (e != ERR_OK) {
        conf_fault_add(l->faults, conf_fault_line_of(c, "listener", li->name, detail), "[listener %s] %s%s%s: %s", li->name,
                       r->name == NULL ? "" : r->name, r->name == NULL ? "" : ": ", err_info(e)->text, detail);
    }
    return e;
}

/* -- listeners --------------------------------------------------------------------------------------- */
/* Those that [listener] instances names, in its order; without it all of the role, the default one first. */
static err_t load_instances_of(struct snapshot_loading *l, struct snapshot_listener *li, const struct role *role)
{
    struct snapshot *s = l->s;
    struct text rest = conf_text(s->conf, "listener", li->name, "instances");
    struct text part;
    bool first = true;
    while (text_next(&rest, ',', &part)) {
        const struct snapshot_role *r = snapshot_instance(s, role, part);
        if (r == NULL) {
            conf_fault_add(l->faults, 0, "[listener %s] instances: no [%s] has the fqdn %.*s", li->name, role->name,
                           (int)part.n, part.p);
            return ERR_CONFIG;
        }
        li->role = first ? (size_t)(r - s->roles) : li->role;
        TRY(li->tls ? load_tls(l, li, (size_t)(r - s->roles)) : ERR_OK);
        first = false;
    }
    for (size_t i = 0; first && li->tls && i < s->roles_n; i++) {
        TRY(s->roles[i].role == role ? load_tls(l, li, i) : ERR_OK);
    }
    return ERR_OK;
}

static bool takes_digest(const struct role *role)
{
    bool takes = false;
    for (size_t i = 0; i < role->routes_n; i++) {
        takes = takes || (role->routes[i].flags & ROUTE_DIGEST) != 0;
    }
    return takes;
}

static err_t load_listener(struct snapshot_loading *l, const char *name)
{
    struct snapshot *s = l->s;
    struct text role = conf_text(s->conf, "listener", name, "role");
    size_t r = 0;
    while (r < s->roles_n && !text_eq_z(role, s->roles[r].role->name)) {
        r++;
    }
    if (r == s->roles_n) {
        return ERR_OK; /* of a role that `--role` left out */
    }
    if (s->listeners_n == SNAPSHOT_LISTENERS_MAX) {
        conf_fault_add(l->faults, 0, "more than %d listeners", SNAPSHOT_LISTENERS_MAX);
        return ERR_CONFIG;
    }
    struct snapshot_listener *li = &s->listeners[s->listeners_n++];
    li->name = name;
    li->role = r;
    li->tls = conf_bool(s->conf, "listener", name, "tls");
    li->datagram = text_eq_z(conf_text(s->conf, "listener", name, "transport"), "udp");
    struct text clients = conf_text(s->conf, "listener", name, "clients");
    li->digest = text_eq_z(clients, "digest");
    if (li->digest && (s->roles[r].role->ua == NULL || !has_bsf(s->conf))) {
        conf_fault_add(l->faults, 0, "[listener %s] clients: digest is for a MAF or CSE that has a [peer] of kind bsf", name);
        return ERR_CONFIG;
    }
    if (text_eq_z(clients, "anonymous") && !takes_digest(s->roles[r].role)) {
        conf_fault_add(l->faults, 0, "[listener %s] clients: the role %s takes nobody who does not prove who he is", name, s->roles[r].role->name);
        return ERR_CONFIG;
    }
    li->address = conf_text(s->conf, "listener", name, "address").p;
    if (parse_address(li->address, li) != ERR_OK) {
        conf_fault_add(l->faults, 0, "[listener %s] address: %s is no numeric address and port", name, li->address);
        return ERR_CONFIG;
    }
    return load_instances_of(l, li, s->roles[r].role);
}

err_t snapshot_listeners_load(struct snapshot_loading *l)
{
    const char *name = NULL;
    for (size_t i = 0; (name = conf_section_arg(l->s->conf, "listener", i)) != NULL; i++) {
        TRY(load_listener(l, name));
    }
    if (l->s->listeners_n == 0) {
        conf_fault_add(l->faults, 0, "no listener serves the roles asked for");
        return ERR_CONFIG;
    }
    return ERR_OK;
}
