/*
 * One configuration, read and proved: values, contexts of the roles, TLS contexts, secrets. Immutable once loaded; the
 * processes of a generation share it by fork. A reload loads another one, and a bad file yields none.
 */
#ifndef KEYSTEAD_SHELL_SNAPSHOT_H
#define KEYSTEAD_SHELL_SNAPSHOT_H

#include "shell/conf_file.h"
#include "shell/tls.h"
#include "shell/x509_ocsp.h"

#include <netinet/in.h>

#define SNAPSHOT_ROLES_MAX 32 /* instances of roles; of one role the default one comes first */
#define SNAPSHOT_LISTENERS_MAX 32
#define SNAPSHOT_PEERS_MAX 64
#define SNAPSHOT_NAMES_MAX 16
#define SNAPSHOT_ADDRESS_MAX 64

struct snapshot_limits {
    size_t connections;
    size_t connections_per_peer, rate_per_peer; /* open at a time, new in a second; 0: no limit */
    size_t message;
    size_t waiting, waiting_per_peer; /* handshakes that wait for a key; per MEF or MAF */
    usec_t handshake_time, idle_time, fetch_time;
    size_t outbound, outbound_per_target; /* requests of one process to others */
    size_t records_in_memory; /* of the writer alone: store/store_volatile.h */
};

struct snapshot_role {
    const struct role *role;
    const char *name; /* of its section [role NAME]; NULL: the default instance */
    char fqdn[KEYID_MAX];  /* lower case; empty: a role without one */
    char admin[KEYID_MAX]; /* lower case: the administrating stakeholder it serves alone; empty: any */
    struct text partition; /* of the store: "" for the default instance, for a named one its fqdn */
    struct sealer sealer;  /* for records of this partition alone */
    void *ctx;
    struct issuer *issuer; /* or NULL */
    const char *certificate, *key; /* shown to peers in place of the peer's; NULL: none */
};

struct snapshot_listener {
    const char *name;
    size_t role; /* index: who answers a client that names no server; others may be joined in tls_ctx, by their index */
    bool tls;
    bool datagram;           /* DTLS and CoAP over UDP */
    bool digest;             /* clients prove themselves in each request (ua_gate.h) */
    struct tls_ctx *tls_ctx; /* NULL if plain */
    const char *address;     /* as configured */
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } addr;
    char actual[SNAPSHOT_ADDRESS_MAX]; /* where it listens; the supervisor fills it in */
};

struct snapshot_peer {
    const char *fqdn;
    const char *kind; /* mef, maf, cse, bsf */
    const char *csi;  /* of a CSE; NULL: none, with kind cse an application */
    const char *address;
    const char *certificate, *key; /* NULL if none is shown */
    const char *psk_id; /* NULL: certificates; else the identity of ... */
    struct secret psk;  /* ... the key that it is asked with */
    const char *state;  /* NULL: none; else the directory of a device state that has such a key */
    const char *trust;  /* NULL with a key */
    enum x509_ocsp ocsp;
    usec_t poll; /* how often it is asked what it withdrew; 0: never */
    void *trust_store; /* X509_STORE: anchors, revocation lists and rules, proved once */
};

struct snapshot {
    struct conf *conf;
    struct snapshot_limits limits;
    struct snapshot_role roles[SNAPSHOT_ROLES_MAX];
    size_t roles_n;
    struct snapshot_listener listeners[SNAPSHOT_LISTENERS_MAX];
    size_t listeners_n;
    struct snapshot_peer peers[SNAPSHOT_PEERS_MAX];
    size_t peers_n;
    const char *store;
    const char *control;
    struct text points; /* HOST:PORT with commas between: who is called over plain HTTP */
    size_t workers; /* at least 1 */
    enum err_level log_level;
    unsigned log_limit;
    struct role_env env;
    struct sealer sealer;
    struct secret audit_key; /* Ed25519 seed */
};

struct snapshot_source {
    const char *file;
    const struct role *const *roles; /* every role the program has */
    size_t roles_n;
    const char *const *only; /* names of `--role`; empty: all that the file names */
    size_t only_n;
    size_t workers; /* of the command line; 0: the file's */
    const struct crypto *crypto;
};

/* *faults says what is wrong; nothing is left behind on failure. */
MUST_USE err_t snapshot_load(const struct snapshot_source *src, struct snapshot **out, struct conf_faults *faults);
void snapshot_free(struct snapshot *s); /* NULL is allowed */

/* What may be meant but is worth a word: a peer without the revocation lists that the standard asks for, lists that end. */
void snapshot_warnings(const struct snapshot *s, usec_t now, struct conf_faults *out);

/* The instance of this role that serves the administrating stakeholder `admin`; empty: by `name`. */
const struct snapshot_role *snapshot_instance_for(const struct snapshot *s, const struct role *role, struct text name,
                                                  struct text admin);
/* The instance of this role with this section name or FQDN; "" is the default one. NULL: there is none. */
const struct snapshot_role *snapshot_instance(const struct snapshot *s, const struct role *role, struct text name);
/* How metrics, the log and the control interface name it: "mef", or "mef NAME". */
#define SNAPSHOT_LABEL_MAX 48
void snapshot_label(const struct snapshot_role *r, char out[static SNAPSHOT_LABEL_MAX]);

/* The [peer] of this FQDN, or NULL: nobody else is ever asked. */
const struct snapshot_peer *snapshot_peer_of(const struct snapshot *s, const char *fqdn);

#endif
