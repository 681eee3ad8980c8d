#include "base/ct.h"
#include "shell/snapshot_impl.h"

#include "shell/issuer_openssl.h"
#include "shell/log.h"
#include "shell/secret_file.h"
#include "shell/x509.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

const char *snapshot_z(struct text t)
{
    return t.n == 0 ? NULL : t.p;
}

/* -- the file ---------------------------------------------------------------------------------------- */
static void no_role(struct snapshot_loading *l, int line, struct text name)
{
    char all[256];
    struct writer w = WRITER_ARRAY(all);
    for (size_t i = 0; i < l->src->roles_n; i++) {
        writer_z(&w, i > 0 ? ", " : "");
        writer_z(&w, l->src->roles[i]->name);
    }
    conf_fault_add(l->faults, line, "[server] roles: there is no role %.*s, only %s", (int)name.n, name.p,
                   writer_finish_z(&w) == ERR_OK ? all : "others");
}

/* The tables that apply: the server's and those of every role the file names. */
static err_t read_file(struct snapshot_loading *l)
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
        part = text_trim(part, " \t");
        const struct role *r = snapshot_roles_named(l->src, part);
        if (r == NULL || n == ARRAY_LEN(schemas)) {
            no_role(l, line, part);
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

static void load_values(struct snapshot_loading *l)
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
        .outbound = number(s, "limits", "outbound"),
        .outbound_per_target = number(s, "limits", "outbound-per-target"),
        .records_in_memory = number(s, "limits", "records-in-memory"),
    };
    s->log_limit = (unsigned)number(s, "limits", "refusal-log-rate");
    s->store = conf_text(s->conf, "server", NULL, "store").p;
    s->control = conf_text(s->conf, "server", NULL, "control").p;
    s->points = conf_text(s->conf, "server", NULL, "points-of-access");
    s->workers = l->src->workers != 0 ? l->src->workers : number(s, "server", "workers");
    s->workers = s->workers == 0 ? cores() : s->workers;
    s->log_level = log_level_of(conf_text(s->conf, "server", NULL, "log-level"));
}

static err_t load_secret(struct snapshot_loading *l, const char *key, struct secret *out)
{
    err_t e = secret_file_read(conf_text(l->s->conf, "server", NULL, key).p, 32, out);
    if (e != ERR_OK) {
        conf_fault_add(l->faults, 0, "[server] %s: %s; %s", key, err_info(e)->text, err_info(e)->hint);
        return ERR_CONFIG;
    }
    return ERR_OK;
}

/* -- the whole --------------------------------------------------------------------------------------- */
static err_t load(struct snapshot_loading *l)
{
    TRY(read_file(l));
    load_values(l);
    TRY(load_secret(l, "root-secret", &l->s->sealer.root));
    TRY(seal_keep(&l->s->sealer)); /* it stays in memory as long as the snapshot */
    TRY(load_secret(l, "audit-key", &l->s->audit_key));
    TRY(snapshot_roles_load(l));
    TRY(snapshot_listeners_load(l));
    return snapshot_peers_load(l);
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
    struct snapshot_loading l = {src, s, faults};
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
        secret_wipe(&s->peers[i].psk);
    }
    for (size_t i = 0; i < s->roles_n; i++) {
        ct_wipe(s->roles[i].ctx, s->roles[i].role->ctx_size); /* it may hold keys */
        free(s->roles[i].ctx);
        seal_wipe(&s->roles[i].sealer);
        issuer_openssl_free(s->roles[i].issuer);
    }
    seal_drop(&s->sealer);
    seal_wipe(&s->sealer);
    secret_wipe(&s->audit_key);
    if (s->conf != NULL) {
        conf_file_free(s->conf);
    }
    free(s);
}

/* -- what is in it ------------------------------------------------------------------------------------- */
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

const struct snapshot_role *snapshot_instance_for(const struct snapshot *s, const struct role *role, struct text name,
                                                  struct text admin)
{
    if (admin.n == 0) {
        return snapshot_instance(s, role, name);
    }
    for (size_t i = 0; i < s->roles_n; i++) {
        if (s->roles[i].role == role && text_eq_nocase(admin, text_of(s->roles[i].admin))) {
            return &s->roles[i];
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
