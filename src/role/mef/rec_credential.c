#include "role/mef/rec_credential.h"

/* The first version knew Kpm alone; it is still how a Kpm is written, so that no store has to be rewritten. One that was
 * reassigned says since when, and perhaps where its service is now. Those of certificates are even. */
enum { VERSION_KPM = 1, VERSION_CERT = 2, VERSION_KPM_SINCE = 3, VERSION_CERT_SINCE = 4, VERSION_KPM_CFG = 5, VERSION_CERT_CFG = 6 };

static const struct rec_field fields[] = {
    {REC_U8, REC_AT(struct rec_credential, kind), .low = REC_CREDENTIAL_KPM, .high = CERT_KEY_TYPE_MAX,
     .since = VERSION_CERT, .absent = REC_CREDENTIAL_KPM},
    {REC_TEXT, REC_AT(struct rec_credential, id.z)},
    {REC_TEXT, REC_AT(struct rec_credential, enrolee_id.z)},
    {REC_TEXT, REC_AT(struct rec_credential, target.z)},
    {REC_U8, REC_AT(struct rec_credential, profile), .low = CREDENTIAL_R3, .high = CREDENTIAL_SEED},
    {REC_U8, REC_AT(struct rec_credential, standing), .high = STANDING_MAX},
    {REC_TIME, REC_AT(struct rec_credential, added)},
    {REC_TIME, REC_AT(struct rec_credential, not_after)},
    {REC_TIME, REC_AT(struct rec_credential, since), .since = VERSION_KPM_SINCE},
    {REC_SEALED, REC_AT(struct rec_credential, sealed), .until = VERSION_KPM},
    {REC_SEALED, REC_AT(struct rec_credential, sealed), .since = VERSION_KPM_SINCE, .until = VERSION_KPM_SINCE},
    {REC_VIEW16, REC_AT(struct rec_credential, cfg), .since = VERSION_KPM_CFG},
    {REC_SEALED, REC_AT(struct rec_credential, sealed), .since = VERSION_KPM_CFG, .until = VERSION_KPM_CFG},
};
static const struct rec_layout layout = REC_LAYOUT(struct rec_credential, fields, VERSION_KPM, VERSION_CERT_CFG);

err_t rec_credential_write(const struct rec_credential *c, const struct rec_seal *kpm, struct writer *w)
{
    uint8_t version = c->since == 0 ? VERSION_KPM : c->cfg.n == 0 ? VERSION_KPM_SINCE : VERSION_KPM_CFG;
    return rec_write(&layout, (uint8_t)(version + (c->kind != REC_CREDENTIAL_KPM)), c, kpm, w);
}

err_t rec_credential_parse(struct bytes b, struct rec_credential *out)
{
    TRY(rec_parse(&layout, b, out));
    bool cert = out->kind >= CERT_KEY_TYPE_MIN;
    bool as_cert = b.p[0] % 2 == 0;
    bool told = b.p[0] >= VERSION_KPM_CFG;
    bool changed = b.p[0] >= VERSION_KPM_SINCE; /* only what was changed says so */
    bool is_kind = cert || out->kind == REC_CREDENTIAL_KPM;
    return is_kind && cert == as_cert && changed == (out->since > 0) && told == (out->cfg.n > 0)
               ? ERR_OK
               : ERR_MALFORMED_RECORD;
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
