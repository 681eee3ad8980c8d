/*
 * The yardstick of handshakes: the server side of raw OpenSSL in memory, SSL_new to SSL_free, no tickets, over TLS or DTLS
 * (with the exchange of a constant cookie). With PSK, or with certificates on both sides and OpenSSL's own check of the client's path to an anchor,
 * without a revocation list. Or the records of a request and its answer on kept connections: SSL_read and SSL_write. The client's steps run between the server's and are not counted.
 */
#ifndef KEYSTEAD_BENCH_RAW_TLS_H
#define KEYSTEAD_BENCH_RAW_TLS_H

#include "base/text.h"

#include <stdint.h>

struct raw_tls_plan {
    const char *suite;
    usec_t time;
    size_t lockstep; /* handshakes side by side, so that reading the clock costs each a fraction */
    bool datagram;
    size_t in, out; /* not 0: one handshake a connection, then records of so many octets of content, which alone are counted */
    const char *server_cert, *server_key, *client_cert, *client_key, *trust; /* all of them, or none: PSK */
};

struct raw_tls_result {
    uint64_t done;
    int64_t cpu_ns; /* of the server's calls */
};

MUST_USE err_t raw_tls_run(const struct raw_tls_plan *p, struct raw_tls_result *out);

#endif
