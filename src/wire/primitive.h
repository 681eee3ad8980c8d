/*
 * The oneM2M request and response primitive, whatever binding it came by [TS-0004 8.2].
 * All text views point into the message it was parsed from; `pc` is owned by whoever parsed it.
 */
#ifndef KEYSTEAD_WIRE_PRIMITIVE_H
#define KEYSTEAD_WIRE_PRIMITIVE_H

#include "base/writer.h"
#include "wire/filter.h"
#include "wire/media.h"

#include <jansson.h>

enum op { OP_NONE = 0, OP_CREATE = 1, OP_RETRIEVE = 2, OP_UPDATE = 3, OP_DELETE = 4, OP_NOTIFY = 5 };

#define PRIMITIVE_LIST_MAX 4

struct primitive_list {
    struct text at[PRIMITIVE_LIST_MAX];
    size_t n;
};

struct cse_tokens; /* role/cse/cse_token.h */

struct primitive {
    enum op op;
    struct text to;   /* "-/name", "/cse/name" or "//sp/cse/name"; percent-decoded octets are refused but %40 */
    struct text path; /* the path as sent (but %40 decoded), for routes that are no resources (/fetchCredentials/...) */
    struct text query; /* as sent in a URL, without '?': for who sends the request on */
    bool has_from;    /* an empty From counts as absent [CHOICE-69] */
    struct text from;
    struct text rqi;
    struct text rvi;
    bool has_ty;
    uint32_t ty;
    bool has_rcn;
    uint32_t rcn;       /* result content */
    uint32_t fu;        /* filterUsage: 1 = discovery */
    struct filter filter;
    struct primitive_list rids; /* Role-IDs: the roles that the originator acts in */
    struct primitive_list tokens, tids, ltids; /* tokens it shows, as they are, by Token-ID, and by Local-Token-ID */
    bool tqi;           /* Token Request Indicator: if refused, it will fetch a token */
    usec_t expires;     /* Request Expiration Timestamp, USEC_NEVER if none */
    uint32_t expires_after_ms; /* the same counted from the arrival, 0 if none: the caller knows the time */
    bool unsupported;   /* carries a parameter that is not implemented: 5001 */
    char unsupported_name[32];
    struct text method, target; /* of HTTP, as sent */
    struct text agent;         /* User-Agent */
    struct text authorization; /* of HTTP, as sent: only a route with ROUTE_DIGEST takes one, or ROUTE_TOKENS if tokens are in it */
    const struct cse_tokens *given; /* never parsed: what these tokens are, once the CSE has looked at them */
    uint8_t verified;     /* never parsed: those whom it would make get messages and who want them, a bit for each: who was asked by the shell (outbox_verify.who) */
    enum media media;     /* of the content */
    enum media accept;    /* MEDIA_JSON or MEDIA_CBOR: the form that the answer should have */
    struct bytes content; /* as sent, empty if none */
    json_t *pc;           /* the content parsed (one object, no duplicates), or NULL; always NULL if it is neither JSON nor CBOR */
};

struct primitive_response {
    uint16_t rsc;
    struct text rqi;
    struct text rvi;
    struct text location; /* Content-Location, empty if none */
    struct bytes body;    /* empty if none */
    enum media media;
    uint64_t next;        /* 0: the body is the whole result; else it is a part, and the next begins at this offset (from 1) */
    struct text headers;  /* of HTTP, "Name: value" and a line feed each: the answer of another protocol than oneM2M; or empty */
    struct text auth_info; /* of HTTP: the value of Authentication-Info, or empty */
    struct text ati;      /* Assigned Token Identifiers, LOCAL:TOKEN with '+' between; or empty */
    bool token_request;   /* the body of a refusal is its Token Request Information */
};

/* Does the request have to do with tokens? */
bool primitive_has_tokens(const struct primitive *p);

/* Statuses of a response status code on the bindings (rsc_rows.h); 500 / 0xA0 for an unknown one. */
unsigned primitive_http_status(uint16_t rsc);
unsigned primitive_coap_code(uint16_t rsc); /* class << 5 | detail */
const char *primitive_rsc_name(uint16_t rsc);
const char *primitive_op_name(enum op op);

/* When the answer is of no use any more: Request Expiration Timestamp, absolute or counted from the arrival `now`, the earlier of the
 * two; USEC_NEVER: it does not say. */
usec_t primitive_end(const struct primitive *p, usec_t now);

#endif
