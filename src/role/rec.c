#include "role/rec.h"

#include <string.h>

/* -- single values --------------------------------------------------------------------------------- */
void rec_version(struct reader *r, uint8_t version)
{
    (void)rec_u8(r, version, version);
}

bool rec_bool(struct reader *r)
{
    return rec_u8(r, 0, 1) == 1;
}

uint8_t rec_u8(struct reader *r, uint8_t low, uint8_t high)
{
    uint8_t v = reader_u8(r);
    if (v < low || v > high) {
        r->failed = true;
        return low;
    }
    return v;
}

usec_t rec_time(struct reader *r)
{
    uint64_t v = reader_u64(r);
    if (v > (uint64_t)INT64_MAX) {
        r->failed = true;
        return 0;
    }
    return (usec_t)v;
}

err_t rec_finish(const struct reader *r)
{
    return reader_finish(r) == ERR_OK ? ERR_OK : ERR_MALFORMED_RECORD;
}

/* -- one field of each type: how it is written, how it is read ------------------------------------------- */
/* `at` is the member, `base` the struct it is in. */
typedef err_t write_fn(const struct rec_field *f, const char *at, const char *base, const struct rec_seal *seal,
                       struct writer *w);
typedef err_t read_fn(const struct rec_field *f, struct reader *r, const struct rec_seal *seal, char *at, char *base);

static err_t text_put(const struct rec_field *f, const char *at, const char *base, const struct rec_seal *seal,
                      struct writer *w)
{
    (void)f, (void)base, (void)seal;
    writer_text16(w, at);
    return ERR_OK;
}

static err_t text_take_in(const struct rec_field *f, struct reader *r, const struct rec_seal *seal, char *at,
                          char *base)
{
    (void)seal, (void)base;
    reader_text16(r, at, f->size);
    return ERR_OK;
}

static err_t texts_put(const struct rec_field *f, const char *at, const char *base, const struct rec_seal *seal,
                       struct writer *w)
{
    (void)seal;
    size_t n = *(const size_t *)(const void *)(base + f->count);
    writer_u8(w, (uint8_t)n);
    for (size_t i = 0; i < n && i < f->high; i++) {
        writer_text16(w, at + i * (f->size / f->high));
    }
    return n <= f->high ? ERR_OK : ERR_BUG;
}

static err_t texts_take(const struct rec_field *f, struct reader *r, const struct rec_seal *seal, char *at, char *base)
{
    (void)seal;
    size_t n = rec_u8(r, 0, f->high);
    for (size_t i = 0; i < n; i++) {
        char *one = at + i * (f->size / f->high);
        reader_text16(r, one, f->size / f->high);
        r->failed = r->failed || one[0] == '\0';
    }
    *(size_t *)(void *)(base + f->count) = n;
    return ERR_OK;
}

static err_t list_put(const struct rec_field *f, const char *at, const char *base, const struct rec_seal *seal,
                      struct writer *w)
{
    (void)f, (void)base, (void)seal;
    const struct rec_list *l = (const void *)at;
    writer_u8(w, (uint8_t)l->n);
    for (size_t i = 0; i < l->n; i++) {
        writer_block16(w, text_bytes(l->at[i]));
    }
    return ERR_OK;
}

static err_t list_take(const struct rec_field *f, struct reader *r, const struct rec_seal *seal, char *at, char *base)
{
    (void)f, (void)seal, (void)base;
    struct rec_list *l = (void *)at;
    l->n = rec_u8(r, 0, REC_LIST_MAX);
    for (size_t i = 0; i < l->n && !reader_failed(r); i++) {
        struct bytes b = reader_block16(r);
        l->at[i] = text_span((const char *)b.p, b.n);
    }
    return ERR_OK;
}

static void number_set(const struct rec_field *f, uint8_t v, char *at)
{
    unsigned wide = v; /* an enum; with one octet it is a uint8_t or a bool */
    memcpy(at, f->size == 1 ? (const void *)&v : (const void *)&wide, f->size);
}

static err_t number_put(const struct rec_field *f, const char *at, const char *base, const struct rec_seal *seal,
                        struct writer *w)
{
    (void)base, (void)seal;
    unsigned wide = 0;
    uint8_t v = 0;
    memcpy(f->size == 1 ? (void *)&v : (void *)&wide, at, f->size);
    writer_u8(w, f->size == 1 ? v : (uint8_t)wide);
    return ERR_OK;
}

static err_t number_take(const struct rec_field *f, struct reader *r, const struct rec_seal *seal, char *at, char *base)
{
    (void)seal, (void)base;
    number_set(f, rec_u8(r, f->low, f->high), at);
    return ERR_OK;
}

static err_t time_put(const struct rec_field *f, const char *at, const char *base, const struct rec_seal *seal,
                      struct writer *w)
{
    (void)f, (void)base, (void)seal;
    writer_u64(w, (uint64_t) * (const usec_t *)(const void *)at);
    return ERR_OK;
}

static err_t time_take(const struct rec_field *f, struct reader *r, const struct rec_seal *seal, char *at, char *base)
{
    (void)f, (void)seal, (void)base;
    *(usec_t *)(void *)at = rec_time(r);
    return ERR_OK;
}

/* struct text and struct bytes have the same members. */
_Static_assert(sizeof(struct text) == sizeof(struct bytes) && offsetof(struct text, n) == offsetof(struct bytes, n),
               "a view of either kind");

static err_t view_put(const struct rec_field *f, const char *at, const char *base, const struct rec_seal *seal,
                      struct writer *w)
{
    (void)base, (void)seal;
    struct bytes b = *(const struct bytes *)(const void *)at;
    if (f->type == REC_VIEW32) {
        writer_block32(w, b);
    } else {
        writer_block16(w, b);
    }
    return ERR_OK;
}

static err_t view_take(const struct rec_field *f, struct reader *r, const struct rec_seal *seal, char *at, char *base)
{
    (void)seal, (void)base;
    *(struct bytes *)(void *)at = f->type == REC_VIEW32 ? reader_block32(r) : reader_block16(r);
    return ERR_OK;
}

static err_t sealed_put(const struct rec_field *f, const char *at, const char *base, const struct rec_seal *seal,
                        struct writer *w)
{
    (void)f, (void)at, (void)base;
    if (seal->key != NULL) {
        return seal_write(seal->sealer, seal->table, seal->id, seal->key, w);
    }
    writer_block16(w, seal->sealed);
    return ERR_OK;
}

static err_t key_put(const struct rec_field *f, const char *at, const char *base, const struct rec_seal *seal,
                     struct writer *w)
{
    (void)base;
    const struct secret *key = (const void *)at;
    writer_u8(w, secret_is_set(key));
    return secret_is_set(key) ? seal_write(seal->sealer, seal->table, text_of(f->name), key, w) : ERR_OK;
}

static err_t key_take(const struct rec_field *f, struct reader *r, const struct rec_seal *seal, char *at, char *base)
{
    (void)base;
    if (!rec_bool(r)) {
        return ERR_OK;
    }
    struct bytes sealed = reader_block16(r);
    if (reader_failed(r)) {
        return ERR_MALFORMED_RECORD;
    }
    return seal == NULL ? ERR_BUG
                        : seal_open(seal->sealer, seal->table, text_of(f->name), sealed, (struct secret *)(void *)at);
}

static const struct {
    write_fn *write;
    read_fn *read;
} types[] = {
    [REC_TEXT] = {text_put, text_take_in}, [REC_TEXTS] = {texts_put, texts_take},  [REC_LIST] = {list_put, list_take},
    [REC_U8] = {number_put, number_take},  [REC_TIME] = {time_put, time_take},     [REC_VIEW16] = {view_put, view_take},
    [REC_VIEW32] = {view_put, view_take},  [REC_SEALED] = {sealed_put, view_take}, [REC_KEY] = {key_put, key_take},
};

/* -- records ------------------------------------------------------------------------------------------ */
static bool has(const struct rec_field *f, uint8_t version)
{
    return version >= f->since && (f->until == 0 || version <= f->until);
}

err_t rec_write(const struct rec_layout *l, uint8_t version, const void *record, const struct rec_seal *seal,
                struct writer *w)
{
    const char *base = record;
    writer_u8(w, version);
    for (size_t i = 0; i < l->n; i++) {
        const struct rec_field *f = &l->fields[i];
        if (has(f, version)) {
            TRY(types[f->type].write(f, base + f->offset, base, seal, w));
        }
    }
    return writer_finish(w);
}

err_t rec_parse_keys(const struct rec_layout *l, struct bytes b, const struct rec_seal *seal, void *out)
{
    char *base = out;
    memset(base, 0, l->size);
    struct reader r = reader_of(b);
    uint8_t version = rec_u8(&r, l->oldest, l->newest);
    for (size_t i = 0; i < l->n && !reader_failed(&r); i++) {
        const struct rec_field *f = &l->fields[i];
        if (has(f, version)) {
            TRY(types[f->type].read(f, &r, seal, base + f->offset, base));
        } else if (f->absent != 0) {
            number_set(f, f->absent, base + f->offset);
        }
    }
    return rec_finish(&r);
}

err_t rec_parse(const struct rec_layout *l, struct bytes b, void *out)
{
    return rec_parse_keys(l, b, NULL, out);
}

/* -- names -------------------------------------------------------------------------------------------- */
enum { NAME_VERSION = 1 };

err_t rec_name_write(const char *name, struct writer *w)
{
    writer_u8(w, NAME_VERSION);
    writer_text16(w, name);
    return writer_finish(w);
}

err_t rec_name_parse(struct bytes b, char *out, size_t cap)
{
    struct reader r = reader_of(b);
    rec_version(&r, NAME_VERSION);
    reader_text16(&r, out, cap);
    return rec_finish(&r);
}

/* -- store --------------------------------------------------------------------------------------------- */
err_t rec_get(struct txn *t, enum store_table table, struct text id, struct bytes *out)
{
    struct store_value v;
    TRY(txn_get(t, table, id, &v));
    *out = v.data;
    return ERR_OK;
}

err_t rec_put(struct txn *t, enum store_table table, struct text id, const struct writer *w, enum store_put mode)
{
    TRY(writer_finish(w));
    return txn_put(t, table, id, writer_view(w), mode, 0);
}

/* -- rows of one client --------------------------------------------------------------------------------- */
struct own {
    store_scan_fn *fn;
    void *arg;
    size_t prefix;
    bool at_capitals;
};

static bool own_hit(void *arg, struct bytes id, struct store_value value)
{
    struct own *o = arg;
    struct text name = text_skip(text_span((const char *)id.p, id.n), o->prefix);
    if (text_find(name, '/') == name.n) {
        return o->fn(o->arg, id, value);
    }
    o->at_capitals = name.p[0] >= 'A' && name.p[0] <= 'Z'; /* a stem begins with C or S */
    return !o->at_capitals;
}

err_t rec_scan_own(struct txn *t, const struct store_scan *q, store_scan_fn *fn, void *arg)
{
    uint8_t buf[STORE_ID_MAX];
    struct writer beyond = WRITER_ARRAY(buf);
    struct store_scan rest = *q;
    struct own o = {.fn = fn, .arg = arg, .prefix = q->prefix.n};
    TRY(txn_scan(t, q, own_hit, &o));
    if (!o.at_capitals) {
        return ERR_OK;
    }
    writer_bytes(&beyond, q->prefix);
    writer_u8(&beyond, 'Z' + 1);
    TRY(writer_finish(&beyond));
    rest.after = writer_view(&beyond);
    return txn_scan(t, &rest, own_hit, &o);
}
