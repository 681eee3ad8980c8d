/* Requests that wait for something to come: what a handler says of that to the shell, and how the shell hears of it. */
#ifndef KEYSTEAD_ROLE_WAIT_H
#define KEYSTEAD_ROLE_WAIT_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

enum {
    ROLE_RSC_LATER = 1000, /* of a handler that writes: somebody else must answer; the shell serves the request again, read-only */
    ROLE_RSC_NOW = 1001    /* of one that was served again: it goes to the writer once more */
};

/* Of a handler that only reads and fails: what would change its answer. The request waits, if it may, and is served again when
 * something came for the topic (role.bell), when it is due, and when it may wait no longer (request.final). */
struct role_wait {
    bool set;
    uint64_t topic;
    usec_t due; /* USEC_NEVER: no time */
};

#define ROLE_BELL_MAX 128
struct role_bell {
    uint64_t last; /* number of the last topic that was heard of; the next look goes on behind it */
    bool all;      /* more came since then than is remembered */
    uint64_t topics[ROLE_BELL_MAX];
    size_t n;
};

#endif
