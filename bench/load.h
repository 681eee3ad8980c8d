/*
 * The load generator's engine: one thread, a fixed number of operations in flight, bounded in count and in time. What an
 * operation is, load_http and load_tls say. Readiness is edge-triggered: ready() goes on until the socket says EAGAIN.
 */
#ifndef KEYSTEAD_BENCH_LOAD_H
#define KEYSTEAD_BENCH_LOAD_H

#include "base/text.h"
#include "hist.h"

#include <netinet/in.h>

#define LOAD_WHY_MAX 160

struct load;
struct load_slot { /* first member of a kind's own slot, zeroed at the start */
    int fd;
    uint64_t n; /* number of the operation under way */
    usec_t started;
    bool busy;
};

struct load_ops {
    size_t slot_size;
    void (*start)(struct load *l, struct load_slot *s); /* begins operation s->n; may end it at once */
    void (*ready)(struct load *l, struct load_slot *s);
    void (*stop)(struct load *l, struct load_slot *s); /* frees what the slot holds, its socket too */
};

struct load {
    const struct load_ops *ops;
    void *plan;
    struct sockaddr_in to;
    bool datagram; /* UDP; else TCP */
    size_t in_flight;
    uint64_t count; /* operations at most */
    usec_t time;    /* and no new one after so long */
    uint64_t first; /* number of the first operation */

    int epoll;
    uint64_t next, done, failed;
    size_t busy;
    usec_t begun, ended;
    bool closed; /* no new operations */
    struct hist hist;
    char why[LOAD_WHY_MAX]; /* of the first failure */
};

usec_t load_now(void); /* monotonic */
MUST_USE err_t load_run(struct load *l);

/* For the kinds. A socket connected, or connecting, to l->to, watched for s; -1. */
int load_connect(struct load *l, struct load_slot *s, bool wait);
void load_done(struct load *l, struct load_slot *s);
void load_fail(struct load *l, struct load_slot *s, const char *why);
void load_next(struct load *l, struct load_slot *s); /* the next operation on an idle slot, if there is to be one */

#endif
