/*
 * A response of HTTP/1.1 that comes in pieces, read by llhttp in strict mode: its headers and its body are given on as they
 * come and nothing of it is kept but the line under way. No socket, no clock. Interim responses (1xx) are passed over; a
 * response that changes the protocol is refused.
 */
#ifndef KEYSTEAD_WIRE_HTTP1_ANSWER_H
#define KEYSTEAD_WIRE_HTTP1_ANSWER_H

#include "base/text.h"

#include <llhttp.h>

#define HTTP1_ANSWER_NAME 40
#define HTTP1_ANSWER_VALUE 1024

struct http1_answer_to { /* who listens; ERR_OK, or the response is read no further */
    void (*begin)(void *arg); /* again after an interim response */
    err_t (*header)(void *arg, struct text name, struct text value); /* one too long to be looked at comes without its name */
    err_t (*body)(void *arg, struct bytes part);
};

struct http1_answer {
    llhttp_t parser;
    const struct http1_answer_to *to;
    void *arg;
    err_t err;
    bool begun;      /* something has come */
    bool head_done;  /* what is like a header after that is a trailer: passed over */
    bool done;       /* it is whole */
    bool keep_alive; /* once it is done: the server takes another request on this connection */
    unsigned status;
    size_t name_n, value_n; /* of the line under way; beyond the room there is: counted, not kept */
    char name[HTTP1_ANSWER_NAME];
    char value[HTTP1_ANSWER_VALUE];
};

void http1_answer_begin(struct http1_answer *a, const struct http1_answer_to *to, void *arg);
/* ERR_MALFORMED_HTTP, or what a listener said: nothing more may follow. */
MUST_USE err_t http1_answer_feed(struct http1_answer *a, struct bytes in);
/* The server says no more: that may be the end of the response. ERR_MALFORMED_HTTP: it was cut short. */
MUST_USE err_t http1_answer_end(struct http1_answer *a);

#endif
