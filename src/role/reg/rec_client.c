#include "role/reg/rec_client.h"

enum { VERSION_PLAIN = 1, VERSION = 2 }; /* the first version had no configuration */

static const struct rec_field fields[] = {
    {REC_TEXT, REC_AT(struct rec_client, ri)},
    {REC_TEXT, REC_AT(struct rec_client, client)},
    {REC_TEXT, REC_AT(struct rec_client, adfq)},
    {REC_TEXT, REC_AT(struct rec_client, credential.z)},
    {REC_LIST, REC_AT(struct rec_client, lbl)},
    {REC_TIME, REC_AT(struct rec_client, created)},
    {REC_TIME, REC_AT(struct rec_client, not_after)},
    {REC_VIEW16, REC_AT(struct rec_client, cfg), .since = VERSION},
};
static const struct rec_layout layout = REC_LAYOUT(struct rec_client, fields, VERSION_PLAIN, VERSION);

err_t rec_client_write(const struct rec_client *c, struct writer *w)
{
    return rec_write(&layout, c->cfg.n == 0 ? VERSION_PLAIN : VERSION, c, NULL, w);
}

err_t rec_client_parse(struct bytes b, struct rec_client *out)
{
    TRY(rec_parse(&layout, b, out));
    return b.p[0] == VERSION && out->cfg.n == 0 ? ERR_MALFORMED_RECORD : ERR_OK; /* it would be written as the first */
}

err_t rec_client_get(struct txn *t, enum store_table table, struct text ri, struct rec_client *out)
{
    struct bytes b;
    TRY(rec_get(t, table, ri, &b));
    return rec_client_parse(b, out);
}

err_t rec_client_put(struct txn *t, enum store_table table, const struct rec_client *c, enum store_put mode)
{
    uint8_t buf[REC_MAX];
    struct writer w = WRITER_ARRAY(buf);
    TRY(rec_client_write(c, &w));
    return rec_put(t, table, text_of(c->ri), &w, mode);
}

err_t rec_client_of_id(struct text client, struct text adfq, char out[static REC_CLIENT_OF_MAX])
{
    struct writer w = writer_of(out, REC_CLIENT_OF_MAX);
    writer_text(&w, client);
    writer_u8(&w, '/');
    writer_text_lower(&w, adfq);
    return writer_finish_z(&w);
}
