#include "role/mef/rec_credential.h"

#include <string.h>

/* The first version knew Kpm alone; it is still how a Kpm is written, so that no store has to be rewritten. */
enum { VERSION_KPM = 1, VERSION_CERT = 2 };

err_t rec_credential_write(const struct rec_credential *c, const struct rec_seal *kpm, struct writer *w)
{
    bool has_key = c->kind == REC_CREDENTIAL_KPM;
    writer_u8(w, has_key ? VERSION_KPM : VERSION_CERT);
    if (!has_key) {
        writer_u8(w, c->kind);
    }
    writer_text16(w, c->id.z);
    writer_text16(w, c->enrolee_id.z);
    writer_text16(w, c->target.z);
    writer_u8(w, (uint8_t)c->profile);
    writer_u8(w, c->revoked ? 1 : 0);
    writer_u64(w, (uint64_t)c->added);
    writer_u64(w, (uint64_t)c->not_after);
    return has_key ? rec_seal_write(kpm, w) : ERR_OK;
}

err_t rec_credential_parse(struct bytes b, struct rec_credential *out)
{
    memset(out, 0, sizeof(*out));
    struct reader r = reader_of(b);
    bool has_key = rec_u8(&r, VERSION_KPM, VERSION_CERT) == VERSION_KPM;
    out->kind = has_key ? (uint8_t)REC_CREDENTIAL_KPM : rec_u8(&r, CERT_KEY_TYPE_MIN, CERT_KEY_TYPE_MAX);
    reader_text16(&r, out->id.z, sizeof(out->id.z));
    reader_text16(&r, out->enrolee_id.z, sizeof(out->enrolee_id.z));
    reader_text16(&r, out->target.z, sizeof(out->target.z));
    out->profile = (enum credential_profile)rec_u8(&r, CREDENTIAL_R3, CREDENTIAL_SEED);
    out->revoked = rec_bool(&r);
    out->added = rec_time(&r);
    out->not_after = rec_time(&r);
    out->sealed = has_key ? reader_block16(&r) : bytes_empty();
    return rec_finish(&r);
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
