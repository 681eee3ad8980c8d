#include "role/maf/rec_km.h"

#include <string.h>

enum { VERSION = 1 };

err_t rec_km_write(const struct rec_km *k, const struct rec_seal *km, struct writer *w)
{
    writer_u8(w, VERSION);
    writer_text16(w, k->km_id.z);
    writer_text16(w, k->ke_id.z);
    writer_text16(w, k->enrolee_id.z);
    writer_u8(w, k->no_enrolee ? 1 : 0);
    writer_u8(w, k->revoked ? 1 : 0);
    writer_u8(w, (uint8_t)k->profile);
    writer_u64(w, (uint64_t)k->stored);
    writer_u64(w, (uint64_t)k->not_after);
    return rec_seal_write(km, w);
}

err_t rec_km_parse(struct bytes b, struct rec_km *out)
{
    memset(out, 0, sizeof(*out));
    struct reader r = reader_of(b);
    rec_version(&r, VERSION);
    reader_text16(&r, out->km_id.z, sizeof(out->km_id.z));
    reader_text16(&r, out->ke_id.z, sizeof(out->ke_id.z));
    reader_text16(&r, out->enrolee_id.z, sizeof(out->enrolee_id.z));
    out->no_enrolee = rec_bool(&r);
    out->revoked = rec_bool(&r);
    out->profile = (enum credential_profile)rec_u8(&r, CREDENTIAL_R3, CREDENTIAL_SEED);
    out->stored = rec_time(&r);
    out->not_after = rec_time(&r);
    out->sealed = reader_block16(&r);
    return rec_finish(&r);
}

err_t rec_km_get(struct txn *t, struct text folded, struct rec_km *out)
{
    struct bytes b;
    TRY(rec_get(t, TABLE_MAF_KM, folded, &b));
    return rec_km_parse(b, out);
}

err_t rec_km_key(const struct rec_km *k, const struct sealer *s, struct text folded, struct key_km *km)
{
    return seal_open(s, TABLE_MAF_KM, folded, k->sealed, &km->s);
}

bool rec_km_is_held(const struct rec_km *k)
{
    return k->sealed.n > 0 && (k->enrolee_id.z[0] != '\0' || k->no_enrolee);
}

struct text rec_km_name(const struct rec_km *k)
{
    return text_of(k->km_id.z[0] != '\0' ? k->km_id.z : k->ke_id.z);
}

static err_t put_under(struct txn *t, const struct rec_km *k, const struct sealer *s, const struct key_km *km,
                       const struct keyid *folded)
{
    uint8_t buf[REC_MAX];
    struct writer w = WRITER_ARRAY(buf);
    struct rec_seal seal = {.sealer = s, .table = TABLE_MAF_KM, .id = text_of(folded->z), .key = &km->s};
    TRY(rec_km_write(k, &seal, &w));
    return rec_put(t, TABLE_MAF_KM, text_of(folded->z), &w, STORE_PUT_ANY);
}

err_t rec_km_put(struct txn *t, const struct rec_km *k, const struct sealer *s, const struct key_km *km)
{
    struct keyid ke_id = {0};
    struct keyid km_id = {0};
    if (k->ke_id.z[0] != '\0') {
        TRY(keyid_fold(text_of(k->ke_id.z), &ke_id));
        TRY(put_under(t, k, s, km, &ke_id));
    }
    if (k->km_id.z[0] == '\0') {
        return ERR_OK;
    }
    TRY(keyid_fold(text_of(k->km_id.z), &km_id));
    return text_eq(text_of(km_id.z), text_of(ke_id.z)) ? ERR_OK : put_under(t, k, s, km, &km_id);
}
