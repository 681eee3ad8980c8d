/* The bare scan: every entry of a CSE's index of children and the record it names, in one read transaction; nothing is parsed
 * of the record, nobody's rights are looked at, no cache of ours. */
#ifndef KEYSTEAD_BENCH_SCAN_RATE_H
#define KEYSTEAD_BENCH_SCAN_RATE_H

#include "base/arena.h"
#include "base/err.h"

struct scan_rate_result {
    uint64_t done;    /* scans */
    uint64_t records; /* read in all of them */
    int64_t cpu_ns;
};
MUST_USE err_t scan_rate_run(const char *store, usec_t time, struct scan_rate_result *out);

#endif
