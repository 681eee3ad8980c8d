/* The bare lookup of registered keys: a read transaction and a get each, the records in scattered order; no cache of ours. */
#ifndef KEYSTEAD_BENCH_LOOKUP_RATE_H
#define KEYSTEAD_BENCH_LOOKUP_RATE_H

#include "request.h"

struct lookup_rate_plan {
    const char *store;          /* a MAF's */
    struct request_lines lines; /* they end in the RelativeKeyIDs */
    usec_t time;
};
struct lookup_rate_result {
    uint64_t done;
    int64_t cpu_ns;
};
MUST_USE err_t lookup_rate_run(const struct lookup_rate_plan *p, struct lookup_rate_result *out);

#endif
