/*
 * The yardstick of handshakes: the server side of raw OpenSSL in memory, SSL_new to SSL_free, PSK, no tickets. The
 * client's steps run between the server's and are not counted.
 */
#ifndef KEYSTEAD_BENCH_RAW_TLS_H
#define KEYSTEAD_BENCH_RAW_TLS_H

#include "base/text.h"

#include <stdint.h>

struct raw_tls_result {
    uint64_t done;
    int64_t cpu_ns; /* of the server's calls */
};

/* `lockstep` handshakes go side by side, so that reading the clock costs each a fraction. */
MUST_USE err_t raw_tls_run(const char *suite, usec_t time, size_t lockstep, struct raw_tls_result *out);

#endif
