/*
 * What carries requests to one target: outbound.c keeps the books (who may be asked, how much is under way, who gets the
 * answer), an engine has the connections. Three: libcurl for peers, by TLS, plain HTTP over the loop, and CoAP with and without DTLS.
 */
#ifndef KEYSTEAD_SHELL_OUTBOUND_ENGINE_H
#define KEYSTEAD_SHELL_OUTBOUND_ENGINE_H

#include "shell/outbound_key.h"
#include "shell/outbound_reply.h"
#include "shell/outbound_target.h"

#define OUTBOUND_CONNECTIONS_MAX 32 /* of a site: what is asked at once is committed at once by who answers, so few cost him more */

struct outbound_engine;
struct outbound_site { /* one target, asked under one name: its own connections (design 8) */
    struct outbound_site *next;
    struct outbound *o;
    const struct outbound_engine *engine;
    void *state; /* of the engine */
    uv_loop_t *loop;
    const struct snapshot *snap;
    const struct snapshot_peer *peer; /* NULL: plain, to `host` */
    const struct snapshot_role *as;   /* NULL: with the credential that the peer's section gives */
    char host[OUTBOUND_TARGET_HOST];
    struct outbound_key key; /* of the peer */
    size_t under_way;
};

struct outbound_transfer {
    struct outbound_transfer *next, **at;
    struct outbound_site *site;
    void *state; /* of the engine */
    outbound_fn *fn;
    void *owner;
    struct outbound_reply reply;
};

struct outbound_order {
    const struct outbound_request *rq;
    const char *url; /* of CoAP the path alone */
    usec_t time; /* how long at most */
    uint64_t serial;
};

struct outbound_engine {
    MUST_USE err_t (*open)(struct outbound_site *s);
    /* ERR_OK: outbound_finished() follows, never from within this call. */
    MUST_USE err_t (*send)(struct outbound_transfer *t, const struct outbound_order *order);
    void (*forget)(struct outbound_transfer *t); /* over, refused by send, or dropped in the middle */
    void (*close)(struct outbound_site *s);      /* nothing is under way; outbound_site_gone() follows, from within or later */
};
extern const struct outbound_engine outbound_curl_engine, outbound_plain_engine, outbound_coap_engine;

void outbound_finished(struct outbound_transfer *t, err_t e); /* ERR_OK: the answer stands in t->reply */
void outbound_site_gone(struct outbound_site *s);

#endif
