#include "role/emit.h"

#include "role/secret_text.h"

void emit_secret(struct emit *e, const char *name, const struct secret *s)
{
    emit_name(e, name);
    writer_u8(e->w, '"');
    secret_text_write(e->w, s); /* the base64 alphabet needs no escapes */
    writer_u8(e->w, '"');
}

void emit_uss(struct emit *e, const char (*lines)[USS_TEXT_MAX], size_t n)
{
    if (n == 0) {
        return;
    }
    emit_array(e, "uss");
    for (size_t i = 0; i < n; i++) {
        emit_z(e, NULL, lines[i]);
    }
    emit_close_array(e);
}
