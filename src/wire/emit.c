#include "wire/emit.h"

#include "wire/json_text.h"
#include "wire/timestamp.h"

struct emit emit_to(struct writer *w)
{
    return (struct emit){.w = w, .comma = false};
}

void emit_name(struct emit *e, const char *name)
{
    if (e->comma) {
        writer_u8(e->w, ',');
    }
    e->comma = true;
    if (name != NULL) {
        json_text_write(e->w, text_of(name));
        writer_u8(e->w, ':');
    }
}

static void enter(struct emit *e, const char *name, char bracket)
{
    emit_name(e, name);
    writer_u8(e->w, (uint8_t)bracket);
    e->comma = false;
}

static void leave(struct emit *e, char bracket)
{
    writer_u8(e->w, (uint8_t)bracket);
    e->comma = true;
}

void emit_object(struct emit *e, const char *name)
{
    enter(e, name, '{');
}

void emit_array(struct emit *e, const char *name)
{
    enter(e, name, '[');
}

void emit_close_object(struct emit *e)
{
    leave(e, '}');
}

void emit_close_array(struct emit *e)
{
    leave(e, ']');
}

void emit_text(struct emit *e, const char *name, struct text value)
{
    emit_name(e, name);
    json_text_write(e->w, value);
}

void emit_z(struct emit *e, const char *name, const char *value)
{
    emit_text(e, name, text_of(value));
}

void emit_z_if(struct emit *e, const char *name, const char *value)
{
    if (value[0] != '\0') {
        emit_z(e, name, value);
    }
}

void emit_number(struct emit *e, const char *name, uint64_t value)
{
    emit_name(e, name);
    writer_decimal(e->w, value);
}

void emit_bool(struct emit *e, const char *name, bool value)
{
    emit_name(e, name);
    writer_z(e->w, value ? "true" : "false");
}

void emit_time(struct emit *e, const char *name, usec_t t)
{
    emit_name(e, name);
    writer_u8(e->w, '"');
    timestamp_write(e->w, t);
    writer_u8(e->w, '"');
}
