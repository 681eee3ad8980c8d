/* Latencies in buckets of one microsecond up to a second: exact, and cheap enough for a load generator on one core. */
#ifndef KEYSTEAD_BENCH_HIST_H
#define KEYSTEAD_BENCH_HIST_H

#include "base/err.h"

#include <stdint.h>

struct hist {
    uint32_t *at;
    uint64_t n;
};

MUST_USE err_t hist_init(struct hist *h);
void hist_wipe(struct hist *h);
void hist_add(struct hist *h, int64_t usec);
uint64_t hist_quantile(const struct hist *h, unsigned percent); /* microseconds; a second stands for "or more" */

#endif
