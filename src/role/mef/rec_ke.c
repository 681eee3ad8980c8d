#include "role/mef/rec_ke.h"

#include "base/hex.h"

enum { VERSION_NEW = 1, VERSION_RELEASED = 2, NUMBER_LEN = 8 };

static const struct rec_field fields[] = {
    {REC_TEXT, REC_AT(struct rec_ke, ke_id.z)},
    {REC_TEXT, REC_AT(struct rec_ke, credential.z)},
    {REC_TEXT, REC_AT(struct rec_ke, enrolee_id.z)},
    {REC_TEXT, REC_AT(struct rec_ke, target.z)},
    {REC_U8, REC_AT(struct rec_ke, profile), .low = CREDENTIAL_R3, .high = CREDENTIAL_SEED},
    {REC_TIME, REC_AT(struct rec_ke, issued)},
    {REC_TIME, REC_AT(struct rec_ke, not_after)},
    {REC_U8, REC_AT(struct rec_ke, released), .low = 1, .high = 1, .since = VERSION_RELEASED},
    {REC_SEALED, REC_AT(struct rec_ke, sealed)},
};
static const struct rec_layout layout = REC_LAYOUT(struct rec_ke, fields, VERSION_NEW, VERSION_RELEASED);

err_t rec_ke_write(const struct rec_ke *k, const struct rec_seal *ke, struct writer *w)
{
    return rec_write(&layout, k->released ? VERSION_RELEASED : VERSION_NEW, k, ke, w);
}

err_t rec_ke_parse(struct bytes b, struct rec_ke *out)
{
    return rec_parse(&layout, b, out);
}

err_t rec_ke_get(struct txn *t, struct text folded, struct rec_ke *out)
{
    struct bytes b;
    TRY(rec_get(t, TABLE_MEF_KE, folded, &b));
    return rec_ke_parse(b, out);
}

err_t rec_ke_key(const struct rec_ke *k, const struct sealer *s, struct text folded, struct key_ke *ke)
{
    return seal_open(s, TABLE_MEF_KE, folded, k->sealed, &ke->s);
}

err_t rec_ke_of_id(const struct keyid *credential, uint64_t number, char out[static REC_KE_OF_ID_MAX])
{
    uint8_t octets[NUMBER_LEN];
    struct writer n = WRITER_ARRAY(octets);
    writer_u64(&n, number);
    struct writer w = writer_of(out, REC_KE_OF_ID_MAX);
    writer_z(&w, credential->z);
    writer_u8(&w, '/'); /* no KpmId contains it, and no table key of a certificate goes on with it:
                            no credential's prefix is the prefix of another's */
    hex_write_lower(&w, BYTES_ARRAY(octets));
    return writer_finish_z(&w);
}

err_t rec_ke_of_write(const struct keyid *ke_id, struct writer *w)
{
    return rec_name_write(ke_id->z, w);
}

err_t rec_ke_of_parse(struct bytes b, struct keyid *ke_id)
{
    return rec_name_parse(b, ke_id->z, sizeof(ke_id->z));
}

err_t rec_ke_of_number(struct bytes id, uint64_t *out)
{
    struct text t = text_span((const char *)id.p, id.n);
    uint8_t octets[NUMBER_LEN];
    struct writer w = WRITER_ARRAY(octets);
    if (hex_parse(text_skip(t, text_find_last(t, '/') + 1), &w) != ERR_OK || w.n != NUMBER_LEN) {
        return ERR_MALFORMED_RECORD;
    }
    struct reader r = reader_of(BYTES_ARRAY(octets));
    *out = reader_u64(&r);
    return ERR_OK;
}
