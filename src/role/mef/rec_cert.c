#include "role/mef/rec_cert.h"

#include <string.h>

enum { VERSION = 1, OF_VERSION = 1 };

err_t rec_cert_write(const struct rec_cert *c, struct writer *w)
{
    writer_u8(w, VERSION);
    writer_text16(w, c->serial);
    writer_text16(w, c->name);
    writer_text16(w, c->credential.z);
    writer_text16(w, c->association);
    writer_u64(w, (uint64_t)c->issued);
    writer_u64(w, (uint64_t)c->not_after);
    return writer_finish(w);
}

err_t rec_cert_parse(struct bytes b, struct rec_cert *out)
{
    memset(out, 0, sizeof(*out));
    struct reader r = reader_of(b);
    rec_version(&r, VERSION);
    reader_text16(&r, out->serial, sizeof(out->serial));
    reader_text16(&r, out->name, sizeof(out->name));
    reader_text16(&r, out->credential.z, sizeof(out->credential.z));
    reader_text16(&r, out->association, sizeof(out->association));
    out->issued = rec_time(&r);
    out->not_after = rec_time(&r);
    return rec_finish(&r);
}

err_t rec_cert_get(struct txn *t, struct text serial, struct rec_cert *out)
{
    struct bytes b;
    TRY(rec_get(t, TABLE_MEF_CERT, serial, &b));
    return rec_cert_parse(b, out);
}

err_t rec_cert_latest(struct txn *t, struct text name, struct rec_cert *out)
{
    struct bytes b;
    char serial[ASSOCIATION_SERIAL_MAX];
    TRY(rec_get(t, TABLE_MEF_CERT_OF, name, &b));
    struct reader r = reader_of(b);
    rec_version(&r, OF_VERSION);
    reader_text16(&r, serial, sizeof(serial));
    TRY(rec_finish(&r));
    err_t e = rec_cert_get(t, text_of(serial), out);
    return e == ERR_NOT_FOUND ? ERR_MALFORMED_RECORD : e;
}

err_t rec_cert_put(struct txn *t, const struct rec_cert *c)
{
    uint8_t buf[REC_MAX];
    struct writer w = WRITER_ARRAY(buf);
    TRY(rec_cert_write(c, &w));
    TRY(rec_put(t, TABLE_MEF_CERT, text_of(c->serial), &w, STORE_PUT_IF_ABSENT));
    struct writer of = WRITER_ARRAY(buf);
    writer_u8(&of, OF_VERSION);
    writer_text16(&of, c->serial);
    return rec_put(t, TABLE_MEF_CERT_OF, text_of(c->name), &of, STORE_PUT_ANY);
}
