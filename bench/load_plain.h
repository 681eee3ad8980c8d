/* What the kinds of load that speak HTTP without TLS share: a connection that is kept, what goes out on it, and whole answers. */
#ifndef KEYSTEAD_BENCH_LOAD_PLAIN_H
#define KEYSTEAD_BENCH_LOAD_PLAIN_H

#include "load.h"
#include "request.h"

#define LOAD_PLAIN_IN_MAX 65536

struct load_plain { /* first member of a kind's slot */
    struct load_slot base;
    char out[REQUEST_MAX];
    size_t out_n, out_at;
    char in[LOAD_PLAIN_IN_MAX];
    size_t in_n;
};

/* Connected, or connecting; false: the operation has failed. */
bool load_plain_open(struct load *l, struct load_plain *s);
void load_plain_fail(struct load *l, struct load_plain *s, const char *why);
/* Sends s->out from its start; n 0: it was too long, and the operation has failed. */
void load_plain_send(struct load *l, struct load_plain *s, size_t n);

/* The length of a whole answer at the front of s->in; 0: none yet, or its status is another and the operation has failed. */
size_t load_plain_answer(struct load *l, struct load_plain *s, unsigned status, struct text *location);
void load_plain_taken(struct load_plain *s, size_t n);

/* For load_ops; `take` is called with each arrival, true: the operation is done. */
typedef bool load_plain_take(struct load *l, struct load_plain *s);
void load_plain_ready(struct load *l, struct load_slot *base, load_plain_take *take);
void load_plain_stop(struct load *l, struct load_slot *base);

#endif
