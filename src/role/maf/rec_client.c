#include "role/maf/rec_client.h"

enum { VERSION = 1 };

static const struct rec_field fields[] = {
    {REC_TEXT, REC_AT(struct rec_client, ri)},
    {REC_TEXT, REC_AT(struct rec_client, client)},
    {REC_TEXT, REC_AT(struct rec_client, adfq)},
    {REC_TEXT, REC_AT(struct rec_client, km_name.z)},
    {REC_LIST, REC_AT(struct rec_client, lbl)},
    {REC_TIME, REC_AT(struct rec_client, created)},
    {REC_TIME, REC_AT(struct rec_client, not_after)},
};
static const struct rec_layout layout = REC_LAYOUT(struct rec_client, fields, VERSION, VERSION);

err_t rec_client_write(const struct rec_client *c, struct writer *w)
{
    return rec_write(&layout, VERSION, c, NULL, w);
}

err_t rec_client_parse(struct bytes b, struct rec_client *out)
{
    return rec_parse(&layout, b, out);
}

err_t rec_client_get(struct txn *t, struct text ri, struct rec_client *out)
{
    struct bytes b;
    TRY(rec_get(t, TABLE_MAF_CLIENT, ri, &b));
    return rec_client_parse(b, out);
}

err_t rec_client_of_id(struct text client, struct text adfq, char out[static REC_CLIENT_OF_MAX])
{
    struct writer w = writer_of(out, REC_CLIENT_OF_MAX);
    writer_text(&w, client);
    writer_u8(&w, '/');
    for (size_t i = 0; i < adfq.n; i++) {
        writer_u8(&w, (uint8_t)text_lower(adfq.p[i]));
    }
    return writer_finish_z(&w);
}
