#include "role/cse/cse_bell.h"

#include "role/rec.h"

#define NAME "cse-bell" /* in TABLE_META */
#define RECORD_VERSION 1
#define RECORD_OCTETS (1 + 8 + 8 * ROLE_BELL_MAX)

struct ring {
    uint64_t last; /* number of the last topic; it stands at (last - 1) % ROLE_BELL_MAX */
    uint64_t topics[ROLE_BELL_MAX];
};

/* FNV-1a. */
uint64_t cse_bell_topic(struct text name)
{
    uint64_t h = UINT64_C(14695981039346656037);
    for (size_t i = 0; i < name.n; i++) {
        h = (h ^ (uint8_t)name.p[i]) * UINT64_C(1099511628211);
    }
    return h;
}

static err_t get(struct txn *t, struct ring *out)
{
    struct bytes b;
    *out = (struct ring){.last = 0};
    err_t e = rec_get(t, TABLE_META, text_of(NAME), &b);
    if (e != ERR_OK) {
        return e == ERR_NOT_FOUND ? ERR_OK : e;
    }
    struct reader r = reader_of(b);
    rec_version(&r, RECORD_VERSION);
    out->last = reader_u64(&r);
    for (size_t i = 0; i < ROLE_BELL_MAX; i++) {
        out->topics[i] = reader_u64(&r);
    }
    return rec_finish(&r);
}

static uint64_t *place(struct ring *r, uint64_t number)
{
    return &r->topics[(number - 1) % ROLE_BELL_MAX];
}

err_t cse_bell_ring(struct txn *t, struct text name)
{
    struct ring r;
    uint8_t b[RECORD_OCTETS];
    const uint64_t topic = cse_bell_topic(name);
    err_t e = get(t, &r);
    if (e == ERR_MALFORMED_RECORD) { /* it holds nothing that is not found by looking */
        r = (struct ring){.last = 0};
    } else {
        TRY(e);
    }
    if (r.last > 0 && *place(&r, r.last) == topic && txn_is_staged(t, TABLE_META, text_of(NAME))) {
        return ERR_OK;
    }
    *place(&r, ++r.last) = topic;
    struct writer w = WRITER_ARRAY(b);
    writer_u8(&w, RECORD_VERSION);
    writer_u64(&w, r.last);
    for (size_t i = 0; i < ROLE_BELL_MAX; i++) {
        writer_u64(&w, r.topics[i]);
    }
    return rec_put(t, TABLE_META, text_of(NAME), &w, STORE_PUT_ANY);
}

/* Whatever cannot be told one by one wakes everybody. */
err_t cse_bell_heard(const void *ctx, struct txn *t, struct role_bell *b)
{
    (void)ctx;
    struct ring r;
    TRY(get(t, &r));
    b->all = r.last < b->last || r.last - b->last > ROLE_BELL_MAX;
    b->n = 0;
    for (uint64_t n = b->last + 1; !b->all && n <= r.last; n++) {
        b->topics[b->n++] = *place(&r, n);
    }
    b->last = r.last;
    return ERR_OK;
}
