#include "role/emit.h"

#include "role/secret_text.h"

void emit_secret(struct emit *e, const char *name, const struct secret *s)
{
    emit_name(e, name);
    writer_u8(e->w, '"');
    secret_text_write(e->w, s); /* the base64 alphabet needs no escapes */
    writer_u8(e->w, '"');
}
