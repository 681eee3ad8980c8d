/*
 * TLS 1.2 or DTLS 1.2 clients with a pre-shared key or a certificate each. An operation is a connection: the handshake
 * until the server's Finished was verified, then, if there is a request, the request and its verified answer; close_notify,
 * close. With `keep` connections stay, and an operation is a request. Datagrams that get lost are not repeated: the
 * operation fails.
 */
#ifndef KEYSTEAD_BENCH_LOAD_TLS_H
#define KEYSTEAD_BENCH_LOAD_TLS_H

#include "load.h"
#include "request.h"

#include <stdio.h>

struct load_tls {
    struct request_plan request; /* its lines: identity, key in hex, and what {line} becomes; or files: certificate, key */
    bool certificates, datagram;
    bool keep;
    const char *cert, *key; /* one certificate for all, or NULL */
    FILE *locations;        /* where Content-Location of each answer goes, a line each; or NULL */
    FILE *keys;             /* where the key exported for an association goes: its identifier, space, hex; or NULL */
    bool handshake_only;
    const char *suite;
    const char *sni;
    void **ctx; /* SSL_CTX: OpenSSL stays in load_tls.c. One for all keys, or one for each certificate */
    size_t ctx_n;
};

MUST_USE err_t load_tls_open(struct load_tls *t);
void load_tls_close(struct load_tls *t);

extern const struct load_ops load_tls_ops; /* load.plan: a struct load_tls */

#endif
