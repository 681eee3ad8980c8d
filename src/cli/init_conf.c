#include "cli/init_conf.h"

#include "cli/roles.h"
#include "shell/conf_file.h"

#include <string.h>

#define BIT(server) (1U << (server))
#define MEF BIT(INIT_CONF_MEF)
#define MAF BIT(INIT_CONF_MAF)
#define CSE BIT(INIT_CONF_CSE)
#define GATE BIT(INIT_CONF_GATE)
#define BSF BIT(INIT_CONF_BSF)
#define MN BIT(INIT_CONF_MN)
#define ALL (MEF | MAF | CSE | GATE | BSF | MN)

/* In values and section arguments: {sp} the service provider, {me} the server, {role} its role, {port} its own port,
 * {mef}, {maf}, {cse}, {bsf} and {mn} the ports of these servers, {plain} its own without TLS. */
struct section {
    unsigned servers;
    const char *name;
    const char *arg;
    unsigned with; /* only if this one is made, too; 0: always */
};

static const struct section sections[] = {
    {ALL, "server", NULL, 0},
    {ALL, "limits", NULL, 0},
    {MEF, "mef", NULL, 0},
    {MAF, "maf", NULL, 0},
    {CSE | MN, "cse", NULL, 0},
    {GATE, "gate", NULL, 0},
    {BSF, "bsf", NULL, 0},
    {ALL, "listener", "main", 0},
    {GATE, "listener", "inside", 0},
    {BSF, "listener", "ub", 0},
    {ALL & ~BSF, "listener", "coaps", 0},
    {MAF | CSE | MN, "peer", "mef.{sp}", MEF},
    {CSE | MN, "peer", "maf.{sp}", MAF},
    {MAF | CSE | MN, "peer", "bsf.{sp}", BSF},
    {MN, "peer", "in.{sp}", 0},
    {CSE, "peer", "mn.{sp}", MN},
};

/* The first row of a key counts. Without arg: in each section of that name; without a value: not set there. */
struct value {
    unsigned servers;
    const char *section, *arg, *key, *value;
};

static const struct value values[] = {
    {ALL, "server", NULL, "roles", "{role}"},
    {ALL, "server", NULL, "store", "{me}.db"},
    {ALL, "server", NULL, "root-secret", "{me}.root"},
    {ALL, "server", NULL, "audit-key", "{me}.audit"},
    {ALL, "server", NULL, "control", "{me}.sock"},
    {MEF, "mef", NULL, "fqdn", "mef.{sp}"},
    {MEF, "mef", NULL, "est", "on"},
    {MEF, "mef", NULL, "issuing-ca", "ca.crt"},
    {MEF, "mef", NULL, "issuing-ca-key", "ca.key"},
    {MAF, "maf", NULL, "fqdn", "maf.{sp}"},
    {CSE | MN, "cse", NULL, "sp", "{sp}"},
    {CSE, "cse", NULL, "csi", "/in"},
    {CSE, "cse", NULL, "name", "cse-in"},
    {MN, "cse", NULL, "csi", "/mn"},
    {MN, "cse", NULL, "name", "cse-mn"},
    {MN, "cse", NULL, "kind", "mn"},
    {MN, "cse", NULL, "registrar", "in.{sp}"},
    {GATE, "server", NULL, "points-of-access", "127.0.0.1:8080"},
    {GATE, "gate", NULL, "sp", "{sp}"},
    {GATE, "gate", NULL, "csi", "/in"},
    {GATE, "gate", NULL, "behind", "http://127.0.0.1:8080"},
    {BSF, "bsf", NULL, "fqdn", "bsf.{sp}"},
    {GATE, "listener", "inside", "address", "127.0.0.1:{plain}"},
    {GATE, "listener", "inside", "tls", "off"},
    {BSF, "listener", "ub", "address", "127.0.0.1:{plain}"},
    {BSF, "listener", "ub", "tls", "off"},
    {ALL, "listener", "coaps", "transport", "udp"},
    {ALL, "listener", NULL, "role", "{role}"},
    {ALL, "listener", NULL, "address", "127.0.0.1:{port}"},
    {ALL, "listener", NULL, "certificate", "{me}.crt"},
    {ALL, "listener", NULL, "key", "{me}.key"},
    {ALL, "listener", NULL, "trust", "ca.crt"},
    {ALL, "listener", NULL, "crl", "ca.crl"},
    {MEF | MAF, "listener", NULL, "aliases", "localhost"},
    {CSE | GATE, "listener", NULL, "aliases", "localhost, in.{sp}"},
    {MN, "listener", NULL, "aliases", "localhost, mn.{sp}"},
    {ALL, "peer", "mef.{sp}", "kind", "mef"},
    {ALL, "peer", "mef.{sp}", "address", "127.0.0.1:{mef}"},
    {ALL, "peer", "maf.{sp}", "kind", "maf"},
    {ALL, "peer", "maf.{sp}", "address", "127.0.0.1:{maf}"},
    {ALL, "peer", "bsf.{sp}", "kind", "bsf"},
    {ALL, "peer", "bsf.{sp}", "address", "127.0.0.1:{bsf}"},
    {ALL, "peer", "in.{sp}", "kind", "cse"},
    {ALL, "peer", "in.{sp}", "csi", "/in"},
    {ALL, "peer", "in.{sp}", "address", "127.0.0.1:{cse}"},
    {ALL, "peer", "in.{sp}", "psk-id", INIT_CONF_KEY_UP "@{sp}"},
    {ALL, "peer", "in.{sp}", "psk", INIT_CONF_KEY_UP ".key"},
    {ALL, "peer", "in.{sp}", "certificate", NULL},
    {ALL, "peer", "in.{sp}", "key", NULL},
    {ALL, "peer", "mn.{sp}", "kind", "cse"},
    {ALL, "peer", "mn.{sp}", "csi", "/mn"},
    {ALL, "peer", "mn.{sp}", "address", "127.0.0.1:{mn}"},
    {ALL, "peer", "mn.{sp}", "psk-id", INIT_CONF_KEY_DOWN "@{sp}"},
    {ALL, "peer", "mn.{sp}", "psk", INIT_CONF_KEY_DOWN ".key"},
    {ALL, "peer", "mn.{sp}", "certificate", NULL},
    {ALL, "peer", "mn.{sp}", "key", NULL},
    {ALL, "peer", NULL, "certificate", "{me}.crt"},
    {ALL, "peer", NULL, "key", "{me}.key"},
    {ALL, "peer", NULL, "trust", "ca.crt"},
    {ALL, "peer", NULL, "crl", "ca.crl"},
};

static const struct {
    const char *name;
    const char *label; /* first label of its FQDN; the CSE's public domain name is lower(csi).SP (CHOICE-03) */
    const char *role;
    const char *title;
} servers[] = {
    [INIT_CONF_MEF] = {"mef", "mef", "mef", "M2M Enrolment Function"},
    [INIT_CONF_MAF] = {"maf", "maf", "maf", "M2M Authentication Function"},
    [INIT_CONF_CSE] = {"cse", "in", "cse", "IN-CSE: the registrar"},
    [INIT_CONF_GATE] = {"gate", "in", "gate", "gate in front of the CSE"}, /* it answers in the name of the one behind */
    [INIT_CONF_BSF] = {"bsf", "bsf", "bsf", "Bootstrapping Server Function"},
    [INIT_CONF_MN] = {"mn", "mn", "cse", "MN-CSE that registers at the IN-CSE"},
};

struct page {
    const struct init_conf *in;
    enum init_conf_server server;
    struct writer *w;
};

const char *init_conf_name(enum init_conf_server s)
{
    return servers[s].name;
}

const char *init_conf_role(enum init_conf_server s)
{
    return servers[s].role;
}

bool init_conf_has_plain(enum init_conf_server s)
{
    return (BIT(s) & (GATE | BSF)) != 0;
}

void init_conf_fqdn(enum init_conf_server s, const char *sp, struct writer *w)
{
    writer_z(w, servers[s].label);
    writer_z(w, ".");
    writer_z(w, sp);
}

static void variable_write(const struct page *p, struct text name)
{
    if (text_eq_z(name, "sp")) {
        writer_z(p->w, p->in->sp);
    } else if (text_eq_z(name, "me")) {
        writer_z(p->w, servers[p->server].name);
    } else if (text_eq_z(name, "role")) {
        writer_z(p->w, servers[p->server].role);
    } else if (text_eq_z(name, "port")) {
        writer_decimal(p->w, p->in->port[p->server]);
    } else if (text_eq_z(name, "plain")) {
        writer_decimal(p->w, p->in->plain[p->server]);
    } else {
        for (int s = 0; s < INIT_CONF_N; s++) {
            if (text_eq_z(name, servers[s].name)) {
                writer_decimal(p->w, p->in->port[s]);
            }
        }
    }
}

static void expand(const struct page *p, const char *pattern)
{
    struct text rest = text_of(pattern);
    while (rest.n > 0) {
        size_t open = text_find(rest, '{');
        size_t close = text_find(rest, '}');
        writer_text(p->w, text_take(rest, open));
        if (open == rest.n) {
            return;
        }
        variable_write(p, text_span(rest.p + open + 1, close - open - 1));
        rest = text_skip(rest, close + 1);
    }
}

static bool same(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static const struct value *value_of(const struct page *p, const struct section *s, const char *key)
{
    for (size_t i = 0; i < ARRAY_LEN(values); i++) {
        const struct value *v = &values[i];
        if ((v->servers & BIT(p->server)) != 0 && same(v->section, s->name) &&
            (v->arg == NULL || same(v->arg, s->arg)) && same(v->key, key)) {
            return v;
        }
    }
    return NULL;
}

static void comment_write(const struct page *p, const char *doc)
{
    writer_z(p->w, "# ");
    writer_z(p->w, doc);
    writer_z(p->w, "\n");
}

/* What is set, with its meaning; what is not, as a comment with its default, ready to be uncommented. */
static void row_write(const struct page *p, const struct section *s, const struct conf_row *row)
{
    const struct value *v = value_of(p, s, row->key);
    v = v != NULL && v->value == NULL ? NULL : v;
    comment_write(p, row->doc);
    writer_z(p->w, v == NULL ? "#" : "");
    writer_z(p->w, row->key);
    writer_z(p->w, " =");
    if (v != NULL) {
        writer_z(p->w, " ");
        expand(p, v->value);
    } else if (row->fallback != NULL) {
        writer_z(p->w, " ");
        writer_z(p->w, row->fallback);
    }
    writer_z(p->w, "\n");
}

static void header_write(const struct page *p, const struct section *s)
{
    writer_z(p->w, "[");
    writer_z(p->w, s->name);
    if (s->arg != NULL) {
        writer_z(p->w, " ");
        expand(p, s->arg);
    }
    writer_z(p->w, "]\n");
}

static void section_write(const struct page *p, const struct section *s)
{
    const struct role *role = roles_find(text_of(s->name));
    struct conf_schema schema = conf_file_server_schema;
    if (role != NULL) {
        schema = (struct conf_schema){role->conf, role->conf_n};
    }
    writer_z(p->w, "\n");
    for (size_t i = 0; i < schema.n; i++) {
        if (same(schema.rows[i].section, s->name) && schema.rows[i].key[0] == '\0') {
            comment_write(p, schema.rows[i].doc);
        }
    }
    header_write(p, s);
    for (size_t i = 0; i < schema.n; i++) {
        if (same(schema.rows[i].section, s->name) && schema.rows[i].key[0] != '\0') {
            row_write(p, s, &schema.rows[i]);
        }
    }
}

void init_conf_write(const struct init_conf *in, enum init_conf_server server, struct writer *w)
{
    const struct page p = {in, server, w};
    writer_z(w, "# Keystead: ");
    writer_z(w, servers[server].title);
    writer_z(w, " of ");
    writer_z(w, in->sp);
    writer_z(w, ". Lines that start with # show what else can be set, with the default.\n");
    for (size_t i = 0; i < ARRAY_LEN(sections); i++) {
        bool there = (sections[i].with & in->made) == sections[i].with;
        if (there && (sections[i].servers & BIT(server)) != 0) {
            section_write(&p, &sections[i]);
        }
    }
}
