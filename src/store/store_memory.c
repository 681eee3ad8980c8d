/*
 * A sorted array of records per table and an undo log. Positions stay good during a scan because store.c lets no
 * callback change anything.
 */
#include "store/store_memory.h"
#include "store/store_range.h"

#include <stdlib.h>
#include <string.h>

enum {
#define X(name, number, doc) ROW_##name,
#include "store/table_rows.h"
#undef X
    ROWS
};

struct record {
    uint64_t version;
    size_t id_n;
    size_t data_n;
    uint8_t b[]; /* id, then data */
};

struct list {
    struct record **at;
    size_t n;
    size_t cap;
};

/* What a table held under an id before a change: `was` is owned here until the transaction ends. */
struct undo {
    size_t row;
    struct record *was;     /* NULL: nothing */
    struct record *created; /* the record a put made, borrowed; NULL for a delete */
};

struct memory {
    struct store base;
    struct list tables[ROWS];
    struct undo *undo;
    size_t undo_n;
    size_t undo_cap;
    uint64_t changes;
};

static struct memory *of(struct store *s)
{
    return (struct memory *)s;
}

static size_t row_of(enum store_table t)
{
    switch (t) {
#define X(name, number, doc)                                                                                           \
    case TABLE_##name:                                                                                                 \
        return ROW_##name;
#include "store/table_rows.h"
#undef X
    }
    return ROW_META; /* store.c lets no other number in */
}

static struct bytes id_of(const struct record *r)
{
    return bytes_of(r->b, r->id_n);
}

static struct store_value value_of(const struct record *r)
{
    return (struct store_value){bytes_of(r->b + r->id_n, r->data_n), r->version};
}

/* First position whose id is >= `id`. */
static size_t lower(const struct list *l, struct bytes id)
{
    size_t from = 0;
    size_t to = l->n;
    while (from < to) {
        size_t mid = from + (to - from) / 2;
        if (bytes_cmp(id_of(l->at[mid]), id) < 0) {
            from = mid + 1;
        } else {
            to = mid;
        }
    }
    return from;
}

static struct record *found_at(const struct list *l, size_t i, struct bytes id)
{
    return i < l->n && bytes_eq(id_of(l->at[i]), id) ? l->at[i] : NULL;
}

static bool room(void **at, size_t *cap, size_t n, size_t size)
{
    if (n < *cap) {
        return true;
    }
    size_t want = *cap == 0 ? 16 : *cap * 2;
    void *p = realloc(*at, want * size);
    if (p == NULL) {
        return false;
    }
    *at = p;
    *cap = want;
    return true;
}

static bool list_room(struct list *l)
{
    void *at = l->at;
    bool ok = room(&at, &l->cap, l->n, sizeof(struct record *));
    l->at = at;
    return ok;
}

static bool undo_room(struct memory *m)
{
    void *at = m->undo;
    bool ok = room(&at, &m->undo_cap, m->undo_n, sizeof(struct undo));
    m->undo = at;
    return ok;
}

static void list_insert(struct list *l, size_t i, struct record *r)
{
    memmove(&l->at[i + 1], &l->at[i], (l->n - i) * sizeof(struct record *));
    l->at[i] = r;
    l->n++;
}

static void list_remove(struct list *l, size_t i)
{
    memmove(&l->at[i], &l->at[i + 1], (l->n - i - 1) * sizeof(struct record *));
    l->n--;
}

static struct record *record_new(struct bytes id, struct bytes data, uint64_t version)
{
    struct record *r = malloc(sizeof(*r) + id.n + data.n);
    if (r != NULL) {
        *r = (struct record){.version = version, .id_n = id.n, .data_n = data.n};
        memcpy(r->b, id.p, id.n);
        memcpy(r->b + id.n, data.p, data.n);
    }
    return r;
}

static void memory_close(struct store *s)
{
    struct memory *m = of(s);
    store_rollback(s);
    for (size_t row = 0; row < ROWS; row++) {
        for (size_t i = 0; i < m->tables[row].n; i++) {
            free(m->tables[row].at[i]);
        }
        free(m->tables[row].at);
    }
    free(m->undo);
    free(m);
}

static err_t memory_begin(struct store *s, bool write)
{
    (void)s;
    (void)write;
    return ERR_OK;
}

static err_t memory_get(struct store *s, enum store_table t, struct bytes id, struct arena *a, struct store_value *out)
{
    const struct list *l = &of(s)->tables[row_of(t)];
    const struct record *r = found_at(l, lower(l, id), id);
    if (r == NULL) {
        return ERR_NOT_FOUND;
    }
    struct store_value v = value_of(r);
    out->version = v.version;
    return arena_dup(a, v.data, &out->data) ? ERR_OK : ERR_LIMIT_CAPACITY;
}

static err_t check_mode(const struct record *old, enum store_put mode, uint64_t version)
{
    if (mode == STORE_PUT_IF_ABSENT && old != NULL) {
        return ERR_EXISTS;
    }
    if (mode == STORE_PUT_IF_VERSION && (old == NULL || old->version != version)) {
        return ERR_STORE_CONFLICT;
    }
    return ERR_OK;
}

static err_t memory_put(struct store *s, enum store_table t, struct bytes id, struct bytes data, enum store_put mode,
                        uint64_t version)
{
    struct memory *m = of(s);
    struct list *l = &m->tables[row_of(t)];
    size_t i = lower(l, id);
    struct record *old = found_at(l, i, id);
    TRY(check_mode(old, mode, version));
    struct record *r = record_new(id, data, old == NULL ? 1 : old->version + 1);
    if (r == NULL || !list_room(l) || !undo_room(m)) {
        free(r);
        return ERR_STORE;
    }
    m->undo[m->undo_n++] = (struct undo){row_of(t), old, r};
    if (old == NULL) {
        list_insert(l, i, r);
    } else {
        l->at[i] = r;
    }
    return ERR_OK;
}

static err_t memory_del(struct store *s, enum store_table t, struct bytes id)
{
    struct memory *m = of(s);
    struct list *l = &m->tables[row_of(t)];
    size_t i = lower(l, id);
    struct record *old = found_at(l, i, id);
    if (old == NULL) {
        return ERR_NOT_FOUND;
    }
    if (!undo_room(m)) {
        return ERR_STORE;
    }
    m->undo[m->undo_n++] = (struct undo){row_of(t), old, NULL};
    list_remove(l, i);
    return ERR_OK;
}

static err_t memory_scan(struct store *s, const struct store_scan *q, store_scan_fn *fn, void *arg)
{
    const struct list *l = &of(s)->tables[row_of(q->table)];
    struct store_range range;
    store_range_of(q, &range);
    size_t from = lower(l, range.lo);
    size_t to = range.bounded ? lower(l, range.hi) : l->n;
    for (size_t n = 0; from < to && (q->limit == 0 || n < q->limit); n++) {
        const struct record *r = q->order == STORE_ASCENDING ? l->at[from++] : l->at[--to];
        if (!fn(arg, id_of(r), value_of(r))) {
            break;
        }
    }
    return ERR_OK;
}

static err_t memory_commit(struct store *s)
{
    struct memory *m = of(s);
    for (size_t i = 0; i < m->undo_n; i++) {
        free(m->undo[i].was);
    }
    m->undo_n = 0;
    m->changes++;
    return ERR_OK;
}

static void memory_rollback(struct store *s)
{
    struct memory *m = of(s);
    while (m->undo_n > 0) {
        struct undo *u = &m->undo[--m->undo_n];
        struct list *l = &m->tables[u->row];
        size_t i = lower(l, id_of(u->was != NULL ? u->was : u->created));
        if (u->created == NULL) {
            list_insert(l, i, u->was); /* room: the record stood here before */
        } else if (u->was == NULL) {
            list_remove(l, i);
        } else {
            l->at[i] = u->was;
        }
        free(u->created);
    }
}

static uint64_t memory_changes(struct store *s)
{
    return of(s)->changes;
}

static const struct store_ops memory_ops = {
    .close = memory_close,
    .begin = memory_begin,
    .get = memory_get,
    .put = memory_put,
    .del = memory_del,
    .scan = memory_scan,
    .commit = memory_commit,
    .rollback = memory_rollback,
    .changes = memory_changes,
};

err_t store_memory_open(struct store **out)
{
    *out = NULL;
    struct memory *m = calloc(1, sizeof(*m));
    if (m == NULL) {
        return ERR_STORE;
    }
    m->base.ops = &memory_ops;
    *out = &m->base;
    return ERR_OK;
}
