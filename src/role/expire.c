#include "role/expire.h"

enum { VERSION = 1 };

struct expire {
    struct arena *arena;
    expire_fn *is_over;
    usec_t now;
    struct bytes over[EXPIRE_BATCH];
    size_t n;
    size_t seen;
    struct bytes last;
    err_t err;
};

static bool hit(void *arg, struct bytes id, struct store_value value)
{
    struct expire *x = arg;
    struct bytes copy;
    if (!arena_dup(x->arena, id, &copy)) {
        x->err = ERR_LIMIT_CAPACITY;
        return false;
    }
    if (x->is_over(value.data, x->now)) {
        x->over[x->n++] = copy;
    }
    x->last = copy;
    return ++x->seen < EXPIRE_BATCH;
}

bool expire_is_due(struct text random_hex, char digit)
{
    return random_hex.n > 0 && random_hex.p[random_hex.n - 1] == digit;
}

/* The cursor: version octet, then the identifier to go on behind; none: from the start. */
static err_t cursor_get(struct txn *t, struct text name, struct bytes *after)
{
    struct bytes record;
    *after = bytes_empty();
    err_t e = rec_get(t, TABLE_META, name, &record);
    if (e != ERR_OK) {
        return e == ERR_NOT_FOUND ? ERR_OK : e;
    }
    struct reader r = reader_of(record);
    rec_version(&r, VERSION);
    *after = reader_take(&r, reader_left(&r));
    return rec_finish(&r);
}

static err_t cursor_put(struct txn *t, struct text name, struct bytes after)
{
    uint8_t buf[1 + STORE_ID_MAX];
    struct writer w = WRITER_ARRAY(buf);
    writer_u8(&w, VERSION);
    writer_bytes(&w, after);
    return rec_put(t, TABLE_META, name, &w, STORE_PUT_ANY);
}

err_t expire_run(struct txn *t, enum store_table table, expire_fn *is_over, usec_t now)
{
    char name[32];
    struct writer w = WRITER_ARRAY(name);
    writer_z(&w, "expire/");
    writer_decimal(&w, (uint64_t)table);
    struct expire x = {.arena = t->arena, .is_over = is_over, .now = now, .last = bytes_empty()};
    struct store_scan q = {.table = table, .prefix = bytes_empty(), .order = STORE_ASCENDING, .limit = EXPIRE_BATCH};
    TRY(cursor_get(t, writer_view_text(&w), &q.after));
    TRY(txn_scan(t, &q, hit, &x));
    TRY(x.err);
    for (size_t i = 0; i < x.n; i++) { /* what this transaction has changed was judged by what it was before */
        struct text id = text_span((const char *)x.over[i].p, x.over[i].n);
        TRY(txn_is_staged(t, table, id) ? ERR_OK : txn_del(t, table, id));
    }
    return cursor_put(t, writer_view_text(&w), x.seen < EXPIRE_BATCH ? bytes_empty() : x.last);
}
