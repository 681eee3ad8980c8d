/*
 * Compact JSON straight into a writer: no heap, lists of any length. role/emit.h adds secrets.
 * The caller nests: open/close match. Overflow is the writer's, reported once by who owns it.
 */
#ifndef KEYSTEAD_WIRE_EMIT_H
#define KEYSTEAD_WIRE_EMIT_H

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

void emit_name(struct emit *e, const char *name); /* comma and name; the caller writes the value */
void emit_text(struct emit *e, const char *name, struct text value);
void emit_z(struct emit *e, const char *name, const char *value);
void emit_z_if(struct emit *e, const char *name, const char *value); /* nothing if value is empty */
void emit_number(struct emit *e, const char *name, uint64_t value);
void emit_bool(struct emit *e, const char *name, bool value);
void emit_time(struct emit *e, const char *name, usec_t t); /* m2m:timestamp */

#endif
