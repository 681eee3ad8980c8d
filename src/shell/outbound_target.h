/* Where a request may go, as text: the rule is that of outbound.h. */
#ifndef KEYSTEAD_SHELL_OUTBOUND_TARGET_H
#define KEYSTEAD_SHELL_OUTBOUND_TARGET_H

#include "shell/outbound.h"

#define OUTBOUND_TARGET_HOST 320
#define OUTBOUND_TARGET_URL (OUTBOUND_PATH_MAX + 400)

struct outbound_target {
    const struct snapshot_peer *peer; /* NULL: without TLS or DTLS */
    bool coap;                        /* else HTTP */
    char host[OUTBOUND_TARGET_HOST];  /* FQDN of the peer, or HOST:PORT */
    char url[OUTBOUND_TARGET_URL];    /* of CoAP the path alone, with its query */
};

MUST_USE err_t outbound_target_of(const struct snapshot *snap, const struct outbound_request *rq,
                                  struct outbound_target *out); /* ERR_DENIED_OUTBOUND, ERR_MALFORMED, ERR_LIMIT_SIZE */

/* The rule about targets alone: may a request go to this point of access? The same errors. */
MUST_USE err_t outbound_target_check(const struct snapshot *snap, const char *url);

#endif
