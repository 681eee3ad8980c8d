/* What a request says in HTTP, whoever carries it. */
#ifndef KEYSTEAD_SHELL_OUTBOUND_SAID_H
#define KEYSTEAD_SHELL_OUTBOUND_SAID_H

#include "shell/growing.h"
#include "shell/outbound.h"

/* The request identifier: the requester's, or one of our own in *room. */
#define OUTBOUND_SAID_RQI 32
struct text outbound_said_rqi(const struct outbound_request *rq, uint64_t serial, char room[static OUTBOUND_SAID_RQI]);

const char *outbound_said_method(enum op op); /* NULL: none in HTTP */
bool outbound_said_once(const struct outbound_request *rq); /* not to be sent a second time: it may have been done [RFC 9110 9.2.2] */
bool outbound_said_body(const struct outbound_request *rq); /* is there to be one, be it empty? */

/* Each header in turn, the value visible ASCII or empty: no header of the requester's making. False: `add` said so, or a value
 * cannot be said. */
typedef bool outbound_said_fn(void *arg, const char *name, struct text value);
bool outbound_said_headers(const struct outbound_request *rq, uint64_t serial, outbound_said_fn *add, void *arg);

/* The whole request as octets of HTTP/1.1; `path` is visible ASCII. False: there is no memory, or it cannot be said. */
struct outbound_said {
    const struct outbound_request *rq;
    struct text host, path;
    uint64_t serial;
};
bool outbound_said_octets(const struct outbound_said *s, struct growing *out);

#endif
