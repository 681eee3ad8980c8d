/*
 * Emptying is a step of the generation number, which is the mark of an entry; stale ones go when their place or their octets are needed.
 */
#include "store/store_cached.h"

#include "store/store_ways.h"

#include <stdlib.h>

#define SETS_MAX 16384
#define ENTRY_SHARE 8 /* a record larger than 1/8 of the capacity is not kept */

struct cached {
    struct store base;
    struct store *inner;
    struct store_ways ways;
    size_t next; /* whose turn it is to make room */
    size_t used;
    size_t capacity;
    uint64_t generation;
    uint64_t seen; /* change counter at the last begin */
    bool dirty;    /* this transaction has changed something: what is kept may never be committed */
};

/* A record as it is looked for, and where it stands. */
struct spot {
    uint64_t hash;
    struct store_ways_place *place; /* or NULL: nowhere */
};

static struct cached *of(struct store *s)
{
    return (struct cached *)s;
}

static size_t size_at(const struct store_ways_place *place)
{
    return place->e == NULL ? 0 : store_ways_size(place->e->id_n, place->e->data_n);
}

/* NULL: there is nothing. */
static void drop(struct cached *c, struct store_ways_place *place)
{
    if (place != NULL) {
        c->used -= size_at(place);
        store_ways_drop(place);
    }
}

static struct spot spot_of(struct cached *c, enum store_table t, struct bytes id)
{
    const uint64_t hash = store_ways_hash(&c->ways, t, id);
    return (struct spot){hash, store_ways_find(&c->ways, hash, t, id)};
}

static bool is_fresh(const struct cached *c, const struct spot *s)
{
    return s->place != NULL && s->place->e->mark == c->generation;
}

/* An empty place, else a stale one, else the one whose turn it is. */
static struct store_ways_place *place_in(struct cached *c, struct store_ways_place *set)
{
    struct store_ways_place *stale = NULL;
    for (size_t i = 0; i < STORE_WAYS; i++) {
        if (set[i].e == NULL) {
            return &set[i];
        }
        if (set[i].e->mark != c->generation) {
            stale = &set[i];
        }
    }
    return stale != NULL ? stale : &set[c->next % STORE_WAYS];
}

static void next(struct cached *c)
{
    c->next = (c->next + 1) % store_ways_places(&c->ways);
}

static void make_room(struct cached *c, size_t want)
{
    while (c->used > 0 && c->capacity - c->used < want) {
        drop(c, &c->ways.at[c->next]);
        next(c);
    }
}

/* Takes the place of what was kept of this record; a failure leaves nothing of it. */
static void keep(struct cached *c, const struct spot *s, enum store_table t, struct bytes id, struct store_value v)
{
    const size_t want = store_ways_size(id.n, v.data.n);
    if (want > c->capacity / ENTRY_SHARE) {
        drop(c, s->place);
        return;
    }
    struct store_ways_place *place = s->place != NULL ? s->place : place_in(c, store_ways_set(&c->ways, s->hash));
    const struct store_ways_entry head = {.version = v.version, .mark = c->generation, .table = t};
    make_room(c, want);
    const size_t before = size_at(place);
    if (!store_ways_put(place, s->hash, &head, id, v.data)) {
        drop(c, place);
        return;
    }
    c->used += want - before;
    next(c);
}

static void cached_close(struct store *s)
{
    struct cached *c = of(s);
    store_close(c->inner);
    store_ways_wipe(&c->ways);
    free(c);
}

static err_t cached_begin(struct store *s, bool write)
{
    struct cached *c = of(s);
    TRY(store_begin(c->inner, write));
    /* Asked inside the transaction: the counter belongs to the snapshot that is read from now on. */
    uint64_t now = store_changes(c->inner);
    if (now != c->seen) {
        c->seen = now;
        c->generation++;
    }
    c->dirty = false;
    return ERR_OK;
}

static err_t cached_get(struct store *s, enum store_table t, struct bytes id, struct arena *a, struct store_value *out)
{
    struct cached *c = of(s);
    const struct spot spot = spot_of(c, t, id);
    if (is_fresh(c, &spot)) {
        const struct store_value there = store_ways_value(spot.place->e);
        out->version = there.version;
        return arena_dup(a, there.data, &out->data) ? ERR_OK : ERR_LIMIT_CAPACITY;
    }
    TRY(store_get(c->inner, t, id, a, out));
    keep(c, &spot, t, id, *out);
    return ERR_OK;
}

/* A record that was read before is likely to be read again; one that was not, is not taken in: as one that was absent until now. */
static err_t cached_put(struct store *s, enum store_table t, struct bytes id, struct bytes data, enum store_put mode,
                        uint64_t version)
{
    struct cached *c = of(s);
    TRY(store_put(c->inner, t, id, data, mode, version));
    c->dirty = true;
    const struct spot spot = mode == STORE_PUT_IF_ABSENT ? (struct spot){0, NULL} : spot_of(c, t, id);
    if (is_fresh(c, &spot)) {
        const struct store_value v = {data, spot.place->e->version + 1};
        keep(c, &spot, t, id, v);
    }
    return ERR_OK;
}

static err_t cached_del(struct store *s, enum store_table t, struct bytes id)
{
    struct cached *c = of(s);
    TRY(store_del(c->inner, t, id));
    c->dirty = true;
    const struct spot spot = spot_of(c, t, id);
    drop(c, spot.place);
    return ERR_OK;
}

static err_t cached_scan(struct store *s, const struct store_scan *q, store_scan_fn *fn, void *arg)
{
    return store_scan(of(s)->inner, q, fn, arg);
}

/* The one writer: a commit of its own makes nothing stale. */
static err_t cached_commit(struct store *s)
{
    struct cached *c = of(s);
    err_t e = store_commit(c->inner);
    c->generation += e != ERR_OK && c->dirty ? 1 : 0;
    c->seen = store_changes(c->inner);
    return e;
}

static void cached_rollback(struct store *s)
{
    struct cached *c = of(s);
    store_rollback(c->inner);
    c->generation += c->dirty ? 1 : 0;
}

static uint64_t cached_changes(struct store *s)
{
    return store_changes(of(s)->inner);
}

static const struct store_ops cached_ops = {
    .close = cached_close,
    .begin = cached_begin,
    .get = cached_get,
    .put = cached_put,
    .del = cached_del,
    .scan = cached_scan,
    .commit = cached_commit,
    .rollback = cached_rollback,
    .changes = cached_changes,
};

/* A set for each 2 KiB: about four places for a record of typical size. */
static size_t places_for(size_t capacity)
{
    size_t sets = capacity / 2048;
    return (sets < SETS_MAX ? sets : SETS_MAX) * STORE_WAYS;
}

err_t store_cached_open(struct store *inner, size_t capacity_bytes, uint64_t secret, struct store **out)
{
    *out = NULL;
    struct cached *c = calloc(1, sizeof(*c));
    if (c == NULL || store_ways_init(&c->ways, places_for(capacity_bytes), secret) != ERR_OK) {
        free(c);
        store_close(inner); /* it was given to us */
        return ERR_STORE;
    }
    c->base.ops = &cached_ops;
    c->inner = inner;
    c->capacity = capacity_bytes;
    *out = &c->base;
    return ERR_OK;
}

struct store *store_cached_inner(struct store *s)
{
    return s->ops == &cached_ops ? of(s)->inner : s;
}
