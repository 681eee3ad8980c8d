#include "role/mef/rec_cert.h"

enum { VERSION = 1 };

static const struct rec_field fields[] = {
    {REC_TEXT, REC_AT(struct rec_cert, serial)},
    {REC_TEXT, REC_AT(struct rec_cert, name)},
    {REC_TEXT, REC_AT(struct rec_cert, credential.z)},
    {REC_TEXT, REC_AT(struct rec_cert, association)},
    {REC_TIME, REC_AT(struct rec_cert, issued)},
    {REC_TIME, REC_AT(struct rec_cert, not_after)},
};
static const struct rec_layout layout = REC_LAYOUT(struct rec_cert, fields, VERSION, VERSION);

err_t rec_cert_write(const struct rec_cert *c, struct writer *w)
{
    return rec_write(&layout, VERSION, c, NULL, w);
}

err_t rec_cert_parse(struct bytes b, struct rec_cert *out)
{
    return rec_parse(&layout, b, out);
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
    TRY(rec_name_parse(b, serial, sizeof(serial)));
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
    TRY(rec_name_write(c->serial, &of));
    return rec_put(t, TABLE_MEF_CERT_OF, text_of(c->name), &of, STORE_PUT_ANY);
}
