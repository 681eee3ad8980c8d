/*
 * URLs that somebody else names and this program would connect to: strict parsing, and the allow-list that keeps it from being sent to
 * addresses inside the operator's network. Only http, https, coap and coaps; no user information, no fragment, no escapes in the
 * host. A host in an unusual spelling (0x7f.1, 2130706433) is a name like any other: not on the list.
 */
#ifndef KEYSTEAD_WIRE_URL_H
#define KEYSTEAD_WIRE_URL_H

#include "base/text.h"

#define URL_MAX 512

struct url { /* views */
    struct text scheme;
    struct text host; /* without the brackets of an IPv6 address */
    uint16_t port;    /* given, or that of the scheme */
    struct text path; /* with query; empty, or begins with a slash or a question mark */
};

bool url_is_one(struct text t); /* it has a scheme: an address of oneM2M has none */
MUST_USE err_t url_parse(struct text t, struct url *out); /* ERR_CONTENTS */

#endif
