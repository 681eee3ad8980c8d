#include "role/maf/rec_client.h"

#include <string.h>

enum { VERSION = 1, OF_VERSION = 1 };

err_t rec_client_write(const struct rec_client *c, struct writer *w)
{
    writer_u8(w, VERSION);
    writer_text16(w, c->ri);
    writer_text16(w, c->client);
    writer_text16(w, c->adfq);
    writer_text16(w, c->km_name.z);
    rec_list_write(&c->lbl, w);
    writer_u64(w, (uint64_t)c->created);
    writer_u64(w, (uint64_t)c->not_after);
    return writer_finish(w);
}

err_t rec_client_parse(struct bytes b, struct rec_client *out)
{
    memset(out, 0, sizeof(*out));
    struct reader r = reader_of(b);
    rec_version(&r, VERSION);
    reader_text16(&r, out->ri, sizeof(out->ri));
    reader_text16(&r, out->client, sizeof(out->client));
    reader_text16(&r, out->adfq, sizeof(out->adfq));
    reader_text16(&r, out->km_name.z, sizeof(out->km_name.z));
    rec_list_read(&r, &out->lbl);
    out->created = rec_time(&r);
    out->not_after = rec_time(&r);
    return rec_finish(&r);
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

err_t rec_client_of_write(const char *ri, struct writer *w)
{
    writer_u8(w, OF_VERSION);
    writer_text16(w, ri);
    return writer_finish(w);
}

err_t rec_client_of_parse(struct bytes b, char ri[static REC_CLIENT_RI_MAX])
{
    struct reader r = reader_of(b);
    rec_version(&r, OF_VERSION);
    reader_text16(&r, ri, REC_CLIENT_RI_MAX);
    return rec_finish(&r);
}
