/*
 * Media types of content, one row each. MEDIA_JSON and MEDIA_CBOR are two forms of the content that every route takes and
 * gives: the bindings convert, handlers see values and write JSON. The others are octets that only a route with ROUTE_RAW
 * takes (EST, RFC 7030).
 */
#ifndef KEYSTEAD_WIRE_MEDIA_H
#define KEYSTEAD_WIRE_MEDIA_H

#include "base/text.h"

enum media { MEDIA_JSON = 0, MEDIA_CBOR, MEDIA_PKCS10, MEDIA_CERTS, MEDIA_CSR_ATTRS, MEDIA_BSF_INFO, MEDIA_SOAP, MEDIA_N };

/* The type/subtype of a Content-Type, without parameters; ERR_MEDIA_TYPE. */
MUST_USE err_t media_parse(struct text type, enum media *out);
const char *media_name(enum media m); /* as a response names it, with parameters */
bool media_is_base64(enum media m);   /* goes out in base64, and says so (RFC 7030) */
bool media_is_content(enum media m);  /* a form of a primitive's content */

/* Which form an Accept of HTTP prefers [RFC 9110 12.5.1]; what it says nothing about is `otherwise`, as is an equal wish. */
enum media media_accept(struct text accept, enum media otherwise);

/* Content-Formats of CoAP [TS-0008 6.2.2.3]: what a number stands for, ERR_MEDIA_TYPE; and what is sent, of a request or an answer. */
MUST_USE err_t media_of_format(uint32_t format, enum media *out);
uint32_t media_request_format(enum media m);
uint32_t media_answer_format(enum media m);

#endif
