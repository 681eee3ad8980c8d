/*
 * A set-associative cache: an id has WAYS places it may stand in, so that neither a lookup nor an insertion ever
 * walks a chain, whatever ids a peer chooses. Emptying is a step of the generation number; stale entries go when
 * their place or their octets are needed.
 */
#include "store/store_cached.h"

#include <stdlib.h>
#include <string.h>

#define WAYS 8
#define SETS_MAX 4096
#define ENTRY_SHARE 8 /* a record larger than 1/8 of the capacity is not kept */

struct entry {
    uint64_t generation;
    uint64_t version;
    enum store_table table;
    size_t id_n;
    size_t data_n;
    uint8_t b[]; /* id, then data */
};

/* The hash stands beside the pointer: of eight records that an id might be, seven are not looked at. */
struct place {
    struct entry *e;
    uint64_t hash;
};

struct cached {
    struct store base;
    struct store *inner;
    struct place *at; /* sets * WAYS places */
    size_t sets;      /* a power of two */
    size_t next;      /* whose turn it is to make room */
    size_t used;
    size_t capacity;
    uint64_t generation;
    uint64_t seen; /* change counter at the last begin */
    bool dirty;    /* this transaction has changed something: what is kept may never be committed */
};

static struct cached *of(struct store *s)
{
    return (struct cached *)s;
}

static size_t size_of(const struct entry *e)
{
    return sizeof(*e) + e->id_n + e->data_n;
}

static void drop(struct cached *c, struct place *place)
{
    if (place->e != NULL) {
        c->used -= size_of(place->e);
        free(place->e);
        place->e = NULL;
    }
}

/* FNV-1a over table and id: only spreads, nothing depends on its strength. */
static uint64_t hash_of(enum store_table t, struct bytes id)
{
    uint64_t h = UINT64_C(0xcbf29ce484222325) ^ (uint64_t)t;
    for (size_t i = 0; i < id.n; i++) {
        h = (h ^ id.p[i]) * UINT64_C(0x100000001b3);
    }
    return h ^ h >> 32;
}

static struct place *set_of(struct cached *c, uint64_t hash)
{
    return &c->at[(size_t)(hash & (c->sets - 1)) * WAYS];
}

static bool is_it(const struct place *place, uint64_t hash, enum store_table t, struct bytes id)
{
    const struct entry *e = place->e;
    return place->hash == hash && e != NULL && e->table == t && bytes_eq(bytes_of(e->b, e->id_n), id);
}

static const struct entry *find(struct cached *c, uint64_t hash, enum store_table t, struct bytes id)
{
    struct place *set = set_of(c, hash);
    for (size_t i = 0; i < WAYS; i++) {
        if (is_it(&set[i], hash, t, id) && set[i].e->generation == c->generation) {
            return set[i].e;
        }
    }
    return NULL;
}

/* An empty place, else a stale one, else the one whose turn it is. */
static struct place *place_in(struct cached *c, struct place *set)
{
    struct place *stale = NULL;
    for (size_t i = 0; i < WAYS; i++) {
        if (set[i].e == NULL) {
            return &set[i];
        }
        if (set[i].e->generation != c->generation) {
            stale = &set[i];
        }
    }
    return stale != NULL ? stale : &set[c->next % WAYS];
}

static void make_room(struct cached *c, size_t want)
{
    while (c->used > 0 && c->capacity - c->used < want) {
        drop(c, &c->at[c->next]);
        c->next = (c->next + 1) % (c->sets * WAYS);
    }
}

static void keep(struct cached *c, uint64_t hash, enum store_table t, struct bytes id, struct store_value v)
{
    size_t want = sizeof(struct entry) + id.n + v.data.n;
    if (want > c->capacity / ENTRY_SHARE) {
        return;
    }
    struct place *place = place_in(c, set_of(c, hash));
    drop(c, place);
    make_room(c, want);
    struct entry *e = malloc(want);
    if (e == NULL) {
        return;
    }
    *e = (struct entry){c->generation, v.version, t, id.n, v.data.n};
    memcpy(e->b, id.p, id.n);
    memcpy(e->b + id.n, v.data.p, v.data.n);
    *place = (struct place){e, hash};
    c->used += want;
    c->next = (c->next + 1) % (c->sets * WAYS);
}

static void cached_close(struct store *s)
{
    struct cached *c = of(s);
    store_close(c->inner);
    for (size_t i = 0; i < c->sets * WAYS; i++) {
        free(c->at[i].e);
    }
    free(c->at);
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
    const uint64_t hash = hash_of(t, id);
    const struct entry *e = find(c, hash, t, id);
    if (e != NULL) {
        out->version = e->version;
        return arena_dup(a, bytes_of(e->b + e->id_n, e->data_n), &out->data) ? ERR_OK : ERR_LIMIT_CAPACITY;
    }
    TRY(store_get(c->inner, t, id, a, out));
    keep(c, hash, t, id, *out);
    return ERR_OK;
}

/* What is kept under this id and not stale, or NULL; stale ones of the same id go. */
static struct place *kept(struct cached *c, uint64_t hash, enum store_table t, struct bytes id)
{
    struct place *set = set_of(c, hash);
    struct place *fresh = NULL;
    for (size_t i = 0; i < WAYS; i++) {
        if (!is_it(&set[i], hash, t, id)) {
            continue;
        }
        if (set[i].e->generation == c->generation) {
            fresh = &set[i];
        } else {
            drop(c, &set[i]);
        }
    }
    return fresh;
}

/* A record that was read before is likely to be read again; one that was not, is not taken in. */
static err_t cached_put(struct store *s, enum store_table t, struct bytes id, struct bytes data, enum store_put mode,
                        uint64_t version)
{
    struct cached *c = of(s);
    TRY(store_put(c->inner, t, id, data, mode, version));
    c->dirty = true;
    const uint64_t hash = hash_of(t, id);
    struct place *place = kept(c, hash, t, id);
    if (place != NULL) {
        struct store_value v = {data, place->e->version + 1};
        drop(c, place);
        keep(c, hash, t, id, v);
    }
    return ERR_OK;
}

static err_t cached_del(struct store *s, enum store_table t, struct bytes id)
{
    struct cached *c = of(s);
    TRY(store_del(c->inner, t, id));
    c->dirty = true;
    struct place *place = kept(c, hash_of(t, id), t, id);
    if (place != NULL) {
        drop(c, place);
    }
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
static size_t sets_for(size_t capacity)
{
    size_t sets = 1;
    while (sets < SETS_MAX && sets * 2048 < capacity) {
        sets *= 2;
    }
    return sets;
}

err_t store_cached_open(struct store *inner, size_t capacity_bytes, struct store **out)
{
    *out = NULL;
    struct cached *c = calloc(1, sizeof(*c));
    size_t sets = sets_for(capacity_bytes);
    struct place *at = calloc(sets * WAYS, sizeof(*at));
    if (c == NULL || at == NULL) {
        free(c);
        free(at);
        store_close(inner); /* it was given to us */
        return ERR_STORE;
    }
    c->base.ops = &cached_ops;
    c->inner = inner;
    c->at = at;
    c->sets = sets;
    c->capacity = capacity_bytes;
    *out = &c->base;
    return ERR_OK;
}

struct store *store_cached_inner(struct store *s)
{
    return s->ops == &cached_ops ? of(s)->inner : s;
}
