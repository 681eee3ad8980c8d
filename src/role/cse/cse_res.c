#include "role/cse/cse_res.h"

#include "base/hex.h"
#include "role/cse/cse_annc.h"
#include "role/cse/cse_bell.h"
#include "role/cse/cse_tally.h"
#include "role/rec.h"
#include "wire/json.h"
#include "wire/timestamp.h"

#include <string.h>

#define RECORD_VERSION 1
#define HEADER_MAX 4096

enum { FLAG_ACPI = 1, FLAG_WATCHED = 2, FLAG_ANNOUNCED = 4, FLAG_COUNTED = 8 };
#define CHILD_ANNOUNCED UINT32_C(0x80000000) /* beside the type in the index of children */

err_t cse_res_uid(const struct cse *cse, usec_t now, struct cse_uid *out)
{
    uint8_t b[CSE_RES_UID_LEN / 2];
    TRY(cse->env.crypto->random(b, sizeof(b)));
    for (size_t i = 0; i < 7; i++) {
        b[i] = (uint8_t)((uint64_t)now >> (8 * (6 - i)));
    }
    struct writer w = WRITER_ARRAY(out->z);
    hex_write_lower(&w, BYTES_ARRAY(b));
    return writer_finish_z(&w);
}

/* -- the record -------------------------------------------------------------------------------------- */
static void write_text(struct writer *w, struct text t)
{
    writer_block16(w, text_bytes(t));
}

void cse_res_write(const struct cse_res *r, struct writer *w)
{
    writer_u8(w, RECORD_VERSION);
    writer_u32(w, r->type->ty);
    const struct text texts[] = {r->ri, r->node, r->rn, r->pi, r->pnode, r->creator, r->credential};
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        write_text(w, texts[i]);
    }
    const uint64_t numbers[] = {(uint64_t)r->ct, (uint64_t)r->lt, (uint64_t)r->et, r->st,  r->number, r->size,
                                r->cni,          r->cbs,          r->mni,          r->mbs, r->mia,    r->floor,
                                r->swept};
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
        writer_u64(w, numbers[i]);
    }
    writer_u8(w, (uint8_t)((r->has_acpi ? FLAG_ACPI : 0) | (r->watched ? FLAG_WATCHED : 0) |
                           (r->announced ? FLAG_ANNOUNCED : 0) | (r->counted.n > 0 ? FLAG_COUNTED : 0)));
    if (r->counted.n > 0) {
        write_text(w, r->counted);
    }
    writer_u8(w, r->acpi_n);
    for (size_t i = 0; i < r->acpi_n; i++) {
        write_text(w, r->acpi[i]);
    }
    writer_block32(w, text_bytes(r->json));
}

static struct text read_text(struct reader *r)
{
    struct bytes b = reader_block16(r);
    return text_span((const char *)b.p, b.n);
}

err_t cse_res_parse(struct bytes b, struct cse_res *out)
{
    struct reader r = reader_of(b);
    *out = (struct cse_res){0};
    rec_version(&r, RECORD_VERSION);
    out->type = types_find(reader_u32(&r));
    struct text *const texts[] = {&out->ri,    &out->node,    &out->rn,        &out->pi,
                                  &out->pnode, &out->creator, &out->credential};
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        *texts[i] = read_text(&r);
    }
    out->ct = rec_time(&r);
    out->lt = rec_time(&r);
    out->et = rec_time(&r);
    uint64_t *const numbers[] = {&out->st,  &out->number, &out->size, &out->cni,   &out->cbs,
                                 &out->mni, &out->mbs,    &out->mia,  &out->floor, &out->swept};
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
        *numbers[i] = reader_u64(&r);
    }
    uint8_t flags = rec_u8(&r, 0, FLAG_ACPI | FLAG_WATCHED | FLAG_ANNOUNCED | FLAG_COUNTED);
    out->has_acpi = (flags & FLAG_ACPI) != 0;
    out->watched = (flags & FLAG_WATCHED) != 0;
    out->announced = (flags & FLAG_ANNOUNCED) != 0;
    bool counted = (flags & FLAG_COUNTED) != 0;
    out->counted = counted ? read_text(&r) : text_empty();
    out->acpi_n = rec_u8(&r, 0, CSE_RES_ACPI_MAX);
    for (size_t i = 0; i < out->acpi_n && i < CSE_RES_ACPI_MAX; i++) {
        out->acpi[i] = read_text(&r);
    }
    struct bytes json = reader_block32(&r);
    out->json = text_span((const char *)json.p, json.n);
    TRY(rec_finish(&r));
    bool full = out->type != NULL && out->ri.n > 0 && out->node.n > 0 && counted == (out->counted.n > 0);
    return full ? ERR_OK : ERR_MALFORMED_RECORD;
}

err_t cse_res_get(struct txn *t, struct text ri, usec_t now, struct cse_res *out)
{
    if (ri.n == 0 || ri.n >= M2MID_MAX) {
        return ERR_NOT_FOUND;
    }
    struct store_value v;
    TRY(txn_get(t, TABLE_CSE_RES, ri, &v));
    TRY(cse_res_parse(v.data, out));
    out->version = v.version;
    return out->et > now ? ERR_OK : ERR_NOT_FOUND;
}

err_t cse_res_keep(struct txn *t, struct text in, struct text *out)
{
    struct bytes b;
    if (!arena_dup(t->arena, text_bytes(in), &b)) {
        return ERR_LIMIT_CAPACITY;
    }
    *out = text_span((const char *)b.p, b.n);
    return ERR_OK;
}

err_t cse_res_parent(struct txn *t, const struct cse_res *child, usec_t now, struct cse_res *out)
{
    TRY(cse_res_get(t, child->pi, now, out));
    if (!text_eq(out->node, child->pnode)) {
        return ERR_NOT_FOUND;
    }
    bool instance = child->type->ty == TYPE_CIN;
    return instance && child->number < out->floor ? ERR_NOT_FOUND : ERR_OK;
}

/* -- names and children ------------------------------------------------------------------------------- */
static err_t name_key(struct writer *w, struct text node, struct text rn)
{
    writer_text(w, node);
    writer_u8(w, '/');
    writer_text(w, rn);
    return writer_finish(w);
}

static bool is_child_of(const struct cse_res *r, const struct cse_res *parent, struct text rn)
{
    return text_eq(r->rn, rn) && text_eq(r->pi, parent->ri) && text_eq(r->pnode, parent->node) &&
           (r->type->ty != TYPE_CIN || r->number >= parent->floor);
}

/* A generated name equals the resource identifier and has no entry of its own: one write less a resource. */
static err_t child_by_ri(struct txn *t, const struct cse_res *parent, struct text rn, usec_t now, struct cse_res *out)
{
    TRY(cse_res_get(t, rn, now, out));
    return is_child_of(out, parent, rn) ? ERR_OK : ERR_NOT_FOUND;
}

err_t cse_res_child(struct txn *t, const struct cse_res *parent, struct text rn, usec_t now, struct cse_res *out)
{
    char key[M2MID_MAX + 32];
    struct writer w = WRITER_ARRAY(key);
    if (!m2mid_is_unreserved(rn) || name_key(&w, parent->node, rn) != ERR_OK) {
        return ERR_NOT_FOUND;
    }
    if (rn.n == CSE_RES_UID_LEN && child_by_ri(t, parent, rn, now, out) == ERR_OK) {
        return ERR_OK;
    }
    struct store_value v;
    err_t e = txn_get(t, TABLE_CSE_NAME, writer_view_text(&w), &v);
    if (e == ERR_NOT_FOUND) {
        return child_by_ri(t, parent, rn, now, out);
    }
    TRY(e);
    TRY(cse_res_get(t, text_span((const char *)v.data.p, v.data.n), now, out));
    return is_child_of(out, parent, rn) ? ERR_OK : ERR_NOT_FOUND;
}

err_t cse_res_child_key(struct writer *w, struct text node, uint32_t ty, struct text place)
{
    writer_text(w, node);
    writer_u8(w, '/');
    if (ty != 0) {
        const uint8_t b[] = {(uint8_t)(ty >> 8), (uint8_t)ty};
        hex_write_lower(w, BYTES_ARRAY(b));
        writer_u8(w, '/');
        writer_text(w, place);
    }
    return writer_finish(w);
}

struct text cse_res_place(const struct cse_res *r, char out[static CSE_RES_UID_LEN + 1])
{
    if (r->type->ty != TYPE_CIN) {
        return r->node;
    }
    uint8_t b[8];
    struct writer number = WRITER_ARRAY(b);
    writer_u64(&number, r->number);
    struct writer w = writer_of(out, CSE_RES_UID_LEN + 1);
    hex_write_lower(&w, writer_view(&number));
    return writer_view_text(&w);
}

err_t cse_res_child_parse(struct bytes value, struct cse_child *out)
{
    struct reader r = reader_of(value);
    *out = (struct cse_child){0};
    rec_version(&r, RECORD_VERSION);
    uint32_t ty = reader_u32(&r);
    out->ty = ty & ~CHILD_ANNOUNCED;
    out->announced = (ty & CHILD_ANNOUNCED) != 0;
    out->number = reader_u64(&r);
    out->size = reader_u64(&r);
    out->et = rec_time(&r);
    out->ri = read_text(&r);
    out->rn = read_text(&r);
    return rec_finish(&r);
}

err_t cse_res_list(struct txn *t, const struct cse_res *r)
{
    char key[CSE_CHILD_KEY_MAX], place[CSE_RES_UID_LEN + 1], value[2 * M2MID_MAX + 64];
    struct writer k = WRITER_ARRAY(key);
    TRY(cse_res_child_key(&k, r->pnode, r->type->ty, cse_res_place(r, place)));
    struct writer w = WRITER_ARRAY(value);
    writer_u8(&w, RECORD_VERSION);
    writer_u32(&w, r->type->ty | (r->announced ? CHILD_ANNOUNCED : 0));
    writer_u64(&w, r->number);
    writer_u64(&w, r->size);
    writer_u64(&w, (uint64_t)r->et);
    write_text(&w, r->ri);
    write_text(&w, r->rn);
    return rec_put(t, TABLE_CSE_CHILD, writer_view_text(&k), &w, STORE_PUT_ANY);
}

err_t cse_res_put(struct txn *t, const struct cse_res *r)
{
    size_t cap = HEADER_MAX + r->json.n;
    void *buf = arena_alloc(t->arena, cap);
    if (buf == NULL) {
        return ERR_LIMIT_CAPACITY;
    }
    struct writer w = writer_of(buf, cap);
    cse_res_write(r, &w);
    return rec_put(t, TABLE_CSE_RES, r->ri, &w, STORE_PUT_ANY);
}

err_t cse_res_add(struct txn *t, const struct cse_res *r)
{
    TRY(cse_res_put(t, r));
    if (r->pi.n > 0) {
        TRY(cse_res_list(t, r));
    }
    if (r->pi.n == 0 || text_eq(r->rn, r->ri)) {
        return ERR_OK;
    }
    char key[M2MID_MAX + 32];
    struct writer w = WRITER_ARRAY(key);
    TRY(name_key(&w, r->pnode, r->rn));
    return txn_put(t, TABLE_CSE_NAME, writer_view_text(&w), text_bytes(r->ri), STORE_PUT_ANY, 0);
}

/* An index entry that is gone already is no reason to fail a removal. */
static err_t del(struct txn *t, enum store_table table, struct text key)
{
    err_t e = txn_del(t, table, key);
    return e == ERR_NOT_FOUND ? ERR_OK : e;
}

static const struct { /* types that are also kept in a compiled form, under the same identifier */
    uint32_t ty;
    enum store_table table;
} compiled[] = {
    {TYPE_ACP, TABLE_CSE_ACP},
    {TYPE_MSSP, TABLE_CSE_SUB},
    {TYPE_SVSN, TABLE_CSE_SUB},
    {TYPE_ASAR, TABLE_CSE_SUB},
    {TYPE_SUB, TABLE_CSE_NOTIFY},
};

/* A successor may have the name already: what is gone is collected later. */
static err_t name_remove(struct txn *t, struct text node, const struct cse_child *c)
{
    char name[M2MID_MAX + 32];
    struct writer w = WRITER_ARRAY(name);
    struct store_value v;
    TRY(name_key(&w, node, c->rn));
    err_t e = txn_get(t, TABLE_CSE_NAME, writer_view_text(&w), &v);
    bool own = e == ERR_OK && bytes_eq(v.data, text_bytes(c->ri));
    TRY(e == ERR_NOT_FOUND ? ERR_OK : e);
    return own ? del(t, TABLE_CSE_NAME, writer_view_text(&w)) : ERR_OK;
}

err_t cse_res_child_remove(struct txn *t, struct text node, struct bytes key, const struct cse_child *c)
{
    TRY(del(t, TABLE_CSE_CHILD, text_span((const char *)key.p, key.n)));
    TRY(text_eq(c->ri, c->rn) ? ERR_OK : name_remove(t, node, c));
    for (size_t i = 0; i < ARRAY_LEN(compiled); i++) {
        TRY(compiled[i].ty == c->ty ? del(t, compiled[i].table, c->ri) : ERR_OK);
    }
    TRY(c->announced ? cse_annc_gone(t, c->ri) : ERR_OK);
    TRY(c->ty == TYPE_AE_ANNC ? cse_tally_gone(t, key, c->ri) : ERR_OK);
    return del(t, TABLE_CSE_RES, c->ri);
}

/* Whoever waits at a polling channel that goes need wait no longer. */
static err_t ring_gone(struct txn *t, const struct cse_res *r)
{
    char topic[M2MID_MAX + 2];
    struct writer w = WRITER_ARRAY(topic);
    if (r->type->ty != TYPE_PCH && r->type->ty != TYPE_AE) {
        return ERR_OK;
    }
    writer_z(&w, "A:");
    writer_text(&w, r->type->ty == TYPE_PCH ? r->pi : r->ri);
    TRY(writer_finish(&w));
    return cse_bell_ring(t, writer_view_text(&w));
}

err_t cse_res_remove(struct txn *t, const struct cse_res *r)
{
    char key[CSE_CHILD_KEY_MAX], place[CSE_RES_UID_LEN + 1];
    struct writer k = WRITER_ARRAY(key);
    TRY(cse_res_child_key(&k, r->pnode, r->type->ty, cse_res_place(r, place)));
    const struct cse_child c = {.ri = r->ri, .rn = r->rn, .ty = r->type->ty};
    TRY(r->announced ? cse_annc_gone(t, r->node) : ERR_OK);
    TRY(ring_gone(t, r));
    return cse_res_child_remove(t, r->pnode, writer_view(&k), &c);
}

/* -- the representation ------------------------------------------------------------------------------- */
static void member(struct writer *w, const char *name)
{
    if (w->n > 0 && w->buf[w->n - 1] != '{') {
        writer_u8(w, ',');
    }
    writer_u8(w, '"');
    writer_z(w, name);
    writer_z(w, "\":");
}

static void member_text(struct writer *w, const char *name, struct text t)
{
    member(w, name);
    json_write_string(w, t);
}

static void member_uint(struct writer *w, const char *name, uint64_t v)
{
    member(w, name);
    writer_decimal(w, v);
}

static void member_time(struct writer *w, const char *name, usec_t t)
{
    member(w, name);
    writer_u8(w, '"');
    timestamp_write(w, t);
    writer_u8(w, '"');
}

static void header_members(const struct cse_res *r, struct writer *w)
{
    member_text(w, "rn", r->rn);
    member_uint(w, "ty", r->type->ty);
    member_text(w, "ri", r->ri);
    member_text(w, "pi", r->pi);
    member_time(w, "ct", r->ct);
    if (r->et != USEC_NEVER) {
        member_time(w, "et", r->et);
    }
}

static err_t given_members(const struct cse_res *r, const json_t *attrs, struct writer *w)
{
    const struct types_attr *a;
    for (size_t i = 0; (a = types_attr_at(r->type, i)) != NULL; i++) {
        const json_t *v = json_object_get(attrs, a->name);
        if (a->source != TYPES_GIVEN || v == NULL) {
            continue;
        }
        if (a->kind == TYPES_NULL) { /* creator, asked for with null */
            member_text(w, a->name, r->creator);
            continue;
        }
        member(w, a->name);
        if (json_is_string(v)) {
            json_write_string(w, text_span(json_string_value(v), json_string_length(v)));
            continue;
        }
        TRY(json_write(v, w));
    }
    return ERR_OK;
}

err_t cse_res_render(struct txn *t, struct cse_res *r, const json_t *attrs)
{
    size_t left = t->arena->cap - t->arena->used;
    size_t cap = left / 2 < CSE_RES_JSON_MAX ? left / 2 : CSE_RES_JSON_MAX;
    size_t before = t->arena->used;
    uint8_t *buf = cap > 64 ? t->arena->buf + before : NULL;
    if (buf == NULL) {
        return ERR_LIMIT_CAPACITY;
    }
    struct writer w = writer_of(buf, cap); /* written in place, then taken: its length is not known before */
    writer_z(&w, "{\"");
    writer_z(&w, r->type->root);
    writer_z(&w, "\":{");
    header_members(r, &w);
    TRY(given_members(r, attrs, &w));
    TRY(writer_finish(&w));
    t->arena->used = before + w.n;
    r->json = writer_view_text(&w);
    return ERR_OK;
}

static void tail_members(const struct cse_res *r, struct writer *w)
{
    member_time(w, "lt", r->lt);
    if ((r->type->flags & TYPES_HAS_STATE) != 0) {
        member_uint(w, "st", r->st);
    }
    if (r->type->ty == TYPE_CNT) {
        member_uint(w, "cni", r->cni);
        member_uint(w, "cbs", r->cbs);
    }
}

void cse_res_emit(const struct cse_res *r, struct writer *w)
{
    writer_text(w, r->json);
    tail_members(r, w);
    writer_z(w, "}}");
}

void cse_res_emit_open(const struct cse_res *r, struct writer *w)
{
    writer_text(w, text_skip(r->json, strlen(r->type->root) + 4)); /* {"m2m:cnt": */
    tail_members(r, w);
}

err_t cse_res_attrs(struct txn *t, const struct cse_res *r, json_t **out)
{
    uint8_t *buf = arena_alloc(t->arena, r->json.n + 2);
    if (buf == NULL) {
        return ERR_LIMIT_CAPACITY;
    }
    struct writer w = writer_of(buf, r->json.n + 2);
    writer_text(&w, r->json);
    writer_z(&w, "}}");
    SCOPED(json_scope) json_t *whole = NULL;
    if (json_parse(writer_view(&w), &whole) != ERR_OK) {
        return ERR_MALFORMED_RECORD;
    }
    *out = json_incref(json_object_get(whole, r->type->root));
    return json_is_object(*out) ? ERR_OK : ERR_MALFORMED_RECORD;
}
