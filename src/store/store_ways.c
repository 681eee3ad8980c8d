#include "store/store_ways.h"

#include "base/ct.h"

#include <stdlib.h>
#include <string.h>

#define LINE 64
_Static_assert(LINE % sizeof(struct store_ways_place) == 0, "places fill a line");

err_t store_ways_init(struct store_ways *w, size_t places, uint64_t secret)
{
    *w = (struct store_ways){.sets = 1, .secret = secret};
    while (w->sets * STORE_WAYS < places) {
        w->sets *= 2;
    }
    w->room = calloc(w->sets * STORE_WAYS + LINE / sizeof(*w->at), sizeof(*w->at)); /* what is never used takes no memory */
    w->at = (void *)(((uintptr_t)w->room + LINE - 1) / LINE * LINE);
    return w->room != NULL ? ERR_OK : ERR_STORE;
}

size_t store_ways_places(const struct store_ways *w)
{
    return w->sets * STORE_WAYS;
}

size_t store_ways_size(size_t id_n, size_t data_n)
{
    return sizeof(struct store_ways_entry) + id_n + data_n;
}

void store_ways_drop(struct store_ways_place *place)
{
    struct store_ways_entry *e = place->e;
    if (e != NULL) {
        ct_wipe(e, store_ways_size(e->id_n, e->data_n));
        free(e);
        place->e = NULL;
    }
}

void store_ways_wipe(struct store_ways *w)
{
    for (size_t i = 0; i < store_ways_places(w); i++) {
        store_ways_drop(&w->at[i]);
    }
    free(w->room);
    *w = (struct store_ways){.sets = 0};
}

/* -- the hash ------------------------------------------------------------------------------------------------------ */
struct sip {
    uint64_t v[4];
};

static uint64_t turn(uint64_t x, unsigned by)
{
    return x << by | x >> (64 - by);
}

static inline void sip_round(struct sip *s)
{
    uint64_t *v = s->v;
    v[0] += v[1];
    v[2] += v[3];
    v[1] = turn(v[1], 13) ^ v[0];
    v[3] = turn(v[3], 16) ^ v[2];
    v[0] = turn(v[0], 32) + v[3];
    v[2] += v[1];
    v[1] = turn(v[1], 17) ^ v[2];
    v[3] = turn(v[3], 21) ^ v[0];
    v[2] = turn(v[2], 32);
}

static inline void sip_word(struct sip *s, uint64_t word)
{
    s->v[3] ^= word;
    sip_round(s);
    s->v[0] ^= word;
}

/* SipHash-1-3; the key is the secret and the table. With a hash that knows its secret only at the end, names could be made that share
 * their places whatever it is. It never leaves this process, so the order of octets is the machine's. */
uint64_t store_ways_hash(const struct store_ways *w, enum store_table t, struct bytes id)
{
    struct sip s = {{w->secret ^ UINT64_C(0x736f6d6570736575), (uint64_t)t ^ UINT64_C(0x646f72616e646f6d),
                     w->secret ^ UINT64_C(0x6c7967656e657261), (uint64_t)t ^ UINT64_C(0x7465646279746573)}};
    size_t at = 0;
    for (; id.n - at >= sizeof(uint64_t); at += sizeof(uint64_t)) {
        uint64_t word;
        memcpy(&word, id.p + at, sizeof(word));
        sip_word(&s, word);
    }
    uint64_t last = (uint64_t)id.n << 56;
    memcpy(&last, id.p + at, id.n - at);
    sip_word(&s, last);
    s.v[2] ^= 0xff;
    for (int i = 0; i < 3; i++) {
        sip_round(&s);
    }
    return s.v[0] ^ s.v[1] ^ s.v[2] ^ s.v[3];
}

/* -- places -------------------------------------------------------------------------------------------------------- */
struct store_ways_place *store_ways_set(const struct store_ways *w, uint64_t hash)
{
    return &w->at[(size_t)(hash & (w->sets - 1)) * STORE_WAYS];
}

struct store_ways_place *store_ways_find(const struct store_ways *w, uint64_t hash, enum store_table t, struct bytes id)
{
    struct store_ways_place *set = store_ways_set(w, hash);
    for (size_t i = 0; i < STORE_WAYS; i++) {
        const struct store_ways_entry *e = set[i].e;
        if (set[i].hash == hash && e != NULL && e->table == t && bytes_eq(bytes_of(e->b, e->id_n), id)) {
            return &set[i];
        }
    }
    return NULL;
}

bool store_ways_put(struct store_ways_place *place, uint64_t hash, const struct store_ways_entry *head, struct bytes id,
                    struct bytes data)
{
    struct store_ways_entry *e = place->e;
    if (e == NULL || e->id_n + e->data_n != id.n + data.n) { /* one of the same length is written over */
        e = malloc(store_ways_size(id.n, data.n));
        if (e == NULL) {
            return false;
        }
        store_ways_drop(place);
    }
    *e = *head;
    e->id_n = id.n;
    e->data_n = data.n;
    memcpy(e->b, id.p, id.n);
    memcpy(e->b + id.n, data.p, data.n);
    *place = (struct store_ways_place){e, hash};
    return true;
}

struct store_value store_ways_value(const struct store_ways_entry *e)
{
    return (struct store_value){bytes_of(e->b + e->id_n, e->data_n), e->version};
}
