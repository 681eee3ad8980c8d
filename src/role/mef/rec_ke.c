#include "role/mef/rec_ke.h"

#include "base/hex.h"

#include <string.h>

enum { VERSION = 1, OF_VERSION = 1, NUMBER_LEN = 8 };

err_t rec_ke_write(const struct rec_ke *k, const struct rec_seal *ke, struct writer *w)
{
    writer_u8(w, VERSION);
    writer_text16(w, k->ke_id.z);
    writer_text16(w, k->credential.z);
    writer_text16(w, k->enrolee_id.z);
    writer_text16(w, k->target.z);
    writer_u8(w, (uint8_t)k->profile);
    writer_u64(w, (uint64_t)k->issued);
    writer_u64(w, (uint64_t)k->not_after);
    return rec_seal_write(ke, w);
}

err_t rec_ke_parse(struct bytes b, struct rec_ke *out)
{
    memset(out, 0, sizeof(*out));
    struct reader r = reader_of(b);
    rec_version(&r, VERSION);
    reader_text16(&r, out->ke_id.z, sizeof(out->ke_id.z));
    reader_text16(&r, out->credential.z, sizeof(out->credential.z));
    reader_text16(&r, out->enrolee_id.z, sizeof(out->enrolee_id.z));
    reader_text16(&r, out->target.z, sizeof(out->target.z));
    out->profile = (enum credential_profile)rec_u8(&r, CREDENTIAL_R3, CREDENTIAL_SEED);
    out->issued = rec_time(&r);
    out->not_after = rec_time(&r);
    out->sealed = reader_block16(&r);
    return rec_finish(&r);
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
    writer_u8(w, OF_VERSION);
    writer_text16(w, ke_id->z);
    return writer_finish(w);
}

err_t rec_ke_of_parse(struct bytes b, struct keyid *ke_id)
{
    struct reader r = reader_of(b);
    rec_version(&r, OF_VERSION);
    reader_text16(&r, ke_id->z, sizeof(ke_id->z));
    return rec_finish(&r);
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
