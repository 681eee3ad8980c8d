#include "shell/conf_fault.h"

#include <string.h>

#define SECONDS(n) ((n) * USEC_PER_SEC)
#define SOCKET_PATH_MAX 107 /* octets of sun_path without its NUL */

/* clang-format off */
static const struct conf_row rows[] = {
    {"server", "", CONF_TEXT, 0, NULL, 0, 0, NULL, "What this process tree is: its roles, its store and its secrets."},
    {"server", "roles", CONF_TEXT, CONF_REQUIRED | CONF_MANY, NULL, 0, 0, NULL,
     "The functions it serves, by name; each has a section of that name."},
    {"server", "store", CONF_PATH, CONF_REQUIRED, NULL, 0, 0, NULL, "The SQLite file that holds all state; made when absent."},
    {"server", "root-secret", CONF_SECRET_FILE, CONF_REQUIRED, NULL, 0, 0, NULL,
     "Hex of 32 octets that seal every secret in the store. Lose it and the store is lost; keep a copy apart."},
    {"server", "audit-key", CONF_SECRET_FILE, CONF_REQUIRED, NULL, 0, 0, NULL,
     "Hex of the 32-octet Ed25519 seed that signs checkpoints of the audit chain."},
    {"server", "control", CONF_PATH, CONF_REQUIRED, NULL, 0, SOCKET_PATH_MAX, NULL, "The unix socket of keystead ctl, mode 0600."},
    {"server", "points-of-access", CONF_ADDRESS, CONF_MANY, NULL, 0, 0, NULL,
     "HOST:PORT of points of access that are called over plain HTTP or CoAP, for notifications and the like; without, none is. Over https and coaps only configured peers are."},
    {"server", "workers", CONF_NUMBER, 0, "0", 0, 256, NULL, "Worker processes; 0 is one for each core, 1 joins worker and writer."},
    {"server", "log-level", CONF_CHOICE, 0, "info", 0, 0, "debug|info|notice|warn|error", "The least level that is logged."},

    {"limits", "", CONF_TEXT, 0, NULL, 0, 0, NULL, "What one server bears; every value has a default."},
    {"limits", "connections", CONF_NUMBER, 0, "4096", 1, 1000000, NULL, "Open connections of one worker."},
    {"limits", "connections-per-peer", CONF_NUMBER, 0, "0", 0, 1000000, NULL, "Open connections from one address to one worker; 0 is no limit."},
    {"limits", "connections-rate-per-peer", CONF_NUMBER, 0, "0", 0, 1000000, NULL, "New connections a second from one address to one worker; the rest are closed at once (busy). 0 is no limit."},
    {"limits", "handshake-time", CONF_DURATION, 0, "10s", 10000, SECONDS(300), NULL, "A TLS handshake that takes longer is ended."},
    {"limits", "idle-time", CONF_DURATION, 0, "60s", 10000, SECONDS(86400), NULL, "A connection without a request this long is closed."},
    {"limits", "message", CONF_NUMBER, 0, "65536", 1024, 16777216, NULL, "Octets of one request with its content."},
    {"limits", "waiting-handshakes", CONF_NUMBER, 0, "1024", 1, 100000, NULL, "Handshakes of one worker that wait for a key."},
    {"limits", "waiting-per-peer", CONF_NUMBER, 0, "256", 1, 100000, NULL, "Of these, how many may wait for one MEF or MAF."},
    {"limits", "fetch-time", CONF_DURATION, 0, "5s", 10000, SECONDS(5), NULL,
     "How long a MEF or MAF may take to answer before the waiting handshake is refused (CHOICE-35)."},
    {"limits", "outbound", CONF_NUMBER, 0, "1024", 1, 100000, NULL, "Requests of one process to other entities that are under way."},
    {"limits", "outbound-per-target", CONF_NUMBER, 0, "128", 1, 100000, NULL, "Of these, how many may wait for one target."},
    {"limits", "records-in-memory", CONF_NUMBER, 0, "131072", 8, 4194304, NULL,
     "Records that the writer keeps in memory alone: challenges of Ub that wait, TMPIs, counts of events; up to the next power of two. The oldest make room."},
    {"limits", "refusal-log-rate", CONF_NUMBER, 0, "10", 1, 100000, NULL, "Log lines a second for one reason of refusing strangers; the rest are counted."},

    {"listener", "", CONF_TEXT, CONF_REPEATS, NULL, 0, 32, NULL, "An address to serve on, under a name of your choice: [listener main]."},
    {"listener", "role", CONF_TEXT, CONF_REPEATS | CONF_REQUIRED, NULL, 0, 0, NULL, "Which of the roles answers here."},
    {"listener", "instances", CONF_FQDN, CONF_REPEATS | CONF_MANY, NULL, 0, 0, NULL,
     "FQDNs of the instances of the role that answer here, told apart by server name (SNI); the first also answers a client that names none. Without: all, [role] first."},
    {"listener", "address", CONF_ADDRESS, CONF_REPEATS | CONF_REQUIRED, NULL, 0, 0, NULL, "Where it listens; port 0 is any free port (see keystead ctl status)."},
    {"listener", "transport", CONF_CHOICE, CONF_REPEATS, "tcp", 0, 0, "tcp|udp", "tcp: HTTP in TLS. udp: CoAP in DTLS."},
    {"listener", "tls", CONF_BOOL, CONF_REPEATS, "on", 0, 0, NULL, "off: plain HTTP; nobody is authenticated there."},
    {"listener", "clients", CONF_CHOICE, CONF_REPEATS, "authenticated", 0, 0, "authenticated|digest|anonymous",
     "How clients prove themselves over TLS. authenticated: in the handshake, by key or certificate. digest: in each request, by HTTP Digest with the key of a "
     "SIM (Ua of GBA; for a MAF or CSE that knows a BSF). anonymous: not at all, only the server does, for devices that have no credential of TLS (Ub of GBA)."},
    {"listener", "certificate", CONF_FILE, CONF_REPEATS, NULL, 0, 0, NULL, "PEM certificate with its chain; without one only pre-shared keys are possible."},
    {"listener", "key", CONF_KEY, CONF_REPEATS, NULL, 0, 0, NULL, "PEM private key of the certificate, or a key in a token or TPM."},
    {"listener", "trust", CONF_FILE, CONF_REPEATS, NULL, 0, 0, NULL, "PEM anchors that client certificates must lead to; without them none are accepted."},
    {"listener", "crl", CONF_FILE, CONF_REPEATS | CONF_MANY, NULL, 0, 0, NULL,
     "PEM revocation lists. With any, every client certificate and CA below an anchor must be covered by one in force; without, revocation is not checked."},
    {"listener", "crl-expired", CONF_CHOICE, CONF_REPEATS, "refuse", 0, 0, "refuse|accept", "What a list past its nextUpdate means."},
    {"listener", "ocsp-response", CONF_FILE, CONF_REPEATS, NULL, 0, 0, NULL,
     "DER OCSP response for `certificate`, by its issuer: proved when it is read, stapled to clients that ask while it is in force. Read again at a reload."},
    {"listener", "name-constraints", CONF_CHOICE, CONF_REPEATS, "required", 0, 0, "required|allowed",
     "Must a CA above a CSE-ID, Node-ID or FQDN certificate be limited to names of that kind? (AE-ID: always. Device: never.)"},
    {"listener", "pinned", CONF_BOOL, CONF_REPEATS, "off", 0, 0, NULL,
     "Take self-signed client certificates as raw public keys: the role must know the key identifier; nothing else in them counts."},
    {"listener", "aliases", CONF_FQDN, CONF_REPEATS | CONF_MANY, NULL, 0, 0, NULL, "Server names (SNI) accepted besides the role's own (its first instance's here); localhost for a lab."},
    {"listener", "psk", CONF_BOOL, CONF_REPEATS, "on", 0, 0, NULL, "Accept TLS-PSK suites."},

    {"peer", "", CONF_FQDN, CONF_REPEATS, NULL, 0, 0, NULL, "Another authority that this server may ask: [peer mef.example.com]. No other host is ever called."},
    {"peer", "kind", CONF_CHOICE, CONF_REPEATS | CONF_REQUIRED, NULL, 0, 0, "mef|maf|cse|bsf",
     "What it is; cse without csi for an application that is notified over TLS or DTLS. No URL that a client gives leads elsewhere."},
    {"peer", "csi", CONF_TEXT, CONF_REPEATS, NULL, 0, 190, NULL, "CSE-ID of a CSE (kind cse), /in or //example.com/in: it is registered at, and requests for it go there."},
    {"peer", "address", CONF_ADDRESS, CONF_REPEATS | CONF_REQUIRED, NULL, 0, 0, NULL, "Where it listens."},
    {"peer", "certificate", CONF_FILE, CONF_REPEATS, NULL, 0, 0, NULL, "PEM certificate shown to it."},
    {"peer", "key", CONF_KEY, CONF_REPEATS, NULL, 0, 0, NULL, "PEM private key of that certificate, or a key in a token or TPM."},
    {"peer", "trust", CONF_FILE, CONF_REPEATS, NULL, 0, 0, NULL, "PEM anchors its certificate must lead to; the name must be exact. Required unless psk-id or state is given."},
    {"peer", "psk-id", CONF_TEXT, CONF_REPEATS, NULL, 0, 255, NULL,
     "psk_identity under which a CSE is asked with a pre-shared key (KpsaId, NAME@FQDN) in place of certificates."},
    {"peer", "psk", CONF_SECRET_FILE, CONF_REPEATS, NULL, 0, 0, NULL, "Hex of that key (Kpsa), 16 to 64 octets."},
    {"peer", "state", CONF_PATH, CONF_REPEATS, NULL, 0, 0, NULL,
     "In place of psk-id: the directory of a `keystead device` state with one registrar, whose Kpsa or Kc (MAF) a CSE is asked with; `keystead device keep` renews it."},
    {"peer", "crl", CONF_FILE, CONF_REPEATS | CONF_MANY, NULL, 0, 0, NULL,
     "PEM revocation lists that must cover its certificate on every new connection; demanded of a MAF or CSE for a MEF."},
    {"peer", "crl-expired", CONF_CHOICE, CONF_REPEATS, "refuse", 0, 0, "refuse|accept", "What a list past its nextUpdate means."},
    {"peer", "ocsp", CONF_CHOICE, CONF_REPEATS, "off", 0, 0, "off|if-given|required",
     "Ask it to staple an OCSP response to its certificate on every new connection: one that is given must be good; with required, one must be given."},
    {"peer", "name-constraints", CONF_CHOICE, CONF_REPEATS, "required", 0, 0, "required|allowed",
     "Must a CA above its certificate be limited to host names?"},
    {"peer", "withdrawn-poll", CONF_DURATION, CONF_REPEATS, "150ms", 0, SECONDS(3600), NULL,
     "How often a MEF or MAF is asked which of the keys that came from it it has revoked or suspended; 0s is never."},
    {"peer", "zn-form", CONF_CHOICE, CONF_REPEATS, "json", 0, 0, "json|soap|soap-urn",
     "How a BSF (kind bsf) is asked for the keys of a device with a SIM: JSON, or SOAP in the namespace www.3gpp.org/GBAService or urn:3gpp:gba:GBAService."},
    {"peer", "zn-path", CONF_TEXT, CONF_REPEATS, NULL, 0, 200, NULL, "Path at a BSF, where it is not the one that goes with zn-form."},
    {"peer", "gsid", CONF_NUMBER, CONF_REPEATS, "0", 0, UINT32_MAX, NULL,
     "Service (GSID) whose user security settings a BSF is asked for; a uid in them that is an AE-ID or CSE-ID names the device, if the BSF does not."},
    {"peer", "uss", CONF_CHOICE, CONF_REPEATS, "optional", 0, 0, "optional|required", "Refuse a device whose BSF has no security settings for that service."},
    {"peer", "profile", CONF_CHOICE, CONF_REPEATS, "r3", 0, 0, "r3|seed", "Which form of fetching keys it speaks: the published one or that of the drafts."},
};
/* clang-format on */

const struct conf_schema conf_file_server_schema = {rows, ARRAY_LEN(rows)};

static bool list_has(struct text list, struct text word)
{
    struct text part;
    while (text_next(&list, ',', &part)) {
        if (text_eq(part, word)) {
            return true;
        }
    }
    return false;
}

static int line_of(const struct conf *c, const char *section, const char *arg, const char *key)
{
    const struct conf_value *v = conf_value_of(c, section, arg, key);
    return v == NULL ? 0 : v->line;
}

/* certificate and key go together; returns whether both are there. */
static bool pair_check(const struct conf *c, const char *section, const char *arg, struct conf_faults *f)
{
    bool cert = conf_value_of(c, section, arg, "certificate") != NULL; /* also if it is at fault, which was said */
    bool key = conf_value_of(c, section, arg, "key") != NULL;
    if (cert != key) {
        conf_fault_add(f, line_of(c, section, arg, cert ? "certificate" : "key"), "[%s %s]: %s without %s", section,
                       arg, cert ? "certificate" : "key", cert ? "key" : "certificate");
    }
    return cert && key;
}

static void listener_check(const struct conf *c, const struct conf_section *s, struct conf_faults *f)
{
    struct text role = conf_text(c, "listener", s->arg, "role");
    if (role.n > 0 && !list_has(conf_text(c, "server", NULL, "roles"), role)) {
        conf_fault_add(f, line_of(c, "listener", s->arg, "role"), "[listener %s]: role %s is not in [server] roles",
                       s->arg, role.p);
    }
    bool cert = pair_check(c, "listener", s->arg, f);
    bool tls = conf_bool(c, "listener", s->arg, "tls");
    if (!tls && text_eq_z(conf_text(c, "listener", s->arg, "transport"), "udp")) {
        conf_fault_add(f, line_of(c, "listener", s->arg, "tls"), "[listener %s]: over udp there is only DTLS; tls = off has no meaning",
                       s->arg);
    }
    if (!cert && conf_value_of(c, "listener", s->arg, "ocsp-response") != NULL) {
        conf_fault_add(f, line_of(c, "listener", s->arg, "ocsp-response"), "[listener %s]: ocsp-response without certificate and key",
                       s->arg);
    }
    bool shown = text_eq_z(conf_text(c, "listener", s->arg, "clients"), "authenticated");
    if (!shown && (!tls || !cert || text_eq_z(conf_text(c, "listener", s->arg, "transport"), "udp"))) {
        conf_fault_add(f, line_of(c, "listener", s->arg, "clients"), "[listener %s]: clients = %s needs tls over tcp, and a certificate with its key",
                       s->arg, conf_text(c, "listener", s->arg, "clients").p);
    }
    if (tls && !cert && !conf_bool(c, "listener", s->arg, "psk")) {
        conf_fault_add(f, s->line, "[listener %s]: tls needs a certificate and key, or psk = on", s->arg);
    }
}

/* Who it is has to be proved: by a certificate, or by a key that both have. */
static void peer_check(const struct conf *c, const struct conf_section *s, struct conf_faults *f)
{
    bool cert = pair_check(c, "peer", s->arg, f);
    bool id = conf_value_of(c, "peer", s->arg, "psk-id") != NULL;
    bool psk = conf_value_of(c, "peer", s->arg, "psk") != NULL;
    if (id != psk) {
        conf_fault_add(f, line_of(c, "peer", s->arg, id ? "psk-id" : "psk"), "[peer %s]: %s without %s", s->arg,
                       id ? "psk-id" : "psk", id ? "psk" : "psk-id");
    }
    bool state = conf_value_of(c, "peer", s->arg, "state") != NULL;
    if (id + cert + state > 1) {
        conf_fault_add(f, s->line, "[peer %s]: one of psk-id, state and certificate", s->arg);
    }
    if (!id && !state && conf_value_of(c, "peer", s->arg, "trust") == NULL) {
        conf_fault_add(f, s->line, "[peer %s]: key \"trust\" is missing", s->arg);
    }
}

static void address_check(const struct conf *c, const struct conf_section *s, struct conf_faults *f)
{
    struct text mine = conf_text(c, "listener", s->arg, "address");
    for (const struct conf_section *o = c->sections; o < s; o++) {
        if (strcmp(o->name, "listener") == 0 && o->arg != NULL && !text_eq_z(text_skip(mine, text_find_last(mine, ':')), ":0") &&
            mine.n > 0 &&
            text_eq(conf_text(c, "listener", s->arg, "transport"), conf_text(c, "listener", o->arg, "transport")) && text_eq(conf_text(c, "listener", o->arg, "address"), mine)) {
            conf_fault_add(f, line_of(c, "listener", s->arg, "address"), "[listener %s]: [listener %s] has this address",
                           s->arg, o->arg);
        }
    }
}

void conf_file_server_check(const struct conf *c, struct conf_faults *f)
{
    for (size_t i = 0; i < c->sections_n; i++) {
        const struct conf_section *s = &c->sections[i];
        if (s->arg != NULL && strcmp(s->name, "listener") == 0) {
            listener_check(c, s, f);
            address_check(c, s, f);
        } else if (s->arg != NULL && strcmp(s->name, "peer") == 0) {
            peer_check(c, s, f);
        }
    }
    if (conf_section_arg(c, "listener", 0) == NULL) {
        conf_fault_add(f, 0, "there is no [listener NAME] section: nothing would be served");
    }
}
