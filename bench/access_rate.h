/* How many access decisions a second of CPU makes: the rules of `pv`, an originator they name, a RETRIEVE from loopback. */
#ifndef KEYSTEAD_BENCH_ACCESS_RATE_H
#define KEYSTEAD_BENCH_ACCESS_RATE_H

#include "role/role.h"

struct access_rate_result {
    uint64_t done;
    int64_t cpu_ns;
    char detail[ROLE_DETAIL_MAX];
};

/* `pv` is the JSON of privileges, `from` an absolute AE-ID they permit; else ERR_DENIED_PRIVILEGE. */
MUST_USE err_t access_rate_run(const char *pv, const char *from, usec_t time, struct access_rate_result *out);

#endif
