/*
 * Compact JSON straight into a writer, for answers that may carry a key (no heap copy) and for lists of any length.
 * The caller nests: open/close match. Overflow is the writer's, reported once by who owns it.
 */
#ifndef KEYSTEAD_ROLE_EMIT_H
#define KEYSTEAD_ROLE_EMIT_H

#include "base/secret.h"
#include "base/writer.h"

struct emit {
    struct writer *w;
    bool comma; /* the next member or item needs one */
};

struct emit emit_to(struct writer *w);

/* `name` NULL: an item of an array, or the outermost object. */
void emit_object(struct emit *e, const char *name);
void emit_array(struct emit *e, const char *name);
void emit_close_object(struct emit *e);
void emit_close_array(struct emit *e);

void emit_text(struct emit *e, const char *name, struct text value);
void emit_z(struct emit *e, const char *name, const char *value);
void emit_z_if(struct emit *e, const char *name, const char *value); /* nothing if value is empty */
void emit_number(struct emit *e, const char *name, uint64_t value);
void emit_bool(struct emit *e, const char *name, bool value);
void emit_time(struct emit *e, const char *name, usec_t t); /* m2m:timestamp */
void emit_secret(struct emit *e, const char *name, const struct secret *s); /* base64 [CHOICE-65] */

#endif
