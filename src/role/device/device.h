/*
 * The Enrolee's side as a sans-IO engine: a goal (enrol, associate, register, request) is a list of steps, each one
 * connection that the shell makes and reports back. No socket, no clock: the command line and the scenario tests run the same steps.
 *
 *     device_start(&d, &state, crypto, &task);
 *     while (device_next(&d, now, &exchange)) {
 *         ... connect with exchange.psk (or the certificate), export if a label is given, send the request if there is one ...
 *         TRY(device_accept(&d, now, &outcome));      changes the state; save it before the next step
 *     }
 */
#ifndef KEYSTEAD_ROLE_DEVICE_DEVICE_H
#define KEYSTEAD_ROLE_DEVICE_DEVICE_H

#include "role/device/device_state.h"
#include "role/fetched.h"

#define DEVICE_BODY_MAX 65536
#define DEVICE_PATH_MAX 512

enum device_goal {
    DEVICE_ENROL, DEVICE_ASSOCIATE, DEVICE_REGISTER, DEVICE_REQUEST,
    DEVICE_MAF_CONFIGURATION, DEVICE_MAF_UPDATE, DEVICE_MAF_DEREGISTER, DEVICE_KEY_UPDATE, DEVICE_KEY_DEREGISTER,
    DEVICE_MEF_REQUEST, DEVICE_MAF_REQUEST, DEVICE_FETCH, DEVICE_MAF_REGISTER, DEVICE_MAF_KEY
};

/* What the caller wants beyond what the state says. All borrowed for the life of the engine. */
struct device_task {
    enum device_goal goal;
    const char *admin_fqdn; /* ASSOCIATE: administrating stakeholder, the M2M-SP's FQDN */
    const char *self;       /* ASSOCIATE: absolute identity of the caller, which its key must fit; NULL: whatever it is */
    usec_t key_until;       /* ASSOCIATE: when a connection key shall end at the latest; 0: with its credential */
    bool renew;             /* ASSOCIATE: a new connection key, though the old one is good */
    const char *app_id;     /* REGISTER */
    const char *from;       /* REGISTER: "", "S", "C" or a stem. REQUEST: NULL for the registered stem */
    bool unreachable;       /* REGISTER: requestReachability false */
    bool exports;           /* MEF_REQUEST, MAF_REQUEST: the key of this session is wanted (device.exported) */
    enum op op;             /* REQUEST */
    const char *path;       /* REQUEST: as in HTTP, "/-/name" or "/name" */
    uint32_t ty;            /* REQUEST CREATE */
    const char *body;       /* REQUEST: JSON text or NULL */
    const char *token;      /* REQUEST: of a DAS, shown with it, or NULL; HTTP alone has room for one */
    usec_t until;           /* UPDATE: expirationTime, 0 to leave it */
    struct text ke_id;      /* FETCH: of the Enrolee whose key for this device is wanted */
    unsigned suid;          /* FETCH: what it is for, or 0 in the form of the seed */
    struct text labels;     /* UPDATE: labels with commas between, empty to leave them */
};

struct device_exchange {
    const char *name;   /* "MAF key registration" */
    const char *clause;
    const struct device_state_server *server;
    const struct keyid *psk_id; /* NULL: server->cert is shown, and the server's certificate verified against its anchors */
    const struct secret *psk;
    const struct device_state *gba; /* not NULL: the key is made in the handshake, device_gba_key() */
    const char *export_label; /* NULL: nothing to export */
    bool has_request;         /* false: the handshake is all */
    enum op op;
    uint32_t ty; /* 0: none */
    const char *from;
    char path[DEVICE_PATH_MAX];
    struct text body;
    const char *token; /* or NULL */
};

struct device_outcome {
    err_t err; /* ERR_OK: the handshake and, if there is one, the HTTP exchange went through */
    struct keys_export exported;
    bool by_digest; /* nothing is exported: the handshake authenticated no client */
    uint16_t tls_version, suite;
    uint16_t rsc; /* X-M2M-RSC of the response */
    struct bytes body;
};

struct device_made { /* the association that the last handshake with the CSE made (R004-19, R004-20, R004-22) */
    char id[2 * KEYS_RELATIVE_LEN + 1];
    struct key_association key;
    uint16_t tls_version, suite;
};

struct device {
    struct device_state *state;
    const struct crypto *crypto;
    const struct device_task *task;
    size_t step;
    bool waiting; /* device_accept() is due */
    struct device_made made; /* the caller's to wipe: device_wipe() */
    struct keys_export exported; /* what task->exports asked for; wiped by device_wipe() too */
    struct fetched fetched; /* FETCH: what the MEF gave; wiped by device_wipe() too */
    char body[1024];
    char detail[ROLE_DETAIL_MAX]; /* of a refusal: what the peer said, or what is missing */
};

void device_start(struct device *d, struct device_state *state, const struct crypto *c, const struct device_task *task);
void device_wipe(struct device *d);
/* ERR_NOT_FOUND: nothing left to do. ERR_STATE: something is missing, d->detail says what. */
MUST_USE err_t device_next(struct device *d, usec_t now, struct device_exchange *out);
/* ERR_OK: the step is done and *state changed; a refusal that says the AE is gone changes it too. A refusal by the peer is its reason code where one came, else ERR_PEER_REFUSED. */
MUST_USE err_t device_accept(struct device *d, usec_t now, const struct device_outcome *got);

/* The reason in the body of a refusal, ERR_PEER_REFUSED if none can be read; what the peer said goes to detail. */
MUST_USE err_t device_refusal(struct bytes answer, char detail[static ROLE_DETAIL_MAX]);

/* The key that this device shares with an Enrolment Target, from its Ke: as many targets as the MEF is instructed for. */
struct device_enrol_use {
    struct text target; /* FQDN of a MAF, absolute CSE-ID or AE-ID */
    unsigned suid;      /* r3 only */
};
MUST_USE err_t device_enrol_key(const struct device_state *s, const struct crypto *c, const struct device_enrol_use *use,
                                struct secret *out);

#endif
