#include "role/bsf/rec_subscriber.h"

#include "base/hex.h"
#include "role/bsf/rec_bsf.h"

enum { FIRST = 1, SOURCES = 2, USS = 3, STAMPED = 4, VERSION = STAMPED }; /* version 1: all had their keys here */

static const struct rec_field fields[] = {
    {REC_TEXT, REC_AT(struct rec_subscriber, impi.z)},
    {REC_U8, REC_AT(struct rec_subscriber, algorithm), .high = AKA_ALGORITHMS - 1},
    {REC_U8, REC_AT(struct rec_subscriber, gba_u), .high = 1},
    {REC_TEXT, REC_AT(struct rec_subscriber, amf)},
    {REC_TEXT, REC_AT(struct rec_subscriber, enrolee_id.z)},
    {REC_TIME, REC_AT(struct rec_subscriber, added)},
    {REC_TIME, REC_AT(struct rec_subscriber, ks_lifetime)},
    {REC_TEXTS, REC_AT(struct rec_subscriber, nafs), .high = REC_SUBSCRIBER_NAFS_MAX,
     .count = offsetof(struct rec_subscriber, nafs_n)},
    {REC_U8, REC_AT(struct rec_subscriber, source), .high = SUBSCRIBER_ELSEWHERE, .since = SOURCES, .absent = SUBSCRIBER_HERE},
    {REC_TEXTS, REC_AT(struct rec_subscriber, uss), .high = USS_MAX, .since = USS, .count = offsetof(struct rec_subscriber, uss_n)},
    {REC_TIME, REC_AT(struct rec_subscriber, guss_made), .since = STAMPED},
    {REC_VIEW16, REC_AT(struct rec_subscriber, k)},
    {REC_VIEW16, REC_AT(struct rec_subscriber, opc)},
};
static const struct rec_layout layout = REC_LAYOUT(struct rec_subscriber, fields, FIRST, VERSION);

err_t rec_subscriber_put(struct txn *t, const struct sealer *s, struct rec_subscriber *r, const struct aka_keys *keys)
{
    uint8_t sealed[2 * (SEAL_MAX + 2)];
    uint8_t buf[REC_MAX];
    struct writer room = WRITER_ARRAY(sealed);
    struct writer w = WRITER_ARRAY(buf);
    const struct rec_bsf_part part = {s, TABLE_BSF_SUBSCRIBER, text_of(r->impi.z)};
    r->k = r->opc = bytes_empty();
    if (r->source == SUBSCRIBER_HERE) {
        TRY(rec_bsf_seal(&part, "k", &keys->k.s, &room, &r->k));
        TRY(rec_bsf_seal(&part, "opc", &keys->opc.s, &room, &r->opc));
    }
    TRY(rec_write(&layout, VERSION, r, NULL, &w));
    r->k = r->opc = bytes_empty(); /* their room ends here */
    return rec_put(t, TABLE_BSF_SUBSCRIBER, text_of(r->impi.z), &w, r->source == SUBSCRIBER_ELSEWHERE ? STORE_PUT_ANY : STORE_PUT_IF_ABSENT);
}

err_t rec_subscriber_parse(struct bytes b, struct rec_subscriber *out)
{
    uint8_t amf[AKA_AMF_LEN];
    struct writer w = WRITER_ARRAY(amf);
    TRY(rec_parse(&layout, b, out));
    if (hex_parse(text_of(out->amf), &w) != ERR_OK || w.n != AKA_AMF_LEN) {
        return ERR_MALFORMED_RECORD;
    }
    const bool here = out->source == SUBSCRIBER_HERE;
    if ((out->k.n > 0) != here || (out->opc.n > 0) != here) {
        return ERR_MALFORMED_RECORD;
    }
    for (size_t i = 0; i < out->nafs_n; i++) {
        if (out->nafs[i][0] < '0' || out->nafs[i][0] > '0' + GUSS_BOTH) {
            return ERR_MALFORMED_RECORD;
        }
    }
    for (size_t i = 0; i < out->uss_n; i++) {
        struct uss u;
        TRY(uss_parse(text_of(out->uss[i]), &u) == ERR_OK ? ERR_OK : ERR_MALFORMED_RECORD);
    }
    return ERR_OK;
}

err_t rec_subscriber_get(struct txn *t, struct text impi, struct rec_subscriber *out)
{
    struct bytes b;
    TRY(rec_get(t, TABLE_BSF_SUBSCRIBER, impi, &b));
    TRY(rec_subscriber_parse(b, out));
    return text_eq_z(impi, out->impi.z) ? ERR_OK : ERR_MALFORMED_RECORD; /* another's, put in its place */
}

err_t rec_subscriber_keys(const struct rec_subscriber *r, const struct sealer *s, struct aka_keys *out)
{
    const struct rec_bsf_part part = {s, TABLE_BSF_SUBSCRIBER, text_of(r->impi.z)};
    *out = r->algorithm == AKA_TUAK ? aka_keys_tuak() : aka_keys_milenage();
    TRY(rec_bsf_unseal(&part, "k", r->k, &out->k.s));
    return rec_bsf_unseal(&part, "opc", r->opc, &out->opc.s);
}

struct aka_amf rec_subscriber_amf(const struct rec_subscriber *r)
{
    struct aka_amf amf = {{0}};
    struct writer w = WRITER_ARRAY(amf.b);
    return hex_parse(text_of(r->amf), &w) == ERR_OK ? amf : (struct aka_amf){{0}};
}

unsigned rec_subscriber_guss(const struct rec_subscriber *r, struct text fqdn)
{
    for (size_t i = 0; i < r->nafs_n; i++) {
        if (text_eq_nocase(text_of(r->nafs[i] + 1), fqdn)) {
            return (unsigned)(r->nafs[i][0] - '0');
        }
    }
    return r->nafs_n == 0 ? GUSS_BOTH : 0;
}

bool rec_subscriber_may_bootstrap(const struct rec_subscriber *r)
{
    bool any = r->nafs_n == 0;
    for (size_t i = 0; i < r->nafs_n; i++) {
        any = any || ((unsigned)(r->nafs[i][0] - '0') & GUSS_ESTABLISH) != 0;
    }
    return any;
}
