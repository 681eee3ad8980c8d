/*
 * Keys as the text members that carry them between authorities: base64 of 32 octets, in the credential of
 * /fetchCredentials and in keyValue [CHOICE-47, CHOICE-54, CHOICE-65]. Never through a JSON value, whose memory nobody wipes,
 * on the way out.
 */
#ifndef KEYSTEAD_ROLE_SECRET_TEXT_H
#define KEYSTEAD_ROLE_SECRET_TEXT_H

#include "base/secret.h"
#include "base/writer.h"

#include <jansson.h>

void secret_text_write(struct writer *w, const struct secret *s);

/* ERR_MALFORMED_BASE64, or ERR_MALFORMED_KEY if it is not exactly 32 octets. */
MUST_USE err_t secret_text_parse(struct text t, struct secret *out);

/* The same from a JSON string, whose memory is wiped: afterwards it reads as NULs. ERR_MALFORMED_KEY for another type. */
MUST_USE err_t secret_text_take(json_t *v, struct secret *out);

#endif
