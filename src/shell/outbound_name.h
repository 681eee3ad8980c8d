/* HOST, HOST:PORT or [ADDRESS]:PORT as addresses to connect to: looked up off the loop, kept for a while, never without one once found. */
#ifndef KEYSTEAD_SHELL_OUTBOUND_NAME_H
#define KEYSTEAD_SHELL_OUTBOUND_NAME_H

#include "shell/outbound_target.h"

#define OUTBOUND_NAME_ADDRESSES 4

typedef void outbound_name_fn(void *owner, bool any); /* looked up: was anything found? */

struct outbound_name {
    uv_loop_t *loop;
    char host[OUTBOUND_TARGET_HOST];
    uint16_t port;
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } at[OUTBOUND_NAME_ADDRESSES];
    size_t n, good; /* good: the one that answered last */
    unsigned list;  /* how often they were replaced */
    bool literal;   /* no name: it stays so */
    uint64_t found; /* when */
    bool looking;   /* the loop has it: its memory stays until the callback */
    uv_getaddrinfo_t look;
    outbound_name_fn *fn;
    void *owner;
};

MUST_USE err_t outbound_name_init(struct outbound_name *n, uv_loop_t *loop, struct text host, outbound_name_fn *fn, void *owner);
bool outbound_name_is_known(const struct outbound_name *n); /* and not too long ago */
MUST_USE err_t outbound_name_look(struct outbound_name *n);  /* ERR_PEER_UNREACHABLE; else the callback follows, one for all looks under way */
void outbound_name_cancel(struct outbound_name *n);          /* the callback comes the earlier */

#endif
