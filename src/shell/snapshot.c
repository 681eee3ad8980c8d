#include "shell/snapshot.h"

#include "shell/conf_fault.h"
#include "shell/issuer_openssl.h"
#include "shell/log.h"
#include "shell/secret_file.h"
#include "shell/x509.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

struct loading {
    const struct snapshot_source *src;
    struct snapshot *s;
    struct conf_faults *faults;
};

/* -- which roles ----------------------------------------------------------------------------------- */
static const struct role *role_named(const struct snapshot_source *src, struct text name)
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

static const char *z_or_null(struct text t)
{
    return t.n == 0 ? NULL : t.p; /* text of a configuration is terminated */
}

/* The tables that apply: the server's and those of every role the file names. */
static err_t read_file(struct loading *l)
{
    char list[256];
    struct writer w = WRITER_ARRAY(list);
    int line = 0;
    struct conf_schema schemas[1 + SNAPSHOT_ROLES_MAX] = {conf_file_server_schema};
    size_t n = 1;
    err_t e = conf_file_peek(l->src->file, "server", "roles", &w, &line);
    if (e == ERR_IO) {
        conf_fault_add(l->faults, 0, "%s cannot be read", l->src->file);
        return ERR_CONFIG;
    }
    struct text rest = e == ERR_OK ? writer_view_text(&w) : text_empty();
    struct text part;
    while (text_next(&rest, ',', &part)) {
        while (part.n > 0 && part.p[0] == ' ') {
            part = text_skip(part, 1);
        }
        while (part.n > 0 && part.p[part.n - 1] == ' ') {
            part = text_take(part, part.n - 1);
        }
        const struct role *r = role_named(l->src, part);
        if (r == NULL || n == ARRAY_LEN(schemas)) {
            conf_fault_add(l->faults, line, "[server] roles: there is no role %.*s", (int)part.n, part.p);
            return ERR_CONFIG;
        }
        schemas[n++] = (struct conf_schema){r->conf, r->conf_n};
    }
    return conf_file_read(l->src->file, schemas, n, &l->s->conf, l->faults);
}

/* -- values ---------------------------------------------------------------------------------------- */
static size_t number(const struct snapshot *s, const char *section, const char *key)
{
    return (size_t)conf_number(s->conf, section, NULL, key);
}

static size_t cores(void)
{
    long n = sysconf(_SC_NPROCESSORS_ONLN);
    return n < 1 ? 1 : (size_t)n;
}

static void load_values(struct loading *l)
{
    struct snapshot *s = l->s;
    s->limits = (struct snapshot_limits){
        .connections = number(s, "limits", "connections"),
        .connections_per_peer = number(s, "limits", "connections-per-peer"),
        .rate_per_peer = number(s, "limits", "connections-rate-per-peer"),
        .message = number(s, "limits", "message"),
        .waiting = number(s, "limits", "waiting-handshakes"),
        .waiting_per_peer = number(s, "limits", "waiting-per-peer"),
        .handshake_time = conf_number(s->conf, "limits", NULL, "handshake-time"),
        .idle_time = conf_number(s->conf, "limits", NULL, "idle-time"),
        .fetch_time = conf_number(s->conf, "limits", NULL, "fetch-time"),
    };
    s->log_limit = (unsigned)number(s, "limits", "refusal-log-rate");
    s->store = conf_text(s->conf, "server", NULL, "store").p;
    s->control = conf_text(s->conf, "server", NULL, "control").p;
    s->workers = l->src->workers != 0 ? l->src->workers : number(s, "server", "workers");
    s->workers = s->workers == 0 ? cores() : s->workers;
    s->log_level = log_level_of(conf_text(s->conf, "server", NULL, "log-level"));
}

static err_t load_secret(struct loading *l, const char *key, struct secret *out)
{
    err_t e = secret_file_read(conf_text(l->s->conf, "server", NULL, key).p, 32, out);
    if (e != ERR_OK) {
        conf_fault_add(l->faults, 0, "[server] %s: %s; %s", key, err_info(e)->text, err_info(e)->hint);
        return ERR_CONFIG;
    }
    return ERR_OK;
}

/* -- roles ----------------------------------------------------------------------------------------- */
/* A role that issues certificates declares the rows `issuing-ca` and `issuing-ca-key` in its section. */
static err_t load_issuer(struct loading *l, const char *section, struct issuer **out)
{
    const struct conf *c = l->s->conf;
    *out = NULL;
    if (conf_row_of(c, text_of(section), text_of("issuing-ca")) == NULL) {
        return ERR_OK;
    }
    struct text cert = conf_text(c, section, NULL, "issuing-ca");
    struct text key = conf_text(c, section, NULL, "issuing-ca-key");
    if (cert.n == 0 && key.n == 0) {
        return ERR_OK;
    }
    err_t e = cert.n == 0 || key.n == 0 ? ERR_CONFIG : issuer_openssl_new(cert.p, key.p, out);
    if (e != ERR_OK) {
        conf_fault_add(l->faults, 0, "[%s] issuing-ca, issuing-ca-key: %s", section,
                       e == ERR_CONFIG ? "a CA certificate and the key that belongs to it are needed"
                                       : err_info(e)->text);
        return ERR_CONFIG;
    }
    return ERR_OK;
}

static err_t load_role(struct loading *l, const struct role *role)
{
    struct snapshot *s = l->s;
    char detail[ROLE_DETAIL_MAX] = "";
    void *ctx = calloc(1, role->ctx_size == 0 ? 1 : role->ctx_size);
    if (ctx == NULL) {
        return ERR_LIMIT_CAPACITY;
    }
    struct snapshot_role *r = &s->roles[s->roles_n++];
    *r = (struct snapshot_role){.role = role, .ctx = ctx};
    TRY(load_issuer(l, role->name, &r->issuer));
    struct role_env env = s->env;
    env.issuer = r->issuer;
    err_t e = role->configure == NULL ? ERR_OK : role->configure(ctx, s->conf, &env, detail);
    if (e != ERR_OK) {
        conf_fault_add(l->faults, 0, "[%s] %s: %s", role->name, err_info(e)->text, detail);
        return ERR_CONFIG;
    }
    return ERR_OK;
}

static err_t load_roles(struct loading *l)
{
    struct text rest = conf_text(l->s->conf, "server", NULL, "roles");
    struct text part;
    while (text_next(&rest, ',', &part)) {
        const struct role *role = role_named(l->src, part);
        if (role != NULL && is_wanted(l->src, part)) {
            TRY(load_role(l, role));
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

/* -- listeners ------------------------------------------------------------------------------------- */
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

/* A role that has an FQDN declares the row `fqdn` in its section: server names are matched against it (112). */
static struct text role_fqdn(const struct conf *c, const char *role)
{
    return conf_row_of(c, text_of(role), text_of("fqdn")) == NULL ? text_empty() : conf_text(c, role, NULL, "fqdn");
}

static err_t load_tls(struct loading *l, struct snapshot_listener *li)
{
    const struct conf *c = l->s->conf;
    char aliases[SNAPSHOT_NAMES_MAX * 64];
    const char *names[SNAPSHOT_NAMES_MAX + 2] = {NULL};
    size_t n = 0;
    struct text fqdn = role_fqdn(c, l->s->roles[li->role].role->name);
    if (fqdn.n > 0) {
        names[n++] = fqdn.p;
    }
    TRY(TEXT_COPY(conf_text(c, "listener", li->name, "aliases"), aliases));
    char *save = NULL;
    for (char *a = strtok_r(aliases, ",", &save); a != NULL && n <= SNAPSHOT_NAMES_MAX;
         a = strtok_r(NULL, ",", &save)) {
        names[n++] = a;
    }
    struct tls_ctx_config cfg = {
        .cert_file = z_or_null(conf_text(c, "listener", li->name, "certificate")),
        .key_file = z_or_null(conf_text(c, "listener", li->name, "key")),
        .trust_file = z_or_null(conf_text(c, "listener", li->name, "trust")),
        .names = names,
        .psk = conf_bool(c, "listener", li->name, "psk"),
        .require_ems = true,
        .crl_files = z_or_null(conf_text(c, "listener", li->name, "crl")),
        .crl_stale_ok = text_eq_z(conf_text(c, "listener", li->name, "crl-expired"), "accept"),
        .ocsp_file = z_or_null(conf_text(c, "listener", li->name, "ocsp-response")),
        .unconstrained_ok = text_eq_z(conf_text(c, "listener", li->name, "name-constraints"), "allowed"),
        .pinned = conf_bool(c, "listener", li->name, "pinned"),
        .datagram = li->datagram,
    };
    char detail[ROLE_DETAIL_MAX] = "";
    err_t e = tls_ctx_new(&cfg, &li->tls_ctx, detail);
    if (e != ERR_OK) {
        conf_fault_add(l->faults, 0, "[listener %s] %s: %s", li->name, err_info(e)->text, detail);
    }
    return e;
}

static err_t load_listener(struct loading *l, const char *name)
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
    li->address = conf_text(s->conf, "listener", name, "address").p;
    if (parse_address(li->address, li) != ERR_OK) {
        conf_fault_add(l->faults, 0, "[listener %s] address: %s is no numeric address and port", name, li->address);
        return ERR_CONFIG;
    }
    return li->tls ? load_tls(l, li) : ERR_OK;
}

static err_t load_listeners(struct loading *l)
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

static err_t load_peer_trust(struct loading *l, struct snapshot_peer *p)
{
    const struct conf *c = l->s->conf;
    const struct x509_trust trust = {
        .anchors = p->trust,
        .crls = z_or_null(conf_text(c, "peer", p->fqdn, "crl")),
        .crl_stale_ok = text_eq_z(conf_text(c, "peer", p->fqdn, "crl-expired"), "accept"),
        .unconstrained_ok = text_eq_z(conf_text(c, "peer", p->fqdn, "name-constraints"), "allowed"),
    };
    char detail[ROLE_DETAIL_MAX] = "";
    X509_STORE *store = NULL;
    err_t e = x509_trust_load(&trust, &store, detail);
    if (e != ERR_OK) {
        conf_fault_add(l->faults, 0, "[peer %s] %s: %s", p->fqdn, err_info(e)->text, detail);
    }
    p->trust_store = store;
    return e;
}

static enum x509_ocsp ocsp_of(struct text word)
{
    return text_eq_z(word, "required") ? X509_OCSP_REQUIRED : text_eq_z(word, "if-given") ? X509_OCSP_IF_GIVEN : X509_OCSP_OFF;
}

static err_t load_peers(struct loading *l)
{
    const struct conf *c = l->s->conf;
    const char *fqdn = NULL;
    for (size_t i = 0; (fqdn = conf_section_arg(c, "peer", i)) != NULL; i++) {
        if (i == SNAPSHOT_PEERS_MAX) {
            conf_fault_add(l->faults, 0, "more than %d peers", SNAPSHOT_PEERS_MAX);
            return ERR_CONFIG;
        }
        l->s->peers[l->s->peers_n++] = (struct snapshot_peer){
            .fqdn = fqdn,
            .address = conf_text(c, "peer", fqdn, "address").p,
            .certificate = z_or_null(conf_text(c, "peer", fqdn, "certificate")),
            .key = z_or_null(conf_text(c, "peer", fqdn, "key")),
            .trust = conf_text(c, "peer", fqdn, "trust").p,
            .ocsp = ocsp_of(conf_text(c, "peer", fqdn, "ocsp")),
        };
        TRY(load_peer_trust(l, &l->s->peers[i]));
    }
    return ERR_OK;
}

/* -- the whole --------------------------------------------------------------------------------------- */
static err_t load(struct loading *l)
{
    TRY(read_file(l));
    load_values(l);
    TRY(load_secret(l, "root-secret", &l->s->sealer.root));
    TRY(load_secret(l, "audit-key", &l->s->audit_key));
    TRY(load_roles(l));
    TRY(load_listeners(l));
    return load_peers(l);
}

err_t snapshot_load(const struct snapshot_source *src, struct snapshot **out, struct conf_faults *faults)
{
    *out = NULL;
    faults->n = 0;
    struct snapshot *s = calloc(1, sizeof(*s));
    if (s == NULL) {
        return ERR_LIMIT_CAPACITY;
    }
    s->sealer.crypto = src->crypto;
    s->env = (struct role_env){src->crypto, &s->sealer, NULL};
    struct loading l = {src, s, faults};
    err_t e = load(&l);
    if (e != ERR_OK) {
        snapshot_free(s);
        return e;
    }
    *out = s;
    return ERR_OK;
}

void snapshot_free(struct snapshot *s)
{
    if (s == NULL) {
        return;
    }
    for (size_t i = 0; i < s->listeners_n; i++) {
        if (s->listeners[i].tls_ctx != NULL) {
            tls_ctx_free(s->listeners[i].tls_ctx);
        }
    }
    for (size_t i = 0; i < s->peers_n; i++) {
        X509_STORE_free(s->peers[i].trust_store);
    }
    for (size_t i = 0; i < s->roles_n; i++) {
        free(s->roles[i].ctx);
        issuer_openssl_free(s->roles[i].issuer);
    }
    seal_wipe(&s->sealer);
    secret_wipe(&s->audit_key);
    if (s->conf != NULL) {
        conf_file_free(s->conf);
    }
    free(s);
}

const struct snapshot_peer *snapshot_peer_of(const struct snapshot *s, const char *fqdn)
{
    for (size_t i = 0; i < s->peers_n; i++) {
        if (strcasecmp(s->peers[i].fqdn, fqdn) == 0) {
            return &s->peers[i];
        }
    }
    return NULL;
}

/* -- warnings ---------------------------------------------------------------------------------------- */
#define SOON (7 * 86400 * USEC_PER_SEC)

static void warn_end(struct conf_faults *out, const char *section, const char *name, usec_t end, usec_t now)
{
    if (end - SOON < now && end != USEC_NEVER) {
        conf_fault_add(out, 0, "[%s %s] crl: a revocation list %s; make a new one and reload", section, name,
                       end <= now ? "is past its nextUpdate: certificates it should cover are refused"
                                  : "ends within seven days");
    }
}

/* A response lasts days, not months: what ends within the day is worth a word. */
#define TOMORROW (86400 * USEC_PER_SEC)

static void warn_staple(struct conf_faults *out, const struct snapshot_listener *l, usec_t now)
{
    usec_t end = l->tls_ctx == NULL ? USEC_NEVER : tls_ctx_ocsp_end(l->tls_ctx);
    if (end - TOMORROW < now && end != USEC_NEVER) {
        conf_fault_add(out, 0, "[listener %s] ocsp-response: the response %s; make a new one and reload", l->name,
                       end <= now ? "is past its nextUpdate: it is not stapled any more" : "ends within a day");
    }
}

/* [TS-0003 8.1.2.2]: an infrastructure entity that receives a MEF certificate must check a CRL. */
void snapshot_warnings(const struct snapshot *s, usec_t now, struct conf_faults *out)
{
    out->n = 0;
    for (size_t i = 0; i < s->listeners_n; i++) {
        const struct snapshot_listener *l = &s->listeners[i];
        warn_end(out, "listener", l->name, l->tls_ctx == NULL ? USEC_NEVER : tls_ctx_crl_end(l->tls_ctx), now);
        warn_staple(out, l, now);
    }
    for (size_t i = 0; i < s->peers_n; i++) {
        const struct snapshot_peer *p = &s->peers[i];
        warn_end(out, "peer", p->fqdn, x509_trust_crl_end(p->trust_store), now);
        if (text_eq_z(conf_text(s->conf, "peer", p->fqdn, "kind"), "mef") &&
            conf_text(s->conf, "peer", p->fqdn, "crl").n == 0 && p->ocsp != X509_OCSP_REQUIRED) {
            conf_fault_add(out, 0, "[peer %s]: neither crl nor ocsp = required, but the certificate of a MEF must be checked for revocation "
                           "(TS-0003 8.1.2.2)", p->fqdn);
        }
    }
}
