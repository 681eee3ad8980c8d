/*
 * Keys as the text members that carry them between authorities: base64 of their octets, in the credential of
 * /fetchCredentials and in keyValue [CHOICE-47, CHOICE-54, CHOICE-65]. Never through a JSON value, whose memory nobody wipes,
 * on the way out.
 */
#ifndef KEYSTEAD_ROLE_SECRET_TEXT_H
#define KEYSTEAD_ROLE_SECRET_TEXT_H

#include "base/secret.h"
#include "base/writer.h"

#include <jansson.h>

void secret_text_write(struct writer *w, const struct secret *s);

/*
 * From a JSON string of min to max octets, whose memory is wiped: afterwards it reads as NULs. ERR_MALFORMED_KEY for another
 * length or type, ERR_MALFORMED_BASE64. Derived keys have KEYS_DERIVED_LEN.
 */
MUST_USE err_t secret_text_take(json_t *v, size_t min, size_t max, struct secret *out);

/* The same from text whose memory the caller wipes. */
MUST_USE err_t secret_text_parse(struct text t, size_t min, size_t max, struct secret *out);

/* Each text in this tree, which is ours: it reads as NULs afterwards. NULL is allowed. */
void secret_text_wipe(json_t *tree);

#endif
