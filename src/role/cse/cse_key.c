#include "role/cse/cse_key.h"

#include "role/detail.h"
#include "role/rec.h"

#define RECORD_VERSION 1

err_t cse_key_parse(struct bytes b, struct cse_key *out)
{
    struct reader r = reader_of(b);
    *out = (struct cse_key){0};
    rec_version(&r, RECORD_VERSION);
    out->kind = (enum cse_key_kind)rec_u8(&r, CSE_KEY_KPSA, CSE_KEY_KC);
    out->revoked = rec_bool(&r);
    reader_text16(&r, out->id.z, sizeof(out->id.z));
    reader_text16(&r, out->peer.z, sizeof(out->peer.z));
    reader_text16(&r, out->credential_id, sizeof(out->credential_id));
    reader_text16(&r, out->source.z, sizeof(out->source.z));
    out->created = rec_time(&r);
    out->not_after = rec_time(&r);
    out->sealed = reader_block16(&r);
    return rec_finish(&r);
}

err_t cse_key_write(const struct cse *cse, const struct cse_key *k, const struct secret *key, struct writer *w)
{
    struct keyid folded;
    TRY(keyid_fold(text_of(k->id.z), &folded));
    writer_u8(w, RECORD_VERSION);
    writer_u8(w, (uint8_t)k->kind);
    writer_u8(w, k->revoked ? 1 : 0);
    writer_text16(w, k->id.z);
    writer_text16(w, k->peer.z);
    writer_text16(w, k->credential_id);
    writer_text16(w, k->source.z);
    writer_u64(w, (uint64_t)k->created);
    writer_u64(w, (uint64_t)k->not_after);
    const struct rec_seal seal = {cse->env.sealer, TABLE_CSE_KEY, text_of(folded.z), key, k->sealed};
    TRY(rec_seal_write(&seal, w));
    return writer_finish(w);
}

err_t cse_key_get(struct txn *t, struct text id, struct cse_key *out)
{
    struct keyid folded;
    struct bytes b;
    TRY(keyid_fold(id, &folded));
    TRY(rec_get(t, TABLE_CSE_KEY, text_of(folded.z), &b));
    return cse_key_parse(b, out);
}

err_t cse_key_put(const struct cse *cse, struct txn *t, const struct cse_key *k, const struct secret *key,
                  enum store_put mode)
{
    struct keyid folded;
    uint8_t buf[REC_MAX];
    struct writer w = WRITER_ARRAY(buf);
    TRY(keyid_fold(text_of(k->id.z), &folded));
    TRY(cse_key_write(cse, k, key, &w));
    return rec_put(t, TABLE_CSE_KEY, text_of(folded.z), &w, mode);
}

err_t cse_key_open(const struct cse *cse, const struct cse_key *k, usec_t now, struct secret *out)
{
    struct keyid folded;
    if (k->revoked) {
        return ERR_DENIED_REVOKED;
    }
    if (k->not_after <= now) { /* R002-63; part 6.3 step 13 */
        return ERR_DENIED_EXPIRED;
    }
    TRY(keyid_fold(text_of(k->id.z), &folded));
    return seal_open(cse->env.sealer, TABLE_CSE_KEY, text_of(folded.z), k->sealed, out);
}

err_t cse_key_alive(struct txn *t, struct text id, char detail[static ROLE_DETAIL_MAX])
{
    struct cse_key k;
    err_t e = cse_key_get(t, id, &k);
    if (e == ERR_NOT_FOUND || (e == ERR_OK && k.revoked)) {
        return detail_fail(detail, ERR_DENIED_REVOKED, "the credential of this association", id);
    }
    return e;
}

const char *cse_key_kind_name(enum cse_key_kind k)
{
    return k == CSE_KEY_KPSA ? "kpsa" : "kc";
}
