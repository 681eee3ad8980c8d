/*
 * HTTP/1.1 as octets: one request out of a buffer, by llhttp in strict mode, and the text of a response. No socket, no state
 * between messages. This file and http1_answer.h (responses of others) alone know llhttp.
 * Folded headers, bare LF, a space before the colon, both Content-Length and Transfer-Encoding,
 * chunked requests and repeated Host are refused: request smuggling starts there.
 */
#ifndef KEYSTEAD_WIRE_HTTP1_H
#define KEYSTEAD_WIRE_HTTP1_H

#include "base/writer.h"

#define HTTP1_HEADERS_MAX 48

enum http1_method { HTTP1_GET, HTTP1_POST, HTTP1_PUT, HTTP1_DELETE, HTTP1_OTHER };

struct http1_header {
    struct text name;
    struct text value;
};

struct http1_request {
    enum http1_method method;
    struct text target; /* origin form: path and query */
    struct http1_header headers[HTTP1_HEADERS_MAX];
    size_t headers_n;
    struct bytes body;
    bool keep_alive;
};

/*
 * Looks for one whole request at the start of `in`. *used = its length when done.
 * ERR_OK with *used == 0: more octets are needed. ERR_MALFORMED_HTTP, ERR_LIMIT_SIZE (head over
 * 16 KiB, body over max_body, too many headers): answer once and close.
 */
MUST_USE err_t http1_parse(struct bytes in, size_t max_body, struct http1_request *out, size_t *used);

/* Case-insensitive; empty text if absent. A header that occurs twice gives ERR_MALFORMED_HTTP in parse for
 * Host, Content-Length, Content-Type and every X-M2M-*. */
struct text http1_header_get(const struct http1_request *r, const char *name);

struct http1_reply {
    unsigned status;
    bool close;
    const char *content_type; /* NULL if there is no body */
    struct bytes body;
    const struct http1_header *headers; /* values are checked: CR, LF and NUL make it fail */
    size_t headers_n;
};
MUST_USE err_t http1_write(const struct http1_reply *r, struct writer *w);

#endif
