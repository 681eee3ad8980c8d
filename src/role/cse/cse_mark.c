#include "role/cse/cse_mark.h"

#include "base/hex.h"

#include <string.h>

#define DIGITS 16       /* of a node, behind a leading zero: 52 bits of microseconds are enough until 2112 */
#define CANDIDATES_MAX 8

static bool number_of(struct text node, uint64_t *out)
{
    uint8_t b[8];
    struct writer w = WRITER_ARRAY(b);
    bool own = node.n == CSE_RES_UID_LEN && node.p[0] == '0' && hex_parse(text_span(node.p + 1, DIGITS), &w) == ERR_OK;
    struct reader r = reader_of(writer_view(&w));
    *out = own ? reader_u64(&r) : 0;
    return own && cse_mark_is(*out);
}

uint64_t cse_mark_of(struct bytes key, const struct cse_child *c)
{
    uint64_t v;
    struct text place = text_span((const char *)key.p, key.n);
    size_t n = place.n < CSE_RES_UID_LEN ? 0 : place.n - CSE_RES_UID_LEN;
    return number_of(c->ri, &v) || (c->ty != TYPE_CIN && number_of(text_skip(place, n), &v)) ? v : 0;
}

/* -- finding it ------------------------------------------------------------------------------------------- */
struct found {
    struct text ri[CANDIDATES_MAX];
    size_t n;
    struct arena *a;
    err_t err;
};

static bool add(struct found *f, struct text ri)
{
    struct bytes copy;
    if (f->n == CANDIDATES_MAX || !arena_dup(f->a, text_bytes(ri), &copy)) {
        f->err = ERR_NOT_FOUND;
        return false;
    }
    f->ri[f->n++] = text_span((const char *)copy.p, copy.n);
    return true;
}

static bool by_id(void *arg, struct bytes id, struct store_value value)
{
    (void)value;
    return add(arg, text_span((const char *)id.p, id.n));
}

static bool by_place(void *arg, struct bytes id, struct store_value value)
{
    struct found *f = arg;
    struct cse_child c;
    (void)id;
    f->err = cse_res_child_parse(value.data, &c);
    return f->err == ERR_OK && add(f, c.ri);
}

/* What has an identifier of its own (AE-ID, CSE-ID) instead of its node is a child of the CSEBase. */
static err_t candidates(struct txn *t, struct text prefix, struct found *f)
{
    static const uint32_t named[] = {TYPE_AE, TYPE_CSR, TYPE_AE_ANNC, TYPE_CB_ANNC};
    TRY(txn_scan(t, &(struct store_scan){.table = TABLE_CSE_RES, .prefix = text_bytes(prefix)}, by_id, f));
    for (size_t i = 0; i < ARRAY_LEN(named) && f->err == ERR_OK; i++) {
        char key[CSE_CHILD_KEY_MAX];
        struct writer k = WRITER_ARRAY(key);
        TRY(cse_res_child_key(&k, text_of(CSE_NODE_ROOT), named[i], prefix));
        TRY(txn_scan(t, &(struct store_scan){.table = TABLE_CSE_CHILD, .prefix = writer_view(&k)}, by_place, f));
    }
    return f->err;
}

/* The way up to the target; ERR_NOT_FOUND if it is not above. */
static err_t climb(struct txn *t, struct text ri, const struct cse_res *target, usec_t now, struct cse_mark_path *out)
{
    struct cse_res up;
    out->n = 1;
    TRY(cse_res_get(t, ri, INT64_MIN, &out->at[0]));
    while (!text_eq(out->at[out->n - 1].pnode, target->node)) {
        if (out->n == ARRAY_LEN(out->at) || out->at[out->n - 1].pi.n == 0) {
            return ERR_NOT_FOUND;
        }
        TRY(cse_res_get(t, out->at[out->n - 1].pi, now, &up));
        if (!text_eq(up.node, out->at[out->n - 1].pnode)) {
            return ERR_NOT_FOUND;
        }
        out->at[out->n++] = up;
    }
    for (size_t i = 0, k = out->n - 1; i < k; i++, k--) {
        up = out->at[i];
        out->at[i] = out->at[k];
        out->at[k] = up;
    }
    return ERR_OK;
}

err_t cse_mark_find(struct txn *t, uint64_t mark, const struct cse_res *target, usec_t now, struct cse_mark_path *out)
{
    char prefix[DIGITS + 2];
    uint8_t b[8];
    struct writer n = WRITER_ARRAY(b);
    struct writer w = WRITER_ARRAY(prefix);
    struct found f = {.a = t->arena};
    size_t good = 0, hits = 0;
    writer_u64(&n, mark);
    writer_u8(&w, '0');
    hex_write_lower(&w, writer_view(&n));
    TRY(candidates(t, writer_view_text(&w), &f));
    for (size_t i = 0; i < f.n; i++) {
        err_t e = climb(t, f.ri[i], target, now, out);
        TRY(e == ERR_NOT_FOUND ? ERR_OK : e);
        good = e == ERR_OK ? i : good;
        hits += e == ERR_OK ? 1 : 0;
    }
    return hits == 1 ? climb(t, f.ri[good], target, now, out) : ERR_NOT_FOUND;
}
