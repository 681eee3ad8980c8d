#include "shell/snapshot.h"

#include "role/detail.h"
#include "shell/conf_fault.h"
#include "shell/issuer_openssl.h"
#include "shell/log.h"
#include "shell/secret_file.h"
#include "shell/x509.h"

#include <arpa/inet.h>
#include <stdio.h>
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
    struct conf_schema schemas[CONF_SCHEMAS_MAX] = {conf_file_server_schema};
    size_t n = 1;
    err_t e = conf_file_peek(l->src->file, "server", "roles", &w, &line);
    if (e == ERR_IO) {
        bool there = access(l->src->file, R_OK) == 0;
        conf_fault_add(l->faults, 0, "%s cannot be read: %s", l->src->file, there ? "is it a file?" : strerror(errno));
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

/* The line of the file or key that a fault names, in that section if it is there, else where it is first; 0: none is named. */
static int line_named(const struct conf *c, const char *section, const char *arg, const char *detail)
{
    int elsewhere = 0;
    for (size_t i = 0; i < c->values_n; i++) {
        const struct conf_value *v = &c->values[i];
        bool is_name = v->row->type == CONF_FILE || v->row->type == CONF_KEY;
        if (v->line == 0 || !is_name || v->text[0] == '\0' || strstr(detail, v->text) == NULL) {
            continue;
        }
        if (strcmp(v->row->section, section) == 0 && v->arg != NULL && strcmp(v->arg, arg) == 0) {
            return v->line;
        }
        elsewhere = elsewhere == 0 ? v->line : elsewhere;
    }
    return elsewhere;
}

/* -- roles ----------------------------------------------------------------------------------------- */
/* A role that issues certificates declares the rows `issuing-ca` and `issuing-ca-key` in its section. */
static err_t load_issuer(struct loading *l, const struct snapshot_role *r, struct issuer **out)
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
static err_t claim_fqdn(struct loading *l, struct snapshot_role *r)
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
            conf_fault_add(l->faults, 0, "[%s%s%s] fqdn: another [%s] has %s", r->role->name, r->name == NULL ? "" : " ",
                           r->name == NULL ? "" : r->name, r->role->name, r->fqdn);
            return ERR_CONFIG;
        }
    }
    return ERR_OK;
}

static const char *instance_value(const struct conf *c, const struct snapshot_role *r, const char *key)
{
    bool has = conf_row_of(c, text_of(r->role->name), text_of(key)) != NULL;
    return has ? z_or_null(conf_text(c, r->role->name, r->name, key)) : NULL;
}

static err_t load_role(struct loading *l, const struct role *role, const char *name)
{
    struct snapshot *s = l->s;
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
    r->sealer = s->sealer;
    r->sealer.partition = r->partition;
    r->certificate = instance_value(s->conf, r, "certificate");
    r->key = instance_value(s->conf, r, "key");
    if ((r->certificate == NULL) != (r->key == NULL)) {
        conf_fault_add(l->faults, 0, "[%s%s%s]: certificate and key go together", role->name, name == NULL ? "" : " ",
                       name == NULL ? "" : name);
        return ERR_CONFIG;
    }
    if (r->certificate == NULL && instance_value(s->conf, r, "ocsp-response") != NULL) { /* the listener's has one of its own */
        conf_fault_add(l->faults, 0, "[%s%s%s]: ocsp-response without certificate and key", role->name, name == NULL ? "" : " ",
                       name == NULL ? "" : name);
        return ERR_CONFIG;
    }
    TRY(load_issuer(l, r, &r->issuer));
    const struct role_env env = {.crypto = s->env.crypto, .sealer = &r->sealer, .issuer = r->issuer, .name = name};
    err_t e = role->configure == NULL ? ERR_OK : role->configure(ctx, s->conf, &env, detail);
    if (e != ERR_OK) {
        conf_fault_add(l->faults, 0, "[%s%s%s] %s: %s", role->name, name == NULL ? "" : " ", name == NULL ? "" : name,
                       err_info(e)->text, detail);
        return ERR_CONFIG;
    }
    return ERR_OK;
}

/* The default instance, then those of [role NAME]. */
static err_t load_instances(struct loading *l, const struct role *role)
{
    const char *name = NULL;
    TRY(load_role(l, role, NULL));
    for (size_t i = 0; (name = conf_section_arg(l->s->conf, role->name, i)) != NULL; i++) {
        TRY(load_role(l, role, name));
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

/* The context of one instance at this listener; joined to the first one's. */
static err_t load_tls(struct loading *l, struct snapshot_listener *li, size_t role)
{
    const struct conf *c = l->s->conf;
    const struct snapshot_role *r = &l->s->roles[role];
    const char *trust = instance_value(c, r, "trust");
    const char *crl = instance_value(c, r, "crl");
    struct names names = {.n = 0};
    TRY(names_of(c, li, r, li->tls_ctx == NULL, &names));
    struct tls_ctx_config cfg = {
        .cert_file = r->certificate != NULL ? r->certificate : z_or_null(conf_text(c, "listener", li->name, "certificate")),
        .key_file = r->certificate != NULL ? r->key : z_or_null(conf_text(c, "listener", li->name, "key")),
        .trust_file = trust != NULL ? trust : z_or_null(conf_text(c, "listener", li->name, "trust")),
        .names = names.at,
        .tag = role,
        .psk = conf_bool(c, "listener", li->name, "psk"),
        .require_ems = true,
        .crl_files = trust != NULL || crl != NULL ? crl : z_or_null(conf_text(c, "listener", li->name, "crl")),
        .crl_stale_ok = text_eq_z(conf_text(c, "listener", li->name, "crl-expired"), "accept"),
        .ocsp_file = r->certificate != NULL ? instance_value(c, r, "ocsp-response")
                                            : z_or_null(conf_text(c, "listener", li->name, "ocsp-response")),
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
        conf_fault_add(l->faults, line_named(c, "listener", li->name, detail), "[listener %s] %s%s%s: %s", li->name,
                       r->name == NULL ? "" : r->name, r->name == NULL ? "" : ": ", err_info(e)->text, detail);
    }
    return e;
}

/* Those that [listener] instances names, in its order; without it all of the role, the default one first. */
static err_t load_instances_of(struct loading *l, struct snapshot_listener *li, const struct role *role)
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
    return load_instances_of(l, li, s->roles[r].role);
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

/* The workers load it again for each connection; what is wrong with it shows here. */
static err_t load_peer_key(struct loading *l, const struct snapshot_peer *p)
{
    char detail[ROLE_DETAIL_MAX] = "";
    EVP_PKEY *key = NULL;
    X509 *cert = NULL;
    if (p->certificate == NULL || p->key == NULL) {
        return ERR_OK; /* conf_file_server_check has the rules */
    }
    err_t e = x509_key_load(p->key, &key);
    (void)detail_fail(detail, e, "private key", text_of(p->key));
    if (e == ERR_OK) {
        e = x509_cert_load(p->certificate, &cert);
        e = e == ERR_OK && X509_check_private_key(cert, key) != 1 ? ERR_CONFIG : e;
        (void)detail_fail(detail, e, "key does not belong to certificate", text_of(p->certificate));
    }
    ERR_clear_error();
    EVP_PKEY_free(key);
    X509_free(cert);
    if (e != ERR_OK) {
        conf_fault_add(l->faults, line_named(l->s->conf, "peer", p->fqdn, detail), "[peer %s] %s: %s", p->fqdn,
                       err_info(e)->text, detail);
    }
    return e;
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
        TRY(load_peer_key(l, &l->s->peers[i]));
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
    s->env = (struct role_env){.crypto = src->crypto, .sealer = &s->sealer};
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
        seal_wipe(&s->roles[i].sealer);
        issuer_openssl_free(s->roles[i].issuer);
    }
    seal_wipe(&s->sealer);
    secret_wipe(&s->audit_key);
    if (s->conf != NULL) {
        conf_file_free(s->conf);
    }
    free(s);
}

const struct snapshot_role *snapshot_instance(const struct snapshot *s, const struct role *role, struct text name)
{
    for (size_t i = 0; i < s->roles_n; i++) {
        const struct snapshot_role *r = &s->roles[i];
        bool hit = name.n == 0 ? r->name == NULL : text_eq_nocase(name, text_of(r->name)) || text_eq_nocase(name, text_of(r->fqdn));
        if (r->role == role && hit) {
            return r;
        }
    }
    return NULL;
}

void snapshot_label(const struct snapshot_role *r, char out[static SNAPSHOT_LABEL_MAX])
{
    (void)snprintf(out, SNAPSHOT_LABEL_MAX, "%s%s%.32s", r->role->name, r->name == NULL ? "" : " ",
                   r->name == NULL ? "" : r->name);
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
