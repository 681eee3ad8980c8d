#include "role/rec.h"

void rec_version(struct reader *r, uint8_t version)
{
    (void)rec_u8(r, version, version);
}

bool rec_bool(struct reader *r)
{
    return rec_u8(r, 0, 1) == 1;
}

uint8_t rec_u8(struct reader *r, uint8_t low, uint8_t high)
{
    uint8_t v = reader_u8(r);
    if (v < low || v > high) {
        r->failed = true;
        return low;
    }
    return v;
}

usec_t rec_time(struct reader *r)
{
    uint64_t v = reader_u64(r);
    if (v > (uint64_t)INT64_MAX) {
        r->failed = true;
        return 0;
    }
    return (usec_t)v;
}

void rec_list_write(const struct rec_list *l, struct writer *w)
{
    writer_u8(w, (uint8_t)l->n);
    for (size_t i = 0; i < l->n; i++) {
        writer_block16(w, text_bytes(l->at[i]));
    }
}

void rec_list_read(struct reader *r, struct rec_list *out)
{
    out->n = rec_u8(r, 0, REC_LIST_MAX);
    for (size_t i = 0; i < out->n && !reader_failed(r); i++) {
        struct bytes b = reader_block16(r);
        out->at[i] = text_span((const char *)b.p, b.n);
    }
}

err_t rec_finish(const struct reader *r)
{
    return reader_finish(r) == ERR_OK ? ERR_OK : ERR_MALFORMED_RECORD;
}

err_t rec_seal_write(const struct rec_seal *s, struct writer *w)
{
    if (s->key == NULL) {
        writer_block16(w, s->sealed);
        return ERR_OK;
    }
    return seal_write(s->sealer, s->table, s->id, s->key, w);
}

err_t rec_get(struct txn *t, enum store_table table, struct text id, struct bytes *out)
{
    struct store_value v;
    TRY(txn_get(t, table, id, &v));
    *out = v.data;
    return ERR_OK;
}

err_t rec_put(struct txn *t, enum store_table table, struct text id, const struct writer *w, enum store_put mode)
{
    TRY(writer_finish(w));
    return txn_put(t, table, id, writer_view(w), mode, 0);
}
