/*
 * The yardstick of creates. The role itself makes the records of each request, in a transaction that is thrown away; the
 * same records, audit events among them, then go straight into the store in batches, and only that is counted.
 */
#ifndef KEYSTEAD_BENCH_BARE_STORE_H
#define KEYSTEAD_BENCH_BARE_STORE_H

#include "request.h"

struct bare_store_plan {
    struct request_plan request;
    const char *conf;  /* of the server whose store this is */
    const char *store; /* a copy of its store */
    usec_t time;
    size_t batch;
};

struct bare_store_result {
    uint64_t done, changes;
    int64_t cpu_ns; /* of begin, puts, commit, and checkpoints when the log is long */
    char detail[256];
};

MUST_USE err_t bare_store_run(const struct bare_store_plan *p, struct bare_store_result *out);

#endif
