#include "role/reg/rec_key.h"

#include "base/hex.h"

enum { VERSION = 1, OF_VERSION = 1 };

static const struct rec_field fields[] = {
    {REC_TEXT, REC_AT(struct rec_key, relative)},
    {REC_TEXT, REC_AT(struct rec_key, parent)},
    {REC_TEXT, REC_AT(struct rec_key, creator)},
    {REC_TEXT, REC_AT(struct rec_key, credential.z)},
    {REC_TEXT, REC_AT(struct rec_key, adfq)},
    {REC_U8, REC_AT(struct rec_key, suid), .high = UINT8_MAX},
    {REC_LIST, REC_AT(struct rec_key, tgis)},
    {REC_LIST, REC_AT(struct rec_key, lbl)},
    {REC_TIME, REC_AT(struct rec_key, created)},
    {REC_TIME, REC_AT(struct rec_key, not_after)},
    {REC_SEALED, REC_AT(struct rec_key, sealed)},
};
static const struct rec_layout layout = REC_LAYOUT(struct rec_key, fields, VERSION, VERSION);

err_t rec_key_write(const struct rec_key *k, const struct rec_seal *kc, struct writer *w)
{
    return rec_write(&layout, VERSION, k, kc, w);
}

err_t rec_key_parse(struct bytes b, struct rec_key *out)
{
    return rec_parse(&layout, b, out);
}

err_t rec_key_fold(struct text relative, char out[static REC_KEY_RELATIVE_MAX])
{
    struct writer w = writer_of(out, REC_KEY_RELATIVE_MAX);
    writer_text_lower(&w, relative);
    return hex_is_text(relative) && writer_finish_z(&w) == ERR_OK ? ERR_OK : ERR_NOT_FOUND;
}

err_t rec_key_get(struct txn *t, enum store_table table, struct text folded, struct rec_key *out)
{
    struct bytes b;
    TRY(rec_get(t, table, folded, &b));
    return rec_key_parse(b, out);
}

/* -- index ------------------------------------------------------------------------------------------- */
struct end {
    usec_t not_after;
};
static const struct rec_field end_fields[] = {{REC_TIME, REC_AT(struct end, not_after)}};
static const struct rec_layout end_layout = REC_LAYOUT(struct end, end_fields, OF_VERSION, OF_VERSION);

err_t rec_key_of_id(struct text ri, struct text folded, char out[static REC_KEY_OF_MAX])
{
    struct writer w = writer_of(out, REC_KEY_OF_MAX);
    writer_text(&w, ri);
    writer_u8(&w, '/');
    writer_text(&w, folded);
    return writer_finish_z(&w);
}

err_t rec_key_of_write(usec_t not_after, struct writer *w)
{
    const struct end e = {not_after};
    return rec_write(&end_layout, OF_VERSION, &e, NULL, w);
}

err_t rec_key_of_parse(struct bytes b, usec_t *not_after)
{
    struct end e;
    TRY(rec_parse(&end_layout, b, &e));
    *not_after = e.not_after;
    return ERR_OK;
}

err_t rec_key_remove(struct txn *t, enum store_table table, enum store_table table_of, const struct rec_key *k)
{
    char id[REC_KEY_RELATIVE_MAX], of[REC_KEY_OF_MAX];
    struct bytes there;
    TRY(rec_key_fold(text_of(k->relative), id));
    TRY(rec_key_of_id(text_of(k->parent), text_of(id), of));
    TRY(txn_del(t, table, text_of(id)));
    err_t e = rec_get(t, table_of, text_of(of), &there); /* a key that was registered before there was an index */
    return e == ERR_OK ? txn_del(t, table_of, text_of(of)) : e == ERR_NOT_FOUND ? ERR_OK : e;
}
