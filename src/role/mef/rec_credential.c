#include "role/mef/rec_credential.h"

/* The first version knew Kpm alone; it is still how a Kpm is written, so that no store has to be rewritten. */
enum { VERSION_KPM = 1, VERSION_CERT = 2 };

static const struct rec_field fields[] = {
    {REC_U8, REC_AT(struct rec_credential, kind), .low = CERT_KEY_TYPE_MIN, .high = CERT_KEY_TYPE_MAX,
     .since = VERSION_CERT, .absent = REC_CREDENTIAL_KPM},
    {REC_TEXT, REC_AT(struct rec_credential, id.z)},
    {REC_TEXT, REC_AT(struct rec_credential, enrolee_id.z)},
    {REC_TEXT, REC_AT(struct rec_credential, target.z)},
    {REC_U8, REC_AT(struct rec_credential, profile), .low = CREDENTIAL_R3, .high = CREDENTIAL_SEED},
    {REC_U8, REC_AT(struct rec_credential, standing), .high = STANDING_MAX},
    {REC_TIME, REC_AT(struct rec_credential, added)},
    {REC_TIME, REC_AT(struct rec_credential, not_after)},
    {REC_SEALED, REC_AT(struct rec_credential, sealed), .until = VERSION_KPM},
};
static const struct rec_layout layout = REC_LAYOUT(struct rec_credential, fields, VERSION_KPM, VERSION_CERT);

err_t rec_credential_write(const struct rec_credential *c, const struct rec_seal *kpm, struct writer *w)
{
    return rec_write(&layout, c->kind == REC_CREDENTIAL_KPM ? VERSION_KPM : VERSION_CERT, c, kpm, w);
}

err_t rec_credential_parse(struct bytes b, struct rec_credential *out)
{
    return rec_parse(&layout, b, out);
}

err_t rec_credential_get(struct txn *t, struct text folded, struct rec_credential *out)
{
    struct bytes b;
    TRY(rec_get(t, TABLE_MEF_CREDENTIAL, folded, &b));
    return rec_credential_parse(b, out);
}

err_t rec_credential_kpm(const struct rec_credential *c, const struct sealer *s, struct text folded, struct secret *kpm)
{
    if (c->kind != REC_CREDENTIAL_KPM) { /* a certificate's identity is no psk_identity, whoever sends it */
        return ERR_DENIED_PSK_UNKNOWN;
    }
    return seal_open(s, TABLE_MEF_CREDENTIAL, folded, c->sealed, kpm);
}
