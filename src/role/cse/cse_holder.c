#include "role/cse/cse_holder.h"

#include "role/expire.h"
#include "wire/json.h"

#define RECORD_VERSION 1

static const struct rec_field fields[] = {
    {REC_TIME, REC_AT(struct cse_holder_entry, until)},
    {REC_VIEW16, REC_AT(struct cse_holder_entry, ri)},
};
static const struct rec_layout layout = REC_LAYOUT(struct cse_holder_entry, fields, RECORD_VERSION, RECORD_VERSION);

err_t cse_holder_entry_parse(struct bytes b, struct cse_holder_entry *out)
{
    return rec_parse(&layout, b, out);
}

static bool is_over(struct bytes record, usec_t now)
{
    struct cse_holder_entry x;
    return cse_holder_entry_parse(record, &x) == ERR_OK && x.until <= now;
}

err_t cse_holder_of(const struct cse *cse, const json_t *attrs, struct m2mid *out)
{
    TRY(m2mid_absolute(json_get_text(attrs, "tkhd"), text_of(cse->self.z), out));
    m2mid_fold(out->z);
    return ERR_OK;
}

/* HOLDER NAME */
static err_t key_write(struct text holder, struct text name, struct writer *w)
{
    struct m2mid folded;
    TRY(TEXT_COPY(holder, folded.z));
    m2mid_fold(folded.z);
    writer_z(w, folded.z);
    writer_z(w, " ");
    writer_text(w, name);
    return writer_finish(w);
}

err_t cse_holder_put(const struct cse_ask *ask, struct text holder, struct text name, const struct cse_res *r, usec_t until)
{
    char key[STORE_ID_MAX];
    uint8_t buf[64 + M2MID_MAX];
    struct writer w = WRITER_ARRAY(buf), k = WRITER_ARRAY(key);
    const struct cse_holder_entry x = {.until = until, .ri = r->ri};
    TRY(key_write(holder, name, &k));
    TRY(rec_write(&layout, RECORD_VERSION, &x, NULL, &w));
    TRY(rec_put(ask->t, TABLE_CSE_TOKEN_OF, writer_view_text(&k), &w, STORE_PUT_ANY));
    return expire_is_due(text_skip(name, 1), '1') ? expire_run(ask->t, TABLE_CSE_TOKEN_OF, is_over, ask->rq->now) : ERR_OK;
}

err_t cse_holder_gone(struct txn *t, struct text holder, struct text name)
{
    char key[STORE_ID_MAX];
    struct writer w = WRITER_ARRAY(key);
    TRY(key_write(holder, name, &w));
    return txn_del(t, TABLE_CSE_TOKEN_OF, writer_view_text(&w));
}

err_t cse_holder_get(struct txn *t, struct text holder, struct text name, usec_t now, struct cse_res *out)
{
    char key[STORE_ID_MAX];
    struct writer w = WRITER_ARRAY(key);
    struct cse_holder_entry x;
    struct bytes b;
    TRY(key_write(holder, name, &w));
    TRY(rec_get(t, TABLE_CSE_TOKEN_OF, writer_view_text(&w), &b));
    TRY(cse_holder_entry_parse(b, &x));
    return cse_res_get(t, x.ri, now, out);
}

struct listing {
    struct arena *arena;
    struct cse_holder_list *l;
    size_t max;
    err_t err;
};

static bool listing_hit(void *arg, struct bytes id, struct store_value value)
{
    (void)id;
    struct listing *s = arg;
    struct cse_holder_entry x;
    struct bytes copy;
    s->err = arena_dup(s->arena, value.data, &copy) ? cse_holder_entry_parse(copy, &x) : ERR_LIMIT_CAPACITY;
    if (s->err == ERR_OK) {
        s->l->ri[s->l->n++] = x.ri;
    }
    return s->err == ERR_OK && s->l->n < s->max;
}

err_t cse_holder_list(struct txn *t, struct text holder, const char *letter, size_t max, struct cse_holder_list *l)
{
    char key[STORE_ID_MAX];
    struct writer w = WRITER_ARRAY(key);
    struct listing x = {.arena = t->arena, .l = l, .max = max < CSE_HOLDER_MAX ? max : CSE_HOLDER_MAX};
    if (l->n >= x.max) {
        return ERR_OK;
    }
    TRY(key_write(holder, text_of(letter), &w));
    const struct store_scan s = {.table = TABLE_CSE_TOKEN_OF, .prefix = writer_view(&w), .after = bytes_empty(), .order = STORE_ASCENDING,
                                 .limit = x.max - l->n};
    TRY(txn_scan(t, &s, listing_hit, &x));
    return x.err;
}
