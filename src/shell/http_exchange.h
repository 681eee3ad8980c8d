/* Requests and answers of a connection as HTTP/1.1. */
#ifndef KEYSTEAD_SHELL_HTTP_EXCHANGE_H
#define KEYSTEAD_SHELL_HTTP_EXCHANGE_H

#include "shell/conn.h"

struct http_exchange {
    struct conn conn; /* those below are of one of these */
    bool keep_alive;  /* of the request under way */
    size_t request_n; /* its octets at the start of conn.in */
    size_t tried;     /* octets that were parsed in vain */
};

/* Serves the request at the start of c->in; false if it is not all there yet. May leave the connection busy. */
bool http_exchange_next(struct conn *c);
void http_exchange_again(struct conn *c);
MUST_USE err_t http_exchange_octets(struct conn *c, struct bytes *out);
void http_exchange_answer(struct conn *c, const struct primitive_response *r);

#endif
