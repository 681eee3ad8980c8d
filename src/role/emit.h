/* Compact JSON for answers, which may carry a key: straight into the writer, no copy of it on the heap. */
#ifndef KEYSTEAD_ROLE_EMIT_H
#define KEYSTEAD_ROLE_EMIT_H

#include "base/secret.h"
#include "wire/emit.h"
#include "wire/uss.h"

void emit_secret(struct emit *e, const char *name, const struct secret *s); /* base64 [CHOICE-65] */

/* "uss": lines of wire/uss.h; nothing if there are none. */
void emit_uss(struct emit *e, const char (*lines)[USS_TEXT_MAX], size_t n);

#endif
