#include "role/maf/rec_km.h"

#include "role/key_wipe.h"

enum { OLDEST = 1, USS = 2, VERSION = USS };

static const struct rec_field fields[] = {
    {REC_TEXT, REC_AT(struct rec_km, km_id.z)},
    {REC_TEXT, REC_AT(struct rec_km, ke_id.z)},
    {REC_TEXT, REC_AT(struct rec_km, enrolee_id.z)},
    {REC_U8, REC_AT(struct rec_km, no_enrolee), .high = 1},
    {REC_U8, REC_AT(struct rec_km, standing), .high = STANDING_MAX},
    {REC_U8, REC_AT(struct rec_km, profile), .low = CREDENTIAL_R3, .high = CREDENTIAL_SEED},
    {REC_TIME, REC_AT(struct rec_km, stored)},
    {REC_TIME, REC_AT(struct rec_km, not_after)},
    {REC_TEXTS, REC_AT(struct rec_km, uss), .high = USS_MAX, .since = USS, .count = offsetof(struct rec_km, uss_n)},
    {REC_SEALED, REC_AT(struct rec_km, sealed)},
};
static const struct rec_layout layout = REC_LAYOUT(struct rec_km, fields, OLDEST, VERSION);

err_t rec_km_write(const struct rec_km *k, const struct rec_seal *km, struct writer *w)
{
    return rec_write(&layout, VERSION, k, km, w);
}

err_t rec_km_parse(struct bytes b, struct rec_km *out)
{
    return rec_parse(&layout, b, out);
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
    struct rec_seal seal = {.sealer = s, .table = TABLE_MAF_KM, .id = text_of(folded->z), .key = km == NULL ? NULL : &km->s,
                            .sealed = bytes_empty()};
    TRY(rec_km_write(k, &seal, &w));
    return rec_put(t, TABLE_MAF_KM, text_of(folded->z), &w, STORE_PUT_ANY);
}

/* Folded KeId and KmId; empty for one that there is not, or that is the other. */
static err_t names_of(const struct rec_km *k, struct keyid *ke_id, struct keyid *km_id)
{
    *ke_id = *km_id = (struct keyid){0};
    TRY(k->ke_id.z[0] == '\0' ? ERR_OK : keyid_fold(text_of(k->ke_id.z), ke_id));
    TRY(k->km_id.z[0] == '\0' ? ERR_OK : keyid_fold(text_of(k->km_id.z), km_id));
    if (text_eq(text_of(km_id->z), text_of(ke_id->z))) {
        km_id->z[0] = '\0';
    }
    return ERR_OK;
}

err_t rec_km_put(struct txn *t, const struct rec_km *k, const struct sealer *s, const struct key_km *km)
{
    struct keyid ke_id, km_id;
    TRY(names_of(k, &ke_id, &km_id));
    TRY(ke_id.z[0] == '\0' ? ERR_OK : put_under(t, k, s, km, &ke_id));
    return km_id.z[0] == '\0' ? ERR_OK : put_under(t, k, s, km, &km_id);
}

err_t rec_km_stand(struct txn *t, const struct rec_km *k, const struct sealer *s, struct text folded)
{
    SCOPED(key_wipe_km) struct key_km km = {0};
    if (k->sealed.n == 0 || (k->standing & STANDING_REVOKED) != 0) {
        return rec_km_put(t, k, s, NULL);
    }
    TRY(rec_km_key(k, s, folded, &km));
    return rec_km_put(t, k, s, &km);
}

err_t rec_km_remove(struct txn *t, const struct rec_km *k)
{
    struct keyid ke_id, km_id;
    TRY(names_of(k, &ke_id, &km_id));
    TRY(ke_id.z[0] == '\0' ? ERR_OK : txn_del(t, TABLE_MAF_KM, text_of(ke_id.z)));
    return km_id.z[0] == '\0' ? ERR_OK : txn_del(t, TABLE_MAF_KM, text_of(km_id.z));
}
