#include "role/maf/rec_key.h"

enum { VERSION = 1 };

static const struct rec_field fields[] = {
    {REC_TEXT, REC_AT(struct rec_key, relative)},
    {REC_TEXT, REC_AT(struct rec_key, parent)},
    {REC_TEXT, REC_AT(struct rec_key, creator)},
    {REC_TEXT, REC_AT(struct rec_key, aski.z)},
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

err_t rec_key_get(struct txn *t, struct text folded, struct rec_key *out)
{
    struct bytes b;
    TRY(rec_get(t, TABLE_MAF_KEY, folded, &b));
    return rec_key_parse(b, out);
}

err_t rec_key_open(const struct rec_key *k, const struct sealer *s, struct text folded, struct key_kc *kc)
{
    return seal_open(s, TABLE_MAF_KEY, folded, k->sealed, &kc->s);
}
