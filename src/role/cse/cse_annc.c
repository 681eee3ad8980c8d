#include "role/cse/cse_annc.h"

#include "base/hex.h"
#include "role/rec.h"

#define AT_ONCE 1 /* of the index: before everything that has a time */

enum { VERSION = 1 };
static const struct rec_field fields[] = {
    {REC_U8, REC_AT(struct cse_annc, state), .low = CSE_ANNC_NEW, .high = CSE_ANNC_LEAVING},
    {REC_U8, REC_AT(struct cse_annc, tries), .high = UINT8_MAX},
    {REC_VIEW16, REC_AT(struct cse_annc, node)},
    {REC_VIEW16, REC_AT(struct cse_annc, ri)},
    {REC_VIEW16, REC_AT(struct cse_annc, target)},
    {REC_VIEW16, REC_AT(struct cse_annc, remote)},
    {REC_TIME, REC_AT(struct cse_annc, ty)},
    {REC_TIME, REC_AT(struct cse_annc, change)},
    {REC_TIME, REC_AT(struct cse_annc, due)},
    {REC_TIME, REC_AT(struct cse_annc, since)},
    {REC_TIME, REC_AT(struct cse_annc, rsc)},
};
static const struct rec_layout layout = REC_LAYOUT(struct cse_annc, fields, VERSION, VERSION);

err_t cse_annc_parse(struct bytes b, struct cse_annc *out)
{
    return rec_parse(&layout, b, out);
}

enum states_state cse_annc_standing(const struct cse_annc *a)
{
    if (a->state == CSE_ANNC_LEAVING) {
        return STATES_ANNC_LEAVING;
    }
    return a->rsc != 0 ? STATES_ANNC_REFUSED : a->state == CSE_ANNC_CURRENT ? STATES_ANNC_CURRENT : STATES_ANNC_PENDING;
}

/* -- keys ------------------------------------------------------------------------------------------------- */
err_t cse_annc_key(struct text node, struct text target, struct writer *w)
{
    writer_text(w, node);
    writer_u8(w, ' ');
    writer_text(w, target);
    return writer_finish(w);
}

/* TARGET TIME NODE: in order of time below TARGET and a blank. */
static err_t due_key(const struct cse_annc *a, struct writer *w)
{
    uint8_t b[8];
    struct writer octets = WRITER_ARRAY(b);
    writer_u64(&octets, (uint64_t)a->due);
    writer_text(w, a->target);
    writer_u8(w, ' ');
    hex_write_lower(w, writer_view(&octets));
    writer_u8(w, ' ');
    writer_text(w, a->node);
    return writer_finish(w);
}

static err_t leave_index(struct txn *t, const struct cse_annc *a)
{
    char key[CSE_ANNC_KEY_MAX];
    struct writer k = WRITER_ARRAY(key);
    TRY(due_key(a, &k));
    err_t e = txn_del(t, TABLE_CSE_ANNC_DUE, writer_view_text(&k));
    return e == ERR_NOT_FOUND ? ERR_OK : e;
}

/* -- one record --------------------------------------------------------------------------------------------- */
err_t cse_annc_find(struct txn *t, struct text key, struct cse_annc *out)
{
    struct bytes b;
    TRY(rec_get(t, TABLE_CSE_ANNC, key, &b));
    return cse_annc_parse(b, out);
}

err_t cse_annc_get(struct txn *t, struct text node, struct text target, struct cse_annc *out)
{
    char key[CSE_ANNC_KEY_MAX];
    struct writer k = WRITER_ARRAY(key);
    TRY(cse_annc_key(node, target, &k));
    return cse_annc_find(t, writer_view_text(&k), out);
}

err_t cse_annc_put(struct txn *t, struct cse_annc *a, usec_t due)
{
    char key[CSE_ANNC_KEY_MAX], index[CSE_ANNC_KEY_MAX];
    uint8_t buf[2 * M2MID_MAX + CSE_ANNC_REMOTE_MAX + M2MID_MAX + 128];
    struct writer k = WRITER_ARRAY(key);
    struct writer i = WRITER_ARRAY(index);
    struct writer w = WRITER_ARRAY(buf);
    TRY(a->due != 0 && a->due != due ? leave_index(t, a) : ERR_OK);
    a->due = due;
    TRY(cse_annc_key(a->node, a->target, &k));
    TRY(due_key(a, &i));
    TRY(rec_write(&layout, VERSION, a, NULL, &w));
    TRY(txn_put(t, TABLE_CSE_ANNC_DUE, writer_view_text(&i), writer_view(&k), STORE_PUT_ANY, 0));
    return rec_put(t, TABLE_CSE_ANNC, writer_view_text(&k), &w, STORE_PUT_ANY);
}

err_t cse_annc_remove(struct txn *t, const struct cse_annc *a)
{
    char key[CSE_ANNC_KEY_MAX];
    struct writer k = WRITER_ARRAY(key);
    TRY(leave_index(t, a));
    TRY(cse_annc_key(a->node, a->target, &k));
    return txn_del(t, TABLE_CSE_ANNC, writer_view_text(&k));
}

/* -- those of a resource -------------------------------------------------------------------------------------- */
struct gather {
    struct arena *arena;
    struct cse_annc_list *out;
    err_t err;
};

static bool gather_hit(void *arg, struct bytes id, struct store_value value)
{
    struct gather *g = arg;
    struct bytes copy;
    (void)id;
    g->err = arena_dup(g->arena, value.data, &copy) ? ERR_OK : ERR_LIMIT_CAPACITY;
    g->out->n += g->err == ERR_OK && cse_annc_parse(copy, &g->out->at[g->out->n]) == ERR_OK; /* set aside when it is due */
    return g->err == ERR_OK && g->out->n < ARRAY_LEN(g->out->at);
}

err_t cse_annc_of(struct txn *t, struct text node, struct cse_annc_list *out)
{
    char key[CSE_ANNC_KEY_MAX];
    struct writer k = WRITER_ARRAY(key);
    struct gather g = {.arena = t->arena, .out = out};
    out->n = 0;
    TRY(cse_annc_key(node, text_empty(), &k));
    const struct store_scan s = {.table = TABLE_CSE_ANNC, .prefix = writer_view(&k), .after = bytes_empty(),
                                 .order = STORE_ASCENDING, .limit = ARRAY_LEN(out->at)};
    TRY(txn_scan(t, &s, gather_hit, &g));
    return g.err;
}

err_t cse_annc_gone(struct txn *t, struct text node)
{
    struct cse_annc_list all;
    TRY(cse_annc_of(t, node, &all));
    for (size_t i = 0; i < all.n; i++) {
        all.at[i].state = CSE_ANNC_LEAVING;
        all.at[i].change++;
        TRY(cse_annc_put(t, &all.at[i], AT_ONCE));
    }
    return ERR_OK;
}

err_t cse_annc_base_changed(struct txn *t, usec_t now)
{
    struct cse_annc_list all;
    TRY(cse_annc_of(t, text_of(CSE_NODE_ROOT), &all));
    for (size_t i = 0; i < all.n; i++) {
        struct cse_annc *a = &all.at[i];
        a->state = a->state == CSE_ANNC_CURRENT ? CSE_ANNC_CHANGED : a->state;
        a->change++;
        a->tries = 0;
        a->rsc = 0;
        a->since = now;
        TRY(cse_annc_put(t, a, now));
    }
    return ERR_OK;
}

/* -- what is due ------------------------------------------------------------------------------------------------ */
#define TIDY_MAX 16 /* entries looked at at a time */

struct first {
    struct arena *arena;
    struct bytes id[TIDY_MAX], key[TIDY_MAX];
    size_t n, max;
    bool full;
};

static bool first_hit(void *arg, struct bytes id, struct store_value value)
{
    struct first *f = arg;
    f->full = !arena_dup(f->arena, id, &f->id[f->n]) || !arena_dup(f->arena, value.data, &f->key[f->n]);
    f->n += !f->full;
    return !f->full && f->n < f->max;
}

/* The first `max` of the index for this CSE; *skip: where their times are. */
static err_t first_of(struct txn *t, struct text target, size_t max, struct first *f, size_t *skip)
{
    char prefix[M2MID_MAX + 1];
    struct writer w = WRITER_ARRAY(prefix);
    *f = (struct first){.arena = t->arena, .max = max};
    writer_text(&w, target);
    writer_u8(&w, ' ');
    TRY(writer_finish(&w));
    const struct store_scan s = {.table = TABLE_CSE_ANNC_DUE, .prefix = writer_view(&w), .after = bytes_empty(),
                                 .order = STORE_ASCENDING, .limit = max};
    *skip = w.n;
    TRY(txn_scan(t, &s, first_hit, f));
    return f->full ? ERR_LIMIT_CAPACITY : ERR_OK;
}

static usec_t time_of(struct bytes id, size_t at)
{
    uint8_t b[8];
    struct writer w = WRITER_ARRAY(b);
    struct text digits = text_take(text_skip(text_span((const char *)id.p, id.n), at), 2 * sizeof(b));
    if (hex_parse(digits, &w) != ERR_OK || w.n != sizeof(b)) {
        return 0;
    }
    struct reader r = reader_of(writer_view(&w));
    return (usec_t)reader_u64(&r);
}

/* The record that an entry of the index leads to, if it is in the index there. */
static err_t led_to(struct txn *t, struct bytes key, usec_t due, struct cse_annc *out, bool *stale)
{
    err_t e = cse_annc_find(t, text_span((const char *)key.p, key.n), out);
    *stale = e == ERR_NOT_FOUND || (e == ERR_OK && out->due != due);
    return *stale ? ERR_OK : e;
}

err_t cse_annc_due(struct txn *t, struct text target, usec_t now, struct cse_annc *out, bool *stale)
{
    struct first f;
    size_t skip = 0;
    TRY(first_of(t, target, 1, &f, &skip));
    if (f.n == 0 || time_of(f.id[0], skip) > now) {
        return ERR_NOT_FOUND;
    }
    err_t e = led_to(t, f.key[0], time_of(f.id[0], skip), out, stale);
    if (*stale || e == ERR_MALFORMED_RECORD) {
        struct text key = text_span((const char *)f.key[0].p, f.key[0].n);
        *out = (struct cse_annc){.node = text_take(key, text_find(key, ' ')), .target = target};
    }
    return e;
}

err_t cse_annc_tidy(struct txn *t, struct text target)
{
    struct first f;
    struct cse_annc a;
    size_t skip = 0;
    TRY(first_of(t, target, TIDY_MAX, &f, &skip));
    for (size_t i = 0; i < f.n; i++) {
        bool stale = false;
        err_t e = led_to(t, f.key[i], time_of(f.id[i], skip), &a, &stale);
        TRY(e == ERR_MALFORMED_RECORD ? ERR_OK : e);
        TRY(stale ? txn_del(t, TABLE_CSE_ANNC_DUE, text_span((const char *)f.id[i].p, f.id[i].n)) : ERR_OK);
    }
    return ERR_OK;
}

err_t cse_annc_set_aside(struct txn *t, struct text key)
{
    char aside[CSE_ANNC_KEY_MAX + 1];
    struct writer w = WRITER_ARRAY(aside);
    struct store_value v;
    TRY(txn_get(t, TABLE_CSE_ANNC, key, &v));
    writer_u8(&w, CSE_ANNC_ASIDE);
    writer_text(&w, key);
    TRY(writer_finish(&w));
    TRY(txn_put(t, TABLE_CSE_ANNC, writer_view_text(&w), v.data, STORE_PUT_ANY, 0));
    return txn_del(t, TABLE_CSE_ANNC, key);
}
