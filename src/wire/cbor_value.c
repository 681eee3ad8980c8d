#include "wire/cbor_value.h"

#include "base/reader.h"
#include "wire/json.h"

#include <cbor.h>
#include <float.h>
#include <math.h>
#include <string.h>

/* -- one head and, of a string, its octets ------------------------------------------------------------------ */

enum kind { KIND_REFUSED = 0, KIND_VALUE, KIND_TEXT, KIND_ARRAY, KIND_MAP };

struct item {
    enum kind kind;
    json_t *value;    /* KIND_VALUE: owned */
    struct text text; /* KIND_TEXT: a view */
    size_t n;         /* KIND_ARRAY, KIND_MAP */
};

static void give(void *to, json_t *v)
{
    struct item *i = to;
    i->kind = v == NULL ? KIND_REFUSED : KIND_VALUE;
    i->value = v;
}

static void on_unsigned(void *to, uint64_t v)
{
    if (v <= INT64_MAX) { /* what JSON integers hold here */
        give(to, json_integer((json_int_t)v));
    }
}

static void on_negative(void *to, uint64_t v) /* stands for -1 - v */
{
    if (v <= INT64_MAX) {
        give(to, json_integer(-1 - (json_int_t)v));
    }
}

static void on_u8(void *to, uint8_t v)
{
    on_unsigned(to, v);
}

static void on_u16(void *to, uint16_t v)
{
    on_unsigned(to, v);
}

static void on_u32(void *to, uint32_t v)
{
    on_unsigned(to, v);
}

static void on_n8(void *to, uint8_t v)
{
    on_negative(to, v);
}

static void on_n16(void *to, uint16_t v)
{
    on_negative(to, v);
}

static void on_n32(void *to, uint32_t v)
{
    on_negative(to, v);
}

static void on_double(void *to, double v)
{
    if (isfinite(v)) {
        give(to, json_real(v));
    }
}

static void on_float(void *to, float v)
{
    on_double(to, (double)v);
}

static void on_bool(void *to, bool v)
{
    give(to, json_boolean(v));
}

static void on_null(void *to)
{
    give(to, json_null());
}

static void on_text(void *to, cbor_data p, size_t n)
{
    struct item *i = to;
    i->kind = KIND_TEXT;
    i->text = text_span((const char *)p, n);
}

static void on_array(void *to, size_t n)
{
    *(struct item *)to = (struct item){.kind = KIND_ARRAY, .n = n};
}

static void on_map(void *to, size_t n)
{
    *(struct item *)to = (struct item){.kind = KIND_MAP, .n = n};
}

/* What has no counterpart in JSON or no end that is known beforehand: the item stays refused. */
static void no(void *to)
{
    (void)to;
}

static void no_octets(void *to, cbor_data p, size_t n)
{
    (void)to;
    (void)p;
    (void)n;
}

static void no_tag(void *to, uint64_t v)
{
    (void)to;
    (void)v;
}

static const struct cbor_callbacks heads = {
    .uint8 = on_u8,
    .uint16 = on_u16,
    .uint32 = on_u32,
    .uint64 = on_unsigned,
    .negint8 = on_n8,
    .negint16 = on_n16,
    .negint32 = on_n32,
    .negint64 = on_negative,
    .byte_string = no_octets,
    .byte_string_start = no,
    .string = on_text,
    .string_start = no,
    .array_start = on_array,
    .indef_array_start = no,
    .map_start = on_map,
    .indef_map_start = no,
    .tag = no_tag,
    .float2 = on_float,
    .float4 = on_float,
    .float8 = on_double,
    .boolean = on_bool,
    .null = on_null,
    .undefined = no,
    .indef_break = no,
};

static err_t next(struct reader *r, struct item *out)
{
    *out = (struct item){.kind = KIND_REFUSED, .text = text_empty()};
    struct cbor_decoder_result got = cbor_stream_decode(r->p, reader_left(r), &heads, out);
    bool whole = got.status == CBOR_DECODER_FINISHED && got.read > 0;
    if (whole) {
        (void)reader_take(r, got.read);
    }
    return whole && out->kind != KIND_REFUSED ? ERR_OK : ERR_MALFORMED_CBOR;
}

/* -- values ------------------------------------------------------------------------------------------------- */

static json_t *string_of(struct text t)
{
    bool has_nul = text_find(t, '\0') < t.n; /* refused in JSON too: texts go to where a NUL would end them */
    return has_nul ? NULL : json_stringn(t.p, t.n); /* NULL too if it is no UTF-8 */
}

static err_t value(struct reader *r, unsigned depth, json_t **out);

static err_t array(struct reader *r, size_t n, unsigned depth, json_t *to)
{
    for (size_t i = 0; i < n; i++) { /* ends with the octets at the latest, whatever n claims */
        json_t *v = NULL;
        TRY(value(r, depth + 1, &v));
        if (json_array_append_new(to, v) != 0) {
            return ERR_LIMIT_CAPACITY;
        }
    }
    return ERR_OK;
}

static err_t member(struct reader *r, unsigned depth, json_t *to)
{
    struct item key;
    err_t e = next(r, &key);
    json_decref(key.value);
    TRY(e);
    SCOPED(json_scope) json_t *name = key.kind == KIND_TEXT ? string_of(key.text) : NULL;
    json_t *v = NULL;
    if (name == NULL) {
        return ERR_MALFORMED_CBOR;
    }
    if (json_object_get(to, json_string_value(name)) != NULL) {
        return ERR_MALFORMED_DUPLICATE;
    }
    TRY(value(r, depth + 1, &v));
    return json_object_set_new(to, json_string_value(name), v) == 0 ? ERR_OK : ERR_LIMIT_CAPACITY;
}

static err_t map(struct reader *r, size_t n, unsigned depth, json_t *to)
{
    for (size_t i = 0; i < n; i++) {
        TRY(member(r, depth, to));
    }
    return ERR_OK;
}

/* Arrays and maps nest at most as deep as in JSON, so the recursion is bounded. */
static err_t collection(struct reader *r, const struct item *i, unsigned depth, json_t **out)
{
    if (depth >= JSON_DEPTH_MAX) {
        return ERR_LIMIT_DEPTH;
    }
    SCOPED(json_scope) json_t *v = i->kind == KIND_MAP ? json_object() : json_array();
    if (v == NULL) {
        return ERR_LIMIT_CAPACITY;
    }
    TRY(i->kind == KIND_MAP ? map(r, i->n, depth, v) : array(r, i->n, depth, v));
    *out = v;
    v = NULL;
    return ERR_OK;
}

static err_t value(struct reader *r, unsigned depth, json_t **out)
{
    struct item i;
    TRY(next(r, &i));
    if (i.kind == KIND_ARRAY || i.kind == KIND_MAP) {
        return collection(r, &i, depth, out);
    }
    *out = i.kind == KIND_TEXT ? string_of(i.text) : i.value;
    return *out == NULL ? ERR_MALFORMED_CBOR : ERR_OK;
}

err_t cbor_value_parse(struct bytes in, json_t **out)
{
    struct reader r = reader_of(in);
    SCOPED(json_scope) json_t *v = NULL;
    *out = NULL;
    TRY(value(&r, 0, &v));
    if (reader_finish(&r) != ERR_OK || !json_is_object(v)) {
        return ERR_MALFORMED_CBOR;
    }
    *out = v;
    v = NULL;
    return ERR_OK;
}

/* -- the other direction -------------------------------------------------------------------------------------- */

enum { HEAD_MAX = 9 };

static void text_write(struct text t, struct writer *w)
{
    uint8_t head[HEAD_MAX];
    writer_bytes(w, bytes_of(head, cbor_encode_string_start(t.n, head, sizeof(head))));
    writer_text(w, t);
}

static size_t number(const json_t *v, uint8_t head[static HEAD_MAX])
{
    json_int_t i = json_integer_value(v);
    double d = json_real_value(v);
    if (json_is_real(v)) {
        bool exact = fabs(d) <= (double)FLT_MAX && (double)(float)d == d;
        return exact ? cbor_encode_single((float)d, head, HEAD_MAX) : cbor_encode_double(d, head, HEAD_MAX);
    }
    return i < 0 ? cbor_encode_negint((uint64_t)(-1 - i), head, HEAD_MAX) : cbor_encode_uint((uint64_t)i, head, HEAD_MAX);
}

static size_t head_of(const json_t *v, uint8_t head[static HEAD_MAX])
{
    switch (json_typeof(v)) {
    case JSON_OBJECT:
        return cbor_encode_map_start(json_object_size(v), head, HEAD_MAX);
    case JSON_ARRAY:
        return cbor_encode_array_start(json_array_size(v), head, HEAD_MAX);
    case JSON_INTEGER:
    case JSON_REAL:
        return number(v, head);
    case JSON_TRUE:
    case JSON_FALSE:
        return cbor_encode_bool(json_is_true(v), head, HEAD_MAX);
    case JSON_NULL:
    case JSON_STRING: /* text_write() */
    default:
        return cbor_encode_null(head, HEAD_MAX);
    }
}

static err_t write_at(const json_t *v, unsigned depth, struct writer *w)
{
    uint8_t head[HEAD_MAX];
    const char *name;
    json_t *part;
    size_t i;
    if (json_is_string(v)) {
        text_write(text_span(json_string_value(v), json_string_length(v)), w);
        return writer_finish(w);
    }
    writer_bytes(w, bytes_of(head, head_of(v, head)));
    if ((json_is_object(v) || json_is_array(v)) && depth >= JSON_DEPTH_MAX) {
        return ERR_LIMIT_DEPTH;
    }
    json_object_foreach((json_t *)(uintptr_t)v, name, part)
    {
        text_write(text_of(name), w);
        TRY(write_at(part, depth + 1, w));
    }
    json_array_foreach(v, i, part)
    {
        TRY(write_at(part, depth + 1, w));
    }
    return writer_finish(w);
}

err_t cbor_value_write(const json_t *v, struct writer *w)
{
    return v == NULL ? ERR_BUG : write_at(v, 0, w);
}

/* -- whole contents ------------------------------------------------------------------------------------------- */

err_t cbor_value_of_json(struct bytes json, struct writer *w)
{
    SCOPED(json_scope) json_t *v = NULL;
    TRY(json_parse(json, &v));
    return cbor_value_write(v, w);
}

err_t cbor_value_to_json(struct bytes in, struct writer *w)
{
    SCOPED(json_scope) json_t *v = NULL;
    TRY(cbor_value_parse(in, &v));
    return json_write(v, w);
}
