#include "role/reg/reg_leave.h"

#include "role/reg/reg_key.h"
#include "role/withdraw.h"

#include <string.h>

enum { KEY_CHANGES = 6 /* records that the end of a key changes */, OTHER_CHANGES = 16 };
_Static_assert(REG_LEAVE_KEYS_AT_ONCE * KEY_CHANGES + OTHER_CHANGES <= TXN_STAGED_MAX, "a batch goes in one transaction");
_Static_assert(REG_LEAVE_KEYS_AT_ONCE < TXN_AUDIT_MAX, "and what it says of each");

#define MARK_MAX (REC_CLIENT_RI_MAX + 32)

/* -- a batch ------------------------------------------------------------------------------------------------ */
struct keys {
    char of[REG_LEAVE_KEYS_AT_ONCE][REC_KEY_OF_MAX];
    size_t n;
    err_t err;
};

static bool key_hit(void *arg, struct bytes id, struct store_value value)
{
    struct keys *k = arg;
    (void)value;
    k->err = TEXT_COPY(text_span((const char *)id.p, id.n), k->of[k->n]);
    k->n++;
    return k->err == ERR_OK && k->n < REG_LEAVE_KEYS_AT_ONCE;
}

/* Nobody gets a key whose record cannot be read, so it goes as the others do; but who was given it is not known any more. What
 * leaves with it and after it does not wait. */
static err_t lose_key(const struct reg *r, struct txn *t, const char *of, struct text id, usec_t now)
{
    TRY(txn_del(t, r->kind->key, id));
    TRY(txn_del(t, r->kind->key_of, text_of(of)));
    return reg_key_lost(r, t, id, now);
}

/* A key with its place in the index, and at those who were given it. */
static err_t drop_key(const struct reg *r, struct txn *t, const char *of, struct text id, usec_t now)
{
    struct rec_key key;
    err_t e = rec_key_get(t, r->kind->key, id, &key);
    if (e == ERR_MALFORMED_RECORD) {
        return lose_key(r, t, of, id, now);
    }
    if (e != ERR_NOT_FOUND) {
        TRY(e);
        return reg_key_remove(r, t, &key, now);
    }
    return txn_del(t, r->kind->key_of, text_of(of));
}

/* *more: there may be others. */
static err_t drop_keys(const struct reg *r, struct txn *t, const char *ri, usec_t now, bool *more)
{
    char prefix[REC_KEY_OF_MAX];
    TRY(rec_key_of_id(text_of(ri), text_empty(), prefix));
    struct keys k = {.n = 0};
    struct store_scan q = {
        .table = r->kind->key_of, .prefix = text_bytes(text_of(prefix)), .order = STORE_ASCENDING};
    TRY(txn_scan(t, &q, key_hit, &k));
    TRY(k.err);
    for (size_t i = 0; i < k.n; i++) {
        TRY(drop_key(r, t, k.of[i], text_skip(text_of(k.of[i]), strlen(prefix)), now));
    }
    *more = k.n == REG_LEAVE_KEYS_AT_ONCE;
    return ERR_OK;
}

/* -- one after the other ---------------------------------------------------------------------------------------- */
/* Of a registration that has keys left; with an empty `ri` the beginning of all. */
static err_t mark_of(const struct reg *r, const char *ri, struct writer *w)
{
    writer_z(w, "leaving/");
    writer_z(w, r->kind->withdraw->role);
    writer_u8(w, '/');
    writer_z(w, ri);
    return writer_finish(w);
}

err_t reg_leave_begin(const struct reg *r, struct txn *t, const char *ri, usec_t now)
{
    char mark[MARK_MAX];
    struct writer w = WRITER_ARRAY(mark);
    bool more = false;
    TRY(drop_keys(r, t, ri, now, &more));
    TRY(mark_of(r, ri, &w));
    return more ? txn_put(t, TABLE_META, writer_view_text(&w), bytes_of("1", 1), STORE_PUT_ANY, 0) : ERR_OK;
}

struct first {
    struct errand *out;
    size_t skip;
    err_t err;
};

static bool first_hit(void *arg, struct bytes id, struct store_value value)
{
    struct first *f = arg;
    (void)value;
    f->err = TEXT_COPY(text_skip(text_span((const char *)id.p, id.n), f->skip), f->out->about);
    return false;
}

err_t reg_leave_errand(const void *ctx, struct txn *t, const struct errand_memory *m, usec_t now, struct errand *out)
{
    char mark[MARK_MAX];
    struct writer w = WRITER_ARRAY(mark);
    (void)m;
    (void)now;
    out->op = OP_NONE;
    out->about[0] = out->peer[0] = '\0';
    TRY(mark_of(ctx, "", &w));
    struct first f = {.out = out, .skip = w.n};
    const struct store_scan q = {.table = TABLE_META, .prefix = writer_view(&w), .order = STORE_ASCENDING, .limit = 1};
    TRY(txn_scan(t, &q, first_hit, &f));
    return f.err;
}

err_t reg_leave_returned(const void *ctx, const struct errand *q, const struct errand_answer *a, struct txn *t, usec_t now, err_t *why)
{
    char mark[MARK_MAX];
    struct writer w = WRITER_ARRAY(mark);
    bool more = false;
    (void)a;
    *why = ERR_OK;
    TRY(drop_keys(ctx, t, q->about, now, &more));
    TRY(mark_of(ctx, q->about, &w));
    return more ? ERR_OK : txn_del(t, TABLE_META, writer_view_text(&w));
}
