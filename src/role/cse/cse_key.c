#include "role/cse/cse_key.h"

#include "role/cert_key.h"
#include "role/detail.h"
#include "role/rec.h"

/* The first version has a key and one peer or none; it is still how keys are written. */
enum { VERSION_KEY = 1, VERSION_CERT = 2 };

static void peers_read(struct reader *r, bool several, struct cse_key *out)
{
    out->peers_n = several ? rec_u8(r, 0, ASSOCIATION_IDS_MAX) : 1;
    for (size_t i = 0; i < out->peers_n; i++) {
        reader_text16(r, out->peers[i].z, sizeof(out->peers[i].z));
        if (several && out->peers[i].z[0] == '\0') {
            r->failed = true;
        }
    }
    if (!several && out->peers[0].z[0] == '\0') {
        out->peers_n = 0;
    }
}

static void peers_write(const struct cse_key *k, bool several, struct writer *w)
{
    if (!several) {
        writer_text16(w, k->peers_n > 0 ? k->peers[0].z : "");
        return;
    }
    writer_u8(w, (uint8_t)k->peers_n);
    for (size_t i = 0; i < k->peers_n; i++) {
        writer_text16(w, k->peers[i].z);
    }
}

err_t cse_key_parse(struct bytes b, struct cse_key *out)
{
    struct reader r = reader_of(b);
    *out = (struct cse_key){0};
    bool cert = rec_u8(&r, VERSION_KEY, VERSION_CERT) == VERSION_CERT;
    out->kind = (enum cse_key_kind)rec_u8(&r, cert ? CSE_KEY_CERT : CSE_KEY_KPSA, cert ? CSE_KEY_CERT : CSE_KEY_KC);
    out->revoked = rec_bool(&r);
    reader_text16(&r, out->id.z, sizeof(out->id.z));
    peers_read(&r, cert, out);
    reader_text16(&r, out->credential_id, sizeof(out->credential_id));
    reader_text16(&r, out->source.z, sizeof(out->source.z));
    out->created = rec_time(&r);
    out->not_after = rec_time(&r);
    out->sealed = cert ? bytes_empty() : reader_block16(&r);
    return rec_finish(&r);
}

err_t cse_key_write(const struct cse *cse, const struct cse_key *k, const struct secret *key, struct writer *w)
{
    struct keyid folded;
    bool cert = k->kind == CSE_KEY_CERT;
    TRY(cert_key_fold(text_of(k->id.z), &folded));
    writer_u8(w, cert ? VERSION_CERT : VERSION_KEY);
    writer_u8(w, (uint8_t)k->kind);
    writer_u8(w, k->revoked ? 1 : 0);
    writer_text16(w, k->id.z);
    peers_write(k, cert, w);
    writer_text16(w, k->credential_id);
    writer_text16(w, k->source.z);
    writer_u64(w, (uint64_t)k->created);
    writer_u64(w, (uint64_t)k->not_after);
    const struct rec_seal seal = {cse->env.sealer, TABLE_CSE_KEY, text_of(folded.z), key, k->sealed};
    TRY(cert ? ERR_OK : rec_seal_write(&seal, w));
    return writer_finish(w);
}

err_t cse_key_get(struct txn *t, struct text id, struct cse_key *out)
{
    struct keyid folded;
    struct bytes b;
    TRY(cert_key_fold(id, &folded));
    TRY(rec_get(t, TABLE_CSE_KEY, text_of(folded.z), &b));
    return cse_key_parse(b, out);
}

err_t cse_key_put(const struct cse *cse, struct txn *t, const struct cse_key *k, const struct secret *key,
                  enum store_put mode)
{
    struct keyid folded;
    uint8_t buf[REC_MAX];
    struct writer w = WRITER_ARRAY(buf);
    TRY(cert_key_fold(text_of(k->id.z), &folded));
    TRY(cse_key_write(cse, k, key, &w));
    return rec_put(t, TABLE_CSE_KEY, text_of(folded.z), &w, mode);
}

err_t cse_key_check(const struct cse_key *k, usec_t now)
{
    if (k->revoked) {
        return ERR_DENIED_REVOKED;
    }
    return k->not_after <= now ? ERR_DENIED_EXPIRED : ERR_OK; /* R002-63; part 6.3 step 13 */
}

err_t cse_key_open(const struct cse *cse, const struct cse_key *k, usec_t now, struct secret *out)
{
    struct keyid folded;
    TRY(k->kind == CSE_KEY_CERT ? ERR_DENIED_PSK_UNKNOWN : cse_key_check(k, now));
    TRY(keyid_fold(text_of(k->id.z), &folded));
    return seal_open(cse->env.sealer, TABLE_CSE_KEY, text_of(folded.z), k->sealed, out);
}

err_t cse_key_alive(struct txn *t, const struct association *a, char detail[static ROLE_DETAIL_MAX])
{
    struct cse_key k;
    struct text id = text_of(a->key_id.z);
    err_t e = cse_key_get(t, id, &k);
    if (e == ERR_NOT_FOUND && a->framework == ASSOCIATION_CERT) {
        return ERR_OK; /* it never had one; records are not taken away */
    }
    if (e == ERR_NOT_FOUND || (e == ERR_OK && k.revoked)) {
        return detail_fail(detail, ERR_DENIED_REVOKED, "the credential of this association", id);
    }
    return e;
}

err_t cse_key_bind(const struct cse_key *k, struct association *a)
{
    a->peer = PEER_UNKNOWN;
    for (size_t i = 0; i < k->peers_n; i++) {
        a->ids[i] = k->peers[i];
        a->peer = m2mid_is_ae(m2mid_kind(text_of(k->peers[i].z))) ? PEER_AE : PEER_CSE;
    }
    a->ids_n = k->peers_n;
    a->not_after = k->not_after; /* R002-85 */
    return TEXT_COPY(text_of(k->credential_id), a->credential_id);
}

const char *cse_key_kind_name(enum cse_key_kind k)
{
    static const char *const names[] = {[CSE_KEY_KPSA] = "kpsa", [CSE_KEY_KC] = "kc", [CSE_KEY_CERT] = "cert"};
    return names[k];
}
