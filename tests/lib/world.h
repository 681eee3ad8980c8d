/*
 * A small world for scenarios: several roles in one process, each with its own memory store, audit chain and root
 * secret, under one virtual clock. What the shell does with sockets is done here with calls, on the same dispatch functions: a
 * handshake asks role->psk, a question goes as a GET to the role it names, the answer back, what is staged is committed,
 * the two keys are compared and both sides get the same 48 random octets as their export.
 */
#ifndef KEYSTEAD_TESTS_WORLD_H
#define KEYSTEAD_TESTS_WORLD_H

#include "role/dispatch.h"
#include "shell/conf_file.h"

#define WORLD_NODES_MAX 4
#define WORLD_BODY_MAX 16384
#define WORLD_SUITE 0x00ae /* of handshakes with a key */

struct world_node {
    const struct role *role;
    void *ctx;
    struct store *store;
    struct sealer sealer;
    struct role_env env;
    struct audit_chain chain;
    char fqdn[KEYID_MAX];
    struct world_node *base; /* a further instance: whose store and chain it shares; NULL: its own */
    char section[64];
};

struct world {
    usec_t now;
    usec_t handshake_takes; /* of a handshake with a key: from the key being looked up to the end; 0 by default */
    struct world_node nodes[WORLD_NODES_MAX];
    size_t n;
    struct conf *confs[4 * WORLD_NODES_MAX];
    size_t confs_n;
    err_t away;                      /* if set, every question is answered with this error */
    const char *forged;              /* if set, every question is answered with this body and forged_status */
    unsigned forged_status;
    const struct keys_export *next_export; /* if set, the export of the next handshake */
    size_t asked;                    /* questions put so far */
    const char *callable;            /* URLs that roles may call, commas between; or NULL */
    const struct issuer *issuer;     /* of the roles added from now on, or NULL */
};

struct world_session {
    struct world *world;
    struct world_node *node;
    struct association assoc;
    struct keys_export exported; /* what both ends hold */
    bool spent;
};

struct world_reply {
    err_t err;
    uint16_t rsc;
    char body[WORLD_BODY_MAX];
    char location[M2MID_MAX * 2];
};

struct world_request {
    enum op op;
    uint32_t ty; /* 0: none */
    const char *path;
    const char *from; /* NULL: absent */
    const char *body; /* NULL: none */
    enum media media; /* of the body */
};

void world_init(struct world *w, usec_t now);
void world_free(struct world *w);

/* `conf` is the text of its configuration file, sections of the role and [peer ...] only. */
struct world_node *world_add(struct world *w, const struct role *role, const char *fqdn, const char *conf);
/* A further instance of the role, [ROLE NAME] in `conf`: over the store of `base`, in a partition of its own. */
struct world_node *world_add_instance(struct world *w, struct world_node *base, const char *name, const char *fqdn,
                                      const char *conf);
/* A new configuration over the same store. */
void world_reload(struct world *w, struct world_node *n, const char *conf);
/* What a start does: the role's records that must exist. */
void world_seed(struct world *w, struct world_node *n);

/* `args` is the text of a JSON object. The answer is in out. */
err_t world_ctl(struct world *w, struct world_node *n, const char *noun, const char *verb, const char *args,
                struct world_reply *out);

/* ERR_DENIED_PSK_WRONG if the keys differ. */
err_t world_connect(struct world *w, struct world_node *n, const char *identity, const struct secret *psk,
                    struct world_session *out);
err_t world_connect_cert(struct world *w, struct world_node *n, const char *dns, struct world_session *out);
/* A certificate as the shell hands it over when it has verified it: one name of one kind, good for a year. */
enum world_name { WORLD_DNS, WORLD_URI, WORLD_DEVICE, WORLD_RAW };
struct role_cert world_cert(const struct world *w, enum world_name kind, const char *name);
/* Whatever a verified certificate says. */
err_t world_connect_names(struct world *w, struct world_node *n, const struct role_cert *cert,
                          struct world_session *out);
err_t world_request(struct world_session *s, const struct world_request *rq, struct world_reply *out);

/* The node asks each of its authorities what they withdrew and takes it in, as the shell does; the first error. */
err_t world_hear(struct world *w, struct world_node *n);
/* The same with this answer to the question about the first authority. */
err_t world_hear_forged(struct world *w, struct world_node *n, const struct answer *a);
/* Where the request would go on to, if anywhere. */
err_t world_hop(struct world_session *s, const struct world_request *rq);
/* What the node wants to send, and what came of it, as the shell does. */
err_t world_errand(struct world *w, struct world_node *n, const struct errand_memory *m, struct errand *out);
err_t world_returned(struct world *w, struct world_node *n, const struct errand *q, const struct errand_answer *a, err_t *why);
/* What a worker finds when it looks at this association. */
err_t world_alive(struct world_session *s);

/* How many audit events of this kind the node has; the chain must verify. */
size_t world_audited(struct world_node *n, enum audit_kind kind);
/* How many records a table has. */
size_t world_count(struct world_node *n, enum store_table table);

void world_secret(const char *hex, struct secret *out);

#endif
