#include "recorder.h"

#include <stdlib.h>

#define CHANGES_MAX 4096
#define ARENA_SIZE (8u << 20)

struct change {
    enum store_table table;
    struct bytes id, data;
    enum store_put mode;
    uint64_t version;
    bool is_delete;
};

struct recorder {
    struct store base;
    struct store *inner;
    struct change at[CHANGES_MAX];
    size_t n;
    void *room;
    struct arena arena;
};

static struct recorder *of(struct store *s)
{
    return (struct recorder *)s;
}

static err_t note(struct recorder *r, const struct change *c)
{
    if (r->n == CHANGES_MAX) {
        return ERR_LIMIT_CAPACITY;
    }
    struct change *n = &r->at[r->n];
    *n = *c;
    if (!arena_dup(&r->arena, c->id, &n->id) || !arena_dup(&r->arena, c->data, &n->data)) {
        return ERR_LIMIT_CAPACITY;
    }
    r->n++;
    return ERR_OK;
}

static void op_close(struct store *s)
{
    free(of(s)->room);
    free(s);
}

static err_t op_begin(struct store *s, bool write)
{
    return store_begin(of(s)->inner, write);
}

static err_t op_get(struct store *s, enum store_table t, struct bytes id, struct arena *a, struct store_value *out)
{
    return store_get(of(s)->inner, t, id, a, out);
}

static err_t op_put(struct store *s, enum store_table t, struct bytes id, struct bytes data, enum store_put mode,
                    uint64_t version)
{
    TRY(store_put(of(s)->inner, t, id, data, mode, version));
    return note(of(s), &(struct change){t, id, data, mode, version, false});
}

static err_t op_del(struct store *s, enum store_table t, struct bytes id)
{
    TRY(store_del(of(s)->inner, t, id));
    return note(of(s), &(struct change){t, id, bytes_empty(), STORE_PUT_ANY, 0, true});
}

static err_t op_scan(struct store *s, const struct store_scan *q, store_scan_fn *fn, void *arg)
{
    return store_scan(of(s)->inner, q, fn, arg);
}

static err_t op_commit(struct store *s)
{
    return store_commit(of(s)->inner);
}

static void op_rollback(struct store *s)
{
    store_rollback(of(s)->inner);
}

static uint64_t op_changes(struct store *s)
{
    return store_changes(of(s)->inner);
}

static const struct store_ops ops = {op_close, op_begin, op_get, op_put, op_del, op_scan, op_commit, op_rollback, op_changes};

err_t recorder_open(struct store *inner, struct store **out)
{
    struct recorder *r = calloc(1, sizeof(*r));
    void *room = malloc(ARENA_SIZE);
    if (r == NULL || room == NULL) {
        free(r);
        free(room);
        return ERR_LIMIT_CAPACITY;
    }
    r->base.ops = &ops;
    r->inner = inner;
    r->room = room;
    r->arena = arena_of(room, ARENA_SIZE);
    *out = &r->base;
    return ERR_OK;
}

void recorder_forget(struct store *s)
{
    of(s)->n = 0;
    arena_reset(&of(s)->arena);
}

err_t recorder_replay(const struct store *s, struct store *to)
{
    const struct recorder *r = (const struct recorder *)s;
    for (size_t i = 0; i < r->n; i++) {
        const struct change *c = &r->at[i];
        TRY(c->is_delete ? store_del(to, c->table, c->id)
                         : store_put(to, c->table, c->id, c->data, c->mode, c->version));
    }
    return ERR_OK;
}

size_t recorder_changes(const struct store *s)
{
    return ((const struct recorder *)s)->n;
}
