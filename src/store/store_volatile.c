#include "store/store_volatile.h"

#include "store/store_ways.h"

#include <stdlib.h>
#include <string.h>

struct volatiles {
    struct store base;
    struct store *inner;
    struct store_ways ways; /* in each set the record that was put last stands first: no age has to be looked up */
};

static struct volatiles *of(struct store *s)
{
    return (struct volatiles *)s;
}

static struct store_ways_place *find(struct volatiles *v, enum store_table t, struct bytes id)
{
    return store_ways_find(&v->ways, store_ways_hash(&v->ways, t, id), t, id);
}

/* An empty place, or that of the record that was not put for longest. */
static struct store_ways_place *place_in(struct store_ways_place *set)
{
    size_t i = 0;
    while (i < STORE_WAYS - 1 && set[i].e != NULL) {
        i++;
    }
    return &set[i];
}

static void to_front(struct store_ways_place *set, struct store_ways_place *place)
{
    const struct store_ways_place newest = *place;
    memmove(set + 1, set, (size_t)(place - set) * sizeof(*set));
    set[0] = newest;
}

static err_t volatile_get(struct store *s, enum store_table t, struct bytes id, struct arena *a, struct store_value *out)
{
    struct volatiles *v = of(s);
    if (!store_is_volatile(t)) {
        return store_get(v->inner, t, id, a, out);
    }
    const struct store_ways_place *place = find(v, t, id);
    if (place == NULL) {
        return ERR_NOT_FOUND;
    }
    const struct store_value there = store_ways_value(place->e);
    out->version = there.version;
    return arena_dup(a, there.data, &out->data) ? ERR_OK : ERR_LIMIT_CAPACITY;
}

static err_t volatile_put(struct store *s, enum store_table t, struct bytes id, struct bytes data, enum store_put mode,
                          uint64_t version)
{
    struct volatiles *v = of(s);
    if (!store_is_volatile(t)) {
        return store_put(v->inner, t, id, data, mode, version);
    }
    if (mode != STORE_PUT_ANY) {
        return ERR_BUG;
    }
    const uint64_t hash = store_ways_hash(&v->ways, t, id);
    struct store_ways_place *set = store_ways_set(&v->ways, hash);
    struct store_ways_place *place = store_ways_find(&v->ways, hash, t, id);
    const struct store_ways_entry head = {.version = place == NULL ? 1 : place->e->version + 1, .table = t};
    place = place == NULL ? place_in(set) : place;
    if (!store_ways_put(place, hash, &head, id, data)) {
        return ERR_LIMIT_CAPACITY;
    }
    to_front(set, place);
    return ERR_OK;
}

static err_t volatile_del(struct store *s, enum store_table t, struct bytes id)
{
    struct volatiles *v = of(s);
    if (!store_is_volatile(t)) {
        return store_del(v->inner, t, id);
    }
    struct store_ways_place *place = find(v, t, id);
    if (place == NULL) {
        return ERR_NOT_FOUND;
    }
    store_ways_drop(place);
    return ERR_OK;
}

static err_t volatile_scan(struct store *s, const struct store_scan *q, store_scan_fn *fn, void *arg)
{
    struct volatiles *v = of(s);
    if (!store_is_volatile(q->table)) {
        return store_scan(v->inner, q, fn, arg);
    }
    const struct store_ways_place *place = find(v, q->table, q->prefix);
    if (place != NULL && q->after.n == 0) {
        (void)fn(arg, q->prefix, store_ways_value(place->e));
    }
    return ERR_OK;
}

static err_t volatile_begin(struct store *s, bool write)
{
    return store_begin(of(s)->inner, write);
}

static err_t volatile_commit(struct store *s)
{
    return store_commit(of(s)->inner);
}

static void volatile_rollback(struct store *s)
{
    store_rollback(of(s)->inner);
}

static uint64_t volatile_changes(struct store *s)
{
    return store_changes(of(s)->inner);
}

static void volatile_close(struct store *s)
{
    struct volatiles *v = of(s);
    store_close(v->inner);
    store_ways_wipe(&v->ways);
    free(v);
}

static const struct store_ops volatile_ops = {
    .close = volatile_close,
    .begin = volatile_begin,
    .get = volatile_get,
    .put = volatile_put,
    .del = volatile_del,
    .scan = volatile_scan,
    .commit = volatile_commit,
    .rollback = volatile_rollback,
    .changes = volatile_changes,
};

err_t store_volatile_open(struct store *inner, size_t records, uint64_t secret, struct store **out)
{
    *out = NULL;
    struct volatiles *v = calloc(1, sizeof(*v));
    if (v == NULL || store_ways_init(&v->ways, records, secret) != ERR_OK) {
        free(v);
        store_close(inner); /* it was given to us */
        return ERR_STORE;
    }
    v->base.ops = &volatile_ops;
    v->inner = inner;
    *out = &v->base;
    return ERR_OK;
}

struct store *store_volatile_inner(struct store *s)
{
    return s->ops == &volatile_ops ? of(s)->inner : s;
}

void store_volatile_forget(struct store *s)
{
    struct store_ways *w = s->ops == &volatile_ops ? &of(s)->ways : NULL;
    for (size_t i = 0; w != NULL && i < store_ways_places(w); i++) {
        store_ways_drop(&w->at[i]);
    }
}
