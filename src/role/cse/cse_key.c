#include "role/cse/cse_key.h"

#include "role/cert_key.h"
#include "role/detail.h"
#include "role/rec.h"
#include "role/withdraw.h"

/* The first version has a key and one peer or none; it is still how keys are written. */
enum { VERSION_KEY = 1, VERSION_CERT = 2, VERSION_OBJECT = 3, VERSION_USS = 4 /* of a BSF */ };

static const struct rec_field fields[] = {
    {REC_U8, REC_AT(struct cse_key, kind), .low = CSE_KEY_KPSA, .high = CSE_KEY_KC, .until = VERSION_KEY},
    {REC_U8, REC_AT(struct cse_key, kind), .low = CSE_KEY_CERT, .high = CSE_KEY_CERT, .since = VERSION_CERT, .until = VERSION_CERT},
    {REC_U8, REC_AT(struct cse_key, kind), .low = CSE_KEY_ESPRIM, .high = CSE_KEY_ESPRIM, .since = VERSION_OBJECT, .until = VERSION_OBJECT},
    {REC_U8, REC_AT(struct cse_key, kind), .low = CSE_KEY_KPSA, .high = CSE_KEY_KPSA, .since = VERSION_USS},
    {REC_U8, REC_AT(struct cse_key, standing), .high = STANDING_MAX},
    {REC_TEXT, REC_AT(struct cse_key, id.z)},
    {REC_TEXT, REC_AT(struct cse_key, peers[0].z), .until = VERSION_KEY},
    {REC_TEXTS, REC_AT(struct cse_key, peers), .high = ASSOCIATION_IDS_MAX, .since = VERSION_CERT,
     .count = offsetof(struct cse_key, peers_n)},
    {REC_TEXT, REC_AT(struct cse_key, credential_id)},
    {REC_TEXT, REC_AT(struct cse_key, source.z)},
    {REC_TIME, REC_AT(struct cse_key, created)},
    {REC_TIME, REC_AT(struct cse_key, not_after)},
    {REC_TEXTS, REC_AT(struct cse_key, uss), .high = USS_MAX, .since = VERSION_USS, .count = offsetof(struct cse_key, uss_n)},
    {REC_SEALED, REC_AT(struct cse_key, sealed), .until = VERSION_KEY},
    {REC_SEALED, REC_AT(struct cse_key, sealed), .since = VERSION_OBJECT},
};
static const struct rec_layout layout = REC_LAYOUT(struct cse_key, fields, VERSION_KEY, VERSION_USS);

err_t cse_key_parse(struct bytes b, struct cse_key *out)
{
    TRY(rec_parse(&layout, b, out));
    if (out->kind == CSE_KEY_KPSA || out->kind == CSE_KEY_KC) {
        out->peers_n = out->peers[0].z[0] != '\0' ? 1 : 0;
    }
    return ERR_OK;
}

err_t cse_key_write(const struct cse *cse, const struct cse_key *k, const struct secret *key, struct writer *w)
{
    struct keyid folded;
    TRY(cert_key_fold(text_of(k->id.z), &folded));
    const struct rec_seal seal = {cse->env.sealer, TABLE_CSE_KEY, text_of(folded.z), key, k->sealed};
    static const uint8_t versions[] = {[CSE_KEY_KPSA] = VERSION_KEY, [CSE_KEY_KC] = VERSION_KEY,
                                       [CSE_KEY_CERT] = VERSION_CERT, [CSE_KEY_ESPRIM] = VERSION_OBJECT};
    return rec_write(&layout, k->uss_n > 0 ? VERSION_USS : versions[k->kind], k, &seal, w);
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

err_t cse_key_stand(const struct cse *cse, struct txn *t, struct cse_key *k, usec_t now)
{
    if ((k->standing & STANDING_REVOKED) != 0) {
        k->sealed = bytes_empty();
    }
    TRY(cse_key_put(cse, t, k, NULL, STORE_PUT_ANY));
    const struct withdraw_what what = {text_of(k->id.z), k->standing, k->not_after, text_empty(), text_empty()};
    return withdraw_note(&withdraw_cse, t, &what, now);
}

err_t cse_key_check(const struct cse_key *k, usec_t now)
{
    TRY(standing_check(k->standing));
    return k->not_after <= now ? ERR_DENIED_EXPIRED : ERR_OK; /* R002-63; part 6.3 step 13 */
}

err_t cse_key_open(const struct cse *cse, const struct cse_key *k, usec_t now, struct secret *out)
{
    bool associates = k->kind == CSE_KEY_KPSA || k->kind == CSE_KEY_KC;
    return associates ? cse_key_take(cse, k, now, out) : ERR_DENIED_PSK_UNKNOWN;
}

err_t cse_key_take(const struct cse *cse, const struct cse_key *k, usec_t now, struct secret *out)
{
    struct keyid folded;
    TRY(cse_key_check(k, now));
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
    e = e == ERR_NOT_FOUND ? ERR_DENIED_REVOKED : e == ERR_OK ? standing_check(k.standing) : e;
    return e == ERR_OK ? e : detail_fail(detail, e, "the credential of this association", id);
}

/* What has ended is refused by the MAF or MEF it came from as well; other Kpsa are the operator's. One that an operator revoked
 * is kept: its MEF might still give it. */
bool cse_key_is_over(struct bytes record, usec_t now)
{
    struct cse_key k;
    return cse_key_parse(record, &k) == ERR_OK && k.not_after <= now &&
           (k.kind == CSE_KEY_KC || (k.source.z[0] != '\0' && (k.standing & STANDING_REVOKED) == 0));
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
    static const char *const names[] = {[CSE_KEY_KPSA] = "kpsa", [CSE_KEY_KC] = "kc", [CSE_KEY_CERT] = "cert",
                                        [CSE_KEY_ESPRIM] = "esprim"};
    return names[k];
}
