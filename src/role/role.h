/*
 * A function of the standard (MEF, MAF, CSE ...) is a role: a configuration table, a route table,
 * a table of operator commands and pure functions (request, view of the store, now) -> (response,
 * staged changes). The shell runs them; a role never sees a socket, a clock or a driver.
 *
 * Handlers that change anything run in the writer process, the others in a worker on a read-only
 * view. The shell commits the staged changes and the audit events, then answers.
 */
#ifndef KEYSTEAD_ROLE_ROLE_H
#define KEYSTEAD_ROLE_ROLE_H

#include "crypto/issuer.h"
#include "crypto/object.h"
#include "keys/keys.h"
#include "proto/association.h"
#include "role/conf.h"
#include "role/errand.h"
#include "role/ctl.h"
#include "role/handshake.h"
#include "role/vector.h"
#include "role/wait.h"
#include "store/seal.h"
#include "store/txn.h"
#include "wire/ipaddr.h"
#include "wire/primitive.h"

struct role_env {
    const struct crypto *crypto;
    const struct object_provider *objects; /* for tokens */
    const struct sealer *sealer;
    const struct issuer *issuer; /* NULL: this role has no issuing CA */
    const char *name;            /* of its section [role NAME]; NULL: the default instance, [role] */
    bool (*may_call)(const void *who, const char *url); /* is it a target that the operator listed? NULL: nobody is */
    const void *may_call_who;
};

static inline bool role_may_call(const struct role_env *env, const char *url)
{
    return env->may_call != NULL && env->may_call(env->may_call_who, url);
}

struct withdraw_kind; /* role/withdraw.h */
struct role_ua;       /* role/hello.h */
struct hop;           /* role/hop.h */
struct outbox_item;   /* role/outbox.h */
struct outbox_done;
struct outbox_look;
struct outbox_verify;
struct naming; /* role/naming.h */

/* -- requests ------------------------------------------------------------------------------------ */
struct request {
    const struct primitive *prim;
    const struct association *assoc; /* never NULL; ASSOCIATION_NONE on a plain listener */
    const struct keys_export *exported; /* never NULL; .set only if the route has ROUTE_EXPORT and the session's one export was unused */
    struct ipaddr ip;
    usec_t now;
    const struct vector_answer *vector; /* NULL: none was asked for yet */
    bool final; /* it has waited and will wait no longer: what is there now is the answer */
};

struct response {
    uint16_t rsc;      /* chosen by a handler for success (2000, 2001 ...); on failure from the error table */
    struct writer body; /* memory of the shell */
    enum media media;   /* of the body; MEDIA_JSON unless a handler chooses another */
    char location[M2MID_MAX * 2]; /* Content-Location, or empty */
    char headers[ROLE_HEADERS_MAX]; /* of an answer that is none of oneM2M (primitive_response.headers), or empty */
    uint64_t next;     /* Content Offset of a result that was cut; 0: whole */
    char ati[ROLE_ATI_MAX]; /* Assigned Token Identifiers (primitive_response.ati), or empty */
    bool token_request; /* the refusal that a handler has written is Token Request Information */
    bool own_refusal; /* set by a handler that fails and has written the body of its refusal itself */
    char detail[ROLE_DETAIL_MAX]; /* which attribute, which identifier; goes to the peer and the log: never a secret */
    struct role_wait wait;
    struct vector_question vector; /* .asked: this is no answer yet, the handler needs one of these first (vector.h) */
};

typedef err_t role_handler(const void *ctx, const struct request *rq, struct txn *t, struct response *rs);

enum {
    ROUTE_WRITES = 1, /* runs in the writer; changes and audit are durable before the answer */
    ROUTE_EXPORT = 2, /* takes the one exported key of the session (CHOICE-10) */
    ROUTE_ASKS = 16,  /* may need a key that another authority has: role->need is asked before the handler */
    ROUTE_FILTER = 8, /* takes filter criteria; for the others they are not implemented */
    ROUTE_DIGEST = 32, /* takes an Authorization of HTTP; for the others it is not implemented */
    ROUTE_TOKENS = 64, /* takes tokens; for the others they are not implemented */
    ROUTE_RAW = 4     /* the handler itself judges the media type of the content; the others take JSON only */
};

struct route {
    enum op op;
    const char *path;  /* segments of primitive.path: literal, {any} one segment, ** the rest (also none) */
    uint32_t ty;       /* CREATE: resource type it is for; 0 any */
    unsigned peers;    /* PEER_* bits that may call; others: ERR_DENIED_NO_ASSOCIATION (plain) or ERR_DENIED_CLIENT */
    unsigned flags;
    role_handler *handler;
    const char *clause;
};

struct explain;

/* -- the role -------------------------------------------------------------------------------------- */
struct role {
    const char *name; /* "mef": also its configuration section */
    const char *doc;
    const struct conf_row *conf;
    size_t conf_n;
    const struct route *routes;
    size_t routes_n;
    const struct ctl_row *ctl;
    size_t ctl_n;

    /* RFC 5705 label of the session's one export, or NULL. A ROUTE_EXPORT request takes it, once. With export_on_handshake
     * `established` has been given it before, and the role sees to it that it serves one purpose only. */
    const char *export_label;
    bool export_on_handshake;

    size_t ctx_size; /* memory the shell gives to configure(), zeroed; read-only afterwards */
    err_t (*configure)(void *ctx, const struct conf *cf, const struct role_env *env, char detail[static ROLE_DETAIL_MAX]);

    /* Writer, at start, again and again until it stages nothing: records that must exist (CSEBase, an index). May be NULL. */
    err_t (*seed)(const void *ctx, struct txn *t, usec_t now);

    /* Worker, read-only: which key belongs to this psk_identity? Errors refuse the handshake with their alert. */
    err_t (*psk)(const void *ctx, struct txn *t, struct text identity, usec_t now, struct role_psk *out);

    /* The same for a B-TID: this role is a network application function of GBA. NULL: B-TIDs go to psk like other identities. */
    err_t (*ua)(const void *ctx, struct txn *t, const struct role_ua *ua, usec_t now, struct role_psk *out);

    /* Worker, read-only, before every request: to whom does it go on? ERR_NOT_FOUND: to nobody, it is answered here. May be NULL. */
    err_t (*hop)(const void *ctx, const struct request *rq, struct txn *t, struct hop *out);

    /* Worker, read-only, before a request whose route has ROUTE_ASKS, or when one that only reads lacks a privilege: what must be asked
     * first? ERR_NOT_FOUND: nothing. With its answer given to answer(), or without, the request goes on. May be NULL. */
    err_t (*need)(const void *ctx, const struct request *rq, struct txn *t, struct question *q);

    /* Of its NAF_Id: the name that a realm of Ua has to have. Goes with `ua`. */
    struct text (*ua_fqdn)(const void *ctx);

    /* Writer: the answer to a question of psk() or need(); stages what is to be kept, and resolves. May be NULL. */
    err_t (*answer)(const void *ctx, const struct question *q, const struct answer *a, struct txn *t, usec_t now,
                    struct role_psk *out);

    /* Worker, read-only: who is this certificate? NULL: certificates are not accepted. */
    err_t (*cert)(const void *ctx, struct txn *t, const struct role_cert *cert, usec_t now, struct association *out);

    /* Worker, read-only, when the handshake is complete and after each withdrawal: may the credential behind an association
     * still be used? NULL: nothing can be withdrawn. The log of withdrawals is that of `withdraw` (role/withdraw.h). */
    err_t (*alive)(const void *ctx, struct txn *t, const struct association *a);
    const struct withdraw_kind *withdraw;

    /* Writer, again and again: what to ask the i-th authority about what it withdrew; ERR_NOT_FOUND: there are no more; an
     * empty path: nothing for now. Then its answer; *more: once more with the same. Both may be NULL. */
    err_t (*watch)(const void *ctx, struct txn *t, size_t i, struct question *out);
    err_t (*heard)(const void *ctx, const struct question *q, const struct answer *a, struct txn *t, usec_t now, bool *more);

    /* Worker, read-only: who must be asked before this request is done? ERR_NOT_FOUND: nobody; another error refuses it. With
     * `t` NULL only whether there is anything to look at. When they agree, the request is done as primitive.verified. May be NULL. */
    err_t (*verify)(const void *ctx, const struct request *rq, struct txn *t, struct outbox_verify *out);

    /* Worker, read-only: for whom has something come since b->last? May be NULL: then whoever waits is served at each change. */
    err_t (*bell)(const void *ctx, struct txn *t, struct role_bell *b);

    /* Writer, again and again: the next queue of the outbox; ERR_NOT_FOUND: there are no more; another error with a queue: that one
     * cannot be read. Then what became of its event; ERR_NOT_FOUND: it is gone. Both may be NULL. */
    err_t (*outbox)(const void *ctx, struct txn *t, const struct outbox_look *look, struct outbox_item *out);
    err_t (*told)(const void *ctx, struct txn *t, const struct outbox_done *d, usec_t now);
    /* Writer, read-only, again and again: what to send now on one of its lanes, each of which has at most one errand under way
     * and waits for nobody but its peer; ERR_NOT_FOUND: nothing, ever. Then, to be staged, what came of it;
     * *why: the reason for which it was in vain, and is tried again later. Both may be NULL. */
    size_t lanes;
    err_t (*errand)(const void *ctx, struct txn *t, const struct errand_memory *m, usec_t now, struct errand *out);
    err_t (*returned)(const void *ctx, const struct errand *q, const struct errand_answer *a, struct txn *t, usec_t now,
                      err_t *why);

    /* Writer, read-only, again and again: the first name after `after` whose address record is not as it should be, or, with
     * NAMING_NOTHING, how far it looked; ERR_NOT_FOUND: there are no more (and with no zone, never will be). Then what the name
     * server said. Both may be NULL. */
    err_t (*naming)(const void *ctx, struct txn *t, struct text after, usec_t now, struct naming *out);
    err_t (*named)(const void *ctx, const struct naming *n, err_t what, struct txn *t, usec_t now);

    /* Writer, when the handshake is complete and before its last flight leaves; a failure ends the handshake.
     * May change *a (not_after). NULL: nothing to store. */
    err_t (*established)(const void *ctx, struct association *a, const struct keys_export *x, struct txn *t, usec_t now);

    /* Read-only: what it keeps under the identifier of *x (explain.h). May be NULL. */
    err_t (*explain)(const void *ctx, struct txn *t, struct explain *x);
};

#endif
