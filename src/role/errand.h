/*
 * A request that a role itself makes of a configured peer, what it led to, and what the shell remembers of the last one that
 * went well, while the process lives.
 */
#ifndef KEYSTEAD_ROLE_ERRAND_H
#define KEYSTEAD_ROLE_ERRAND_H

#include "wire/m2mid.h"
#include "wire/primitive.h"

#define ROLE_ERRAND_BODY 8192
#define ROLE_ERRAND_ABOUT 448
struct errand {
    enum op op; /* OP_NONE: nothing for now; with `about`, nothing to send, but something that the role changes when it `returned` */
    unsigned step; /* the role's */
    uint32_t ty;
    uint64_t mark;
    char about[ROLE_ERRAND_ABOUT]; /* the role's own: comes back with the answer */
    char peer[256];
    char path[512];
    char from[M2MID_MAX];
    char body[ROLE_ERRAND_BODY];
};
struct errand_answer {
    err_t err; /* ERR_OK: a response of oneM2M came; else why not */
    uint16_t rsc;
    struct bytes body;
};
struct errand_memory {
    size_t lane;
    usec_t checked; /* 0: none yet */
    uint64_t mark;
};

#endif
