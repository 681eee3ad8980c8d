#include "role/mef/rec_credential.h"

#include <string.h>

enum { VERSION = 1 };

err_t rec_credential_write(const struct rec_credential *c, const struct rec_seal *kpm, struct writer *w)
{
    writer_u8(w, VERSION);
    writer_text16(w, c->kpm_id.z);
    writer_text16(w, c->enrolee_id.z);
    writer_text16(w, c->target.z);
    writer_u8(w, (uint8_t)c->profile);
    writer_u8(w, c->revoked ? 1 : 0);
    writer_u64(w, (uint64_t)c->added);
    writer_u64(w, (uint64_t)c->not_after);
    return rec_seal_write(kpm, w);
}

err_t rec_credential_parse(struct bytes b, struct rec_credential *out)
{
    memset(out, 0, sizeof(*out));
    struct reader r = reader_of(b);
    rec_version(&r, VERSION);
    reader_text16(&r, out->kpm_id.z, sizeof(out->kpm_id.z));
    reader_text16(&r, out->enrolee_id.z, sizeof(out->enrolee_id.z));
    reader_text16(&r, out->target.z, sizeof(out->target.z));
    out->profile = (enum credential_profile)rec_u8(&r, CREDENTIAL_R3, CREDENTIAL_SEED);
    out->revoked = rec_bool(&r);
    out->added = rec_time(&r);
    out->not_after = rec_time(&r);
    out->sealed = reader_block16(&r);
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
    return seal_open(s, TABLE_MEF_CREDENTIAL, folded, c->sealed, kpm);
}
