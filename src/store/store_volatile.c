/*
 * An id has WAYS places it may stand in, as in store_cached.c: what peers choose never makes a chain longer. Which they are, nobody outside
 * knows: else a few names that stand in one set would make it forget each other whenever somebody likes.
 */
#include "store/store_volatile.h"

#include "base/ct.h"

#include <stdlib.h>
#include <string.h>

#define WAYS 8

struct entry {
    uint64_t version;
    uint64_t touched;
    enum store_table table;
    size_t id_n;
    size_t data_n;
    uint8_t b[]; /* id, then data */
};

/* The hash stands beside the pointer, as in store_cached.c. */
struct place {
    struct entry *e;
    uint64_t hash;
};

struct volatiles {
    struct store base;
    struct store *inner;
    struct place *at; /* sets * WAYS places */
    size_t sets;      /* a power of two */
    uint64_t clock;   /* of touches */
    uint64_t secret;  /* in each hash */
};

static struct volatiles *of(struct store *s)
{
    return (struct volatiles *)s;
}

/* What is forgotten may have held something sealed: it goes as keys go. */
static void drop(struct place *place)
{
    struct entry *e = place->e;
    if (e != NULL) {
        ct_wipe(e, sizeof(*e) + e->id_n + e->data_n);
        free(e);
        place->e = NULL;
    }
}

/* FNV-1a, as in store_cached.c, whose low bits show too much of the last octets; so the secret goes in behind it, and all is mixed
 * (the finalizer of MurmurHash3). */
static uint64_t hash_of(const struct volatiles *v, enum store_table t, struct bytes id)
{
    uint64_t h = UINT64_C(0xcbf29ce484222325) ^ (uint64_t)t;
    for (size_t i = 0; i < id.n; i++) {
        h = (h ^ id.p[i]) * UINT64_C(0x100000001b3);
    }
    h ^= v->secret;
    h = (h ^ h >> 33) * UINT64_C(0xff51afd7ed558ccd);
    h = (h ^ h >> 33) * UINT64_C(0xc4ceb9fe1a85ec53);
    return h ^ h >> 33;
}

static struct place *set_of(struct volatiles *v, uint64_t hash)
{
    return &v->at[(size_t)(hash & (v->sets - 1)) * WAYS];
}

static struct place *find(struct volatiles *v, uint64_t hash, enum store_table t, struct bytes id)
{
    struct place *set = set_of(v, hash);
    for (size_t i = 0; i < WAYS; i++) {
        const struct entry *e = set[i].e;
        if (set[i].hash == hash && e != NULL && e->table == t && bytes_eq(bytes_of(e->b, e->id_n), id)) {
            return &set[i];
        }
    }
    return NULL;
}

/* An empty place, or that of the record that was not touched for longest. */
static struct place *place_in(struct place *set)
{
    struct place *place = &set[0];
    for (size_t i = 0; i < WAYS && place->e != NULL; i++) {
        if (set[i].e == NULL || set[i].e->touched < place->e->touched) {
            place = &set[i];
        }
    }
    return place;
}

static struct store_value value_of(const struct entry *e)
{
    return (struct store_value){bytes_of(e->b + e->id_n, e->data_n), e->version};
}

static err_t volatile_get(struct store *s, enum store_table t, struct bytes id, struct arena *a, struct store_value *out)
{
    struct volatiles *v = of(s);
    if (!store_is_volatile(t)) {
        return store_get(v->inner, t, id, a, out);
    }
    struct place *place = find(v, hash_of(v, t, id), t, id);
    if (place == NULL) {
        return ERR_NOT_FOUND;
    }
    const struct store_value there = value_of(place->e);
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
    struct entry *e = mode == STORE_PUT_ANY ? malloc(sizeof(*e) + id.n + data.n) : NULL;
    if (e == NULL) {
        return mode == STORE_PUT_ANY ? ERR_LIMIT_CAPACITY : ERR_BUG;
    }
    const uint64_t hash = hash_of(v, t, id);
    struct place *place = find(v, hash, t, id);
    *e = (struct entry){place == NULL ? 1 : place->e->version + 1, v->clock++, t, id.n, data.n};
    memcpy(e->b, id.p, id.n);
    memcpy(e->b + id.n, data.p, data.n);
    place = place == NULL ? place_in(set_of(v, hash)) : place;
    drop(place);
    *place = (struct place){e, hash};
    return ERR_OK;
}

static err_t volatile_del(struct store *s, enum store_table t, struct bytes id)
{
    struct volatiles *v = of(s);
    if (!store_is_volatile(t)) {
        return store_del(v->inner, t, id);
    }
    struct place *place = find(v, hash_of(v, t, id), t, id);
    if (place == NULL) {
        return ERR_NOT_FOUND;
    }
    drop(place);
    return ERR_OK;
}

static err_t volatile_scan(struct store *s, const struct store_scan *q, store_scan_fn *fn, void *arg)
{
    struct volatiles *v = of(s);
    if (!store_is_volatile(q->table)) {
        return store_scan(v->inner, q, fn, arg);
    }
    struct place *place = find(v, hash_of(v, q->table, q->prefix), q->table, q->prefix);
    if (place != NULL && q->after.n == 0) {
        (void)fn(arg, q->prefix, value_of(place->e));
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
    store_volatile_forget(s);
    free(v->at);
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
    size_t sets = 1;
    *out = NULL;
    while (sets * WAYS < records) {
        sets *= 2;
    }
    struct volatiles *v = calloc(1, sizeof(*v));
    struct place *at = calloc(sets * WAYS, sizeof(*at));
    if (v == NULL || at == NULL) {
        free(v);
        free(at);
        store_close(inner); /* it was given to us */
        return ERR_STORE;
    }
    v->base.ops = &volatile_ops;
    v->inner = inner;
    v->at = at;
    v->sets = sets;
    v->secret = secret;
    *out = &v->base;
    return ERR_OK;
}

struct store *store_volatile_inner(struct store *s)
{
    return s->ops == &volatile_ops ? of(s)->inner : s;
}

void store_volatile_forget(struct store *s)
{
    struct volatiles *v = of(s);
    for (size_t i = 0; s->ops == &volatile_ops && i < v->sets * WAYS; i++) {
        drop(&v->at[i]);
    }
}
