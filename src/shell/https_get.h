/* One GET over HTTPS from a server that shows a certificate under given anchors: a bounded body, no redirect, blocking. */
#ifndef KEYSTEAD_SHELL_HTTPS_GET_H
#define KEYSTEAD_SHELL_HTTPS_GET_H

#include "shell/client_tls.h"

#define HTTPS_GET_MAX 16384
#define HTTPS_GET_NAME_MAX 280

struct https_get {
    uint8_t body[HTTPS_GET_MAX];
    size_t n;
    usec_t until;        /* clock_monotonic() at which to give up */
    struct client_tls tls;
    char fqdn[HTTPS_GET_NAME_MAX], address[HTTPS_GET_NAME_MAX + 8];
};

/* `trust`: PEM file of anchors. ERR_USAGE: no https URI; ERR_LIMIT_SIZE, ERR_PEER_REFUSED (not 200), or why TLS failed. */
MUST_USE err_t https_get_run(struct https_get *g, struct text uri, const char *trust);

#endif
