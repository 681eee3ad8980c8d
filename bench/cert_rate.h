/*
 * The server's side of mutual certificate handshakes through our own adapter, in memory: what a revocation list costs is
 * the difference between two runs. The client's steps run between the server's and are not counted.
 */
#ifndef KEYSTEAD_BENCH_CERT_RATE_H
#define KEYSTEAD_BENCH_CERT_RATE_H

#include "shell/tls.h"

struct cert_rate_plan {
    const char *cert, *key, *trust; /* shown by both sides */
    const char *crl;                /* or NULL */
    usec_t time;
};
struct cert_rate_result {
    uint64_t done;
    int64_t cpu_ns;
    char detail[ROLE_DETAIL_MAX];
};
MUST_USE err_t cert_rate_run(const struct cert_rate_plan *p, struct cert_rate_result *out);

#endif
