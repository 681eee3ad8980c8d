#include "wire/coap.h"

#include "base/reader.h"

#include <string.h>

#define VERSION 1
#define MARKER 0xff
#define DELTA_8 13 /* the rest of the delta or length in one octet, in two, or not allowed at all [RFC 7252 3.1] */
#define DELTA_16 14
#define DELTA_NONE 15
#define SZX_NONE 7

static const struct option_row {
    uint16_t number;
    uint16_t low, high;
    bool repeatable;
    uint8_t refusal;
} rows[] = {
#define X(name, number, low, high, repeatable, refusal) {number, low, high, repeatable, refusal},
#include "wire/coap_rows.h"
#undef X
};

struct coap_message coap_blank(enum coap_type type, uint8_t code)
{
    struct coap_message m = {.type = type, .code = code};
    m.payload = bytes_empty();
    return m;
}

/* -- reading ----------------------------------------------------------------------------------------- */

/* A delta or a length; the reader fails if its octets are missing. False for the nibble that is reserved. */
static bool extended(struct reader *r, unsigned nibble, uint32_t *out)
{
    switch (nibble) {
    case DELTA_8:
        *out = DELTA_8 + (uint32_t)reader_u8(r);
        return true;
    case DELTA_16:
        *out = 256 + DELTA_8 + (uint32_t)reader_u16(r);
        return true;
    case DELTA_NONE:
        return false;
    default:
        *out = nibble;
        return true;
    }
}

static err_t options(struct reader *r, struct coap_message *out)
{
    uint32_t number = 0;
    while (reader_left(r) > 0) {
        uint32_t delta;
        uint32_t length;
        uint8_t first = reader_u8(r);
        if (first == MARKER) {
            out->payload = reader_take(r, reader_left(r));
            return out->payload.n > 0 ? ERR_OK : ERR_MALFORMED_COAP; /* [RFC 7252 3]: a marker promises a payload */
        }
        if (!extended(r, first >> 4, &delta) || !extended(r, first & 15, &length)) {
            return ERR_MALFORMED_COAP;
        }
        number += delta;
        struct bytes value = reader_take(r, length);
        if (reader_failed(r) || number > UINT16_MAX) {
            return ERR_MALFORMED_COAP;
        }
        if (out->options_n == COAP_OPTIONS_MAX) {
            return ERR_LIMIT_SIZE;
        }
        out->options[out->options_n++] = (struct coap_option){(uint16_t)number, value};
    }
    return ERR_OK;
}

/* Which codes a type may carry [RFC 7252 4.3, table 1]; classes 1, 6 and 7 are reserved [12.1]. */
static bool is_allowed(const struct coap_message *m)
{
    switch (m->type) {
    case COAP_CON:
        return m->code == COAP_EMPTY || coap_is_request(m) || coap_is_response(m);
    case COAP_NON:
        return coap_is_request(m) || coap_is_response(m);
    case COAP_ACK:
        return m->code == COAP_EMPTY || coap_is_response(m);
    case COAP_RST:
        return m->code == COAP_EMPTY;
    }
    return false;
}

err_t coap_parse(struct bytes datagram, struct coap_message *out)
{
    struct reader r = reader_of(datagram);
    uint8_t first = reader_u8(&r);
    uint8_t code = reader_u8(&r);
    uint16_t id = reader_u16(&r);

    out->type = COAP_RST; /* which nobody answers */
    out->code = COAP_EMPTY;
    out->id = 0;
    out->token_n = 0;
    out->options_n = 0;
    out->payload = bytes_empty();
    if (reader_failed(&r) || first >> 6 != VERSION) {
        return ERR_MALFORMED_COAP; /* another version is ignored without a word [RFC 7252 3] */
    }
    out->type = (enum coap_type)(first >> 4 & 3);
    out->code = code;
    out->id = id;
    uint8_t token_n = first & 15;
    if (token_n > COAP_TOKEN_MAX || token_n > reader_left(&r) || !is_allowed(out)) {
        return ERR_MALFORMED_COAP;
    }
    if (code == COAP_EMPTY && reader_left(&r) > 0) {
        return ERR_MALFORMED_COAP; /* [RFC 7252 4.1] */
    }
    out->token_n = token_n;
    reader_copy(&r, out->token, token_n);
    TRY(options(&r, out));
    return reader_finish(&r) == ERR_OK ? ERR_OK : ERR_MALFORMED_COAP;
}

/* -- writing ----------------------------------------------------------------------------------------- */

static unsigned nibble_of(size_t v)
{
    return v < DELTA_8 ? (unsigned)v : v < 256 + DELTA_8 ? DELTA_8 : DELTA_16;
}

static void write_extended(struct writer *w, size_t v)
{
    if (v >= 256 + DELTA_8) {
        writer_u16(w, (uint16_t)(v - 256 - DELTA_8));
    } else if (v >= DELTA_8) {
        writer_u8(w, (uint8_t)(v - DELTA_8));
    }
}

err_t coap_write(const struct coap_message *m, struct writer *w)
{
    uint16_t last = 0;
    if (m->token_n > COAP_TOKEN_MAX || m->options_n > COAP_OPTIONS_MAX) {
        return ERR_BUG;
    }
    writer_u8(w, (uint8_t)(VERSION << 6 | (unsigned)m->type << 4 | m->token_n));
    writer_u8(w, m->code);
    writer_u16(w, m->id);
    writer_bytes(w, bytes_of(m->token, m->token_n));
    for (size_t i = 0; i < m->options_n; i++) {
        const struct coap_option *o = &m->options[i];
        if (o->number < last || o->value.n > UINT16_MAX) {
            return ERR_BUG;
        }
        size_t delta = (size_t)(o->number - last);
        writer_u8(w, (uint8_t)(nibble_of(delta) << 4 | nibble_of(o->value.n)));
        write_extended(w, delta);
        write_extended(w, o->value.n);
        writer_bytes(w, o->value);
        last = o->number;
    }
    if (m->payload.n > 0) {
        writer_u8(w, MARKER);
        writer_bytes(w, m->payload);
    }
    return writer_finish(w);
}

/* -- questions ---------------------------------------------------------------------------------------- */

bool coap_is_request(const struct coap_message *m)
{
    return m->code > COAP_EMPTY && m->code >> 5 == 0;
}

bool coap_is_response(const struct coap_message *m)
{
    unsigned class = m->code >> 5;
    return class == 2 || class == 4 || class == 5;
}

bool coap_is_same_token(const struct coap_message *a, const struct coap_message *b)
{
    return bytes_eq(bytes_of(a->token, a->token_n), bytes_of(b->token, b->token_n));
}

static const struct option_row *row_of(uint16_t number)
{
    for (size_t i = 0; i < ARRAY_LEN(rows) && rows[i].number <= number; i++) {
        if (rows[i].number == number) {
            return &rows[i];
        }
    }
    return NULL;
}

static bool is_fitting(const struct option_row *row, struct bytes value)
{
    return value.n >= row->low && value.n <= row->high;
}

uint8_t coap_refusal(const struct coap_message *m)
{
    for (size_t i = 0; i < m->options_n; i++) {
        const struct coap_option *o = &m->options[i];
        bool again = i > 0 && m->options[i - 1].number == o->number;
        if (o->number % 2 == 0) {
            continue; /* elective */
        }
        const struct option_row *row = row_of(o->number);
        if (row == NULL || !is_fitting(row, o->value) || (again && !row->repeatable)) {
            return COAP_CODE(4, 2);
        }
        if (row->refusal != 0) {
            return row->refusal;
        }
    }
    return 0;
}

const struct coap_option *coap_find(const struct coap_message *m, uint16_t number)
{
    const struct option_row *row = row_of(number);
    for (size_t i = 0; i < m->options_n; i++) {
        if (m->options[i].number == number) {
            return row == NULL || is_fitting(row, m->options[i].value) ? &m->options[i] : NULL;
        }
    }
    return NULL;
}

err_t coap_add(struct coap_message *m, uint16_t number, struct bytes value)
{
    size_t at = m->options_n;
    if (at == COAP_OPTIONS_MAX) {
        return ERR_LIMIT_SIZE;
    }
    for (; at > 0 && m->options[at - 1].number > number; at--) {
        m->options[at] = m->options[at - 1];
    }
    m->options[at] = (struct coap_option){number, value};
    m->options_n++;
    return ERR_OK;
}

void coap_remove(struct coap_message *m, uint16_t number)
{
    size_t n = 0;
    for (size_t i = 0; i < m->options_n; i++) {
        if (m->options[i].number != number) {
            m->options[n++] = m->options[i];
        }
    }
    m->options_n = n;
}

/* -- values -------------------------------------------------------------------------------------------- */

err_t coap_uint(const struct coap_option *o, uint32_t *out)
{
    uint64_t v = 0;
    TRY(o->value.n > sizeof(*out) ? ERR_MALFORMED_COAP : coap_ulong(o, &v));
    *out = (uint32_t)v;
    return ERR_OK;
}

err_t coap_ulong(const struct coap_option *o, uint64_t *out)
{
    uint64_t v = 0;
    if (o->value.n > sizeof(v)) {
        return ERR_MALFORMED_COAP;
    }
    for (size_t i = 0; i < o->value.n; i++) {
        v = v << 8 | o->value.p[i]; /* leading zeros are allowed to whoever sends them [RFC 7252 3.2] */
    }
    *out = v;
    return ERR_OK;
}

struct bytes coap_uint_write(uint32_t v, uint8_t buf[static 4])
{
    uint8_t all[8];
    struct bytes b = coap_ulong_write(v, all);
    memcpy(buf, all, b.n);
    return bytes_of(buf, b.n);
}

struct bytes coap_ulong_write(uint64_t v, uint8_t buf[static 8])
{
    struct writer w = writer_of(buf, 8);
    for (int shift = 56; shift >= 0; shift -= 8) {
        if (v >> shift != 0) {
            writer_u8(&w, (uint8_t)(v >> shift));
        }
    }
    return writer_view(&w);
}

err_t coap_block_parse(const struct coap_option *o, struct coap_block *out)
{
    uint32_t v;
    if (o->value.n > 3) {
        return ERR_MALFORMED_COAP;
    }
    TRY(coap_uint(o, &v));
    *out = (struct coap_block){.num = v >> 4, .more = (v & 8) != 0, .szx = v & 7};
    return out->szx < SZX_NONE ? ERR_OK : ERR_MALFORMED_COAP;
}

struct bytes coap_block_write(const struct coap_block *b, uint8_t buf[static 4])
{
    return coap_uint_write(b->num << 4 | (b->more ? 8U : 0U) | b->szx, buf);
}

size_t coap_block_size(const struct coap_block *b)
{
    return (size_t)16 << b->szx;
}
