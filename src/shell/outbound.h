/*
 * The one way out: requests of oneM2M over HTTP on the loop, answered later, to configured peers and to points of access
 * that the operator listed. A target that hangs holds up nobody but those who ask it: each peer has
 * connections of its own (no request ever runs on a session of another credential), each request a deadline, and what is
 * under way is bounded, in all and per target.
 */
#ifndef KEYSTEAD_SHELL_OUTBOUND_H
#define KEYSTEAD_SHELL_OUTBOUND_H

#include "role/hop.h"
#include "shell/snapshot.h"
#include "wire/primitive.h"

#include <uv.h>

#define OUTBOUND_HEAD_MAX 16384
#define OUTBOUND_PATH_MAX 2000 /* with its query */
#define OUTBOUND_BODY_MAX 65536 /* octets of an answer, unless a request allows more */

/*
 * Where to: `peer`, the FQDN of a [peer] section, by TLS 1.2 with the credential, anchors and address of that section; or else
 * `url`, a point of access as an entity registered it: "https://FQDN[:any port]" is the [peer] of that name, of kind cse and
 * without a csi, at the address configured for it (never a MEF, MAF or BSF, which know us as somebody who may ask for keys, nor a CSE, which takes
 * us for this CSE), and "http://HOST:PORT" must stand in [server] points-of-access. Nothing else is ever called: no request
 * leads the server to a host of the requester's choice.
 */
struct outbound_request {
    const struct snapshot_role *as; /* the instance that asks: with its own certificate, if it has one; or NULL */
    const char *peer;
    const char *url;   /* a path in it comes before `path` */
    const char *path;  /* with its query, if any: "/~/mn/cse-mn?rcn=1"; NULL: that of the URL alone */
    enum op op;
    bool repeatable;   /* NOTIFY: to do it twice is the same as once. CREATE never is, the others always */
    uint32_t ty;       /* CREATE */
    bool has_from;
    struct text from;
    struct text rqi;   /* empty: a new one */
    struct text rvi;   /* empty: 3 */
    struct text authorization; /* tokens that go on with it; empty: none */
    usec_t expires;    /* Request Expiration Timestamp that is passed on; 0 or USEC_NEVER: none */
    enum media accept; /* MEDIA_JSON or MEDIA_CBOR */
    enum media media;  /* of the body */
    struct bytes body; /* copied; empty: none */
    usec_t time;       /* how long to wait at most; 0: limits.fetch_time */
    size_t answer_max; /* octets of the answer's body; 0: OUTBOUND_BODY_MAX */
};

/* What it borrows lives during the call. */
struct outbound_answer {
    err_t err;       /* ERR_OK: an HTTP response came; else why not */
    unsigned status; /* HTTP */
    uint16_t rsc;    /* X-M2M-RSC, or 0 */
    struct text rqi, location;
    uint64_t next;    /* Content Offset of a partial result, or 0 */
    enum media media; /* of the body; MEDIA_N: none, or one that is not known here */
    struct bytes body;
};
typedef void outbound_fn(void *owner, const struct outbound_answer *a);

struct outbound_limits {
    size_t all, per_target; /* requests under way; 0: no limit */
};

/* What a role wants sent to `to`: who, where and From of it; the caller fills in the rest. `path` is of the request, unless the URL
 * is all. Views into *to. */
struct outbound_request outbound_request_to(const struct snapshot_role *as, const struct hop *to, const char *path);

struct outbound;
MUST_USE err_t outbound_new(uv_loop_t *loop, const struct snapshot *snap, const struct outbound_limits *limits,
                            struct outbound **out);
/* Ends what is under way without callbacks; the memory goes in the loop's next turn, when its handles are closed. */
void outbound_free(struct outbound *o);

/* ERR_OK: `fn` is called exactly once, never from within this call. ERR_DENIED_OUTBOUND, ERR_DENIED_PEER: nobody may be called there.
 * ERR_LIMIT_BUSY: too much is under way. ERR_MALFORMED: it cannot be said in HTTP. For the rule about targets
 * alone, before there is something to say: outbound_target_check (outbound_target.h). */
MUST_USE err_t outbound_send(struct outbound *o, const struct outbound_request *rq, outbound_fn *fn, void *owner);

#endif
