#include "role/device/device_keyring.h"

#include "base/ct.h"
#include "base/reader.h"

enum { VERSION_PLAIN = 1, VERSION = 2 }; /* the first version did not know since when */

void device_keyring_wipe(struct device_keyring *r)
{
    ct_wipe(r, sizeof(*r));
}

/* What the seal is bound to: nobody makes a key for one usage into one for another. */
struct label {
    char z[KEYID_MAX + M2MID_MAX + 72];
};

static err_t label_of(const struct device_keyring_key *k, uint8_t version, struct label *out)
{
    struct writer w = WRITER_ARRAY(out->z);
    writer_z(&w, k->id.z);
    writer_z(&w, k->own ? " own " : " of ");
    writer_z(&w, k->peer.z);
    writer_z(&w, " ");
    writer_decimal(&w, k->suid);
    writer_z(&w, " ");
    writer_decimal(&w, (uint64_t)k->not_after);
    if (version >= VERSION) {
        writer_z(&w, " ");
        writer_decimal(&w, (uint64_t)k->since);
    }
    return writer_finish_z(&w);
}

err_t device_keyring_write(const struct device_keyring *r, const struct sealer *sealer, struct writer *w)
{
    writer_u8(w, VERSION);
    writer_u16(w, (uint16_t)r->n);
    for (size_t i = 0; i < r->n; i++) {
        const struct device_keyring_key *k = &r->at[i];
        struct label l;
        TRY(label_of(k, VERSION, &l));
        writer_text16(w, k->id.z);
        writer_u8(w, k->suid);
        writer_u8(w, k->own);
        writer_text16(w, k->peer.z);
        writer_u64(w, (uint64_t)k->not_after);
        writer_u64(w, (uint64_t)k->since);
        TRY(seal_write(sealer, TABLE_DEVICE, text_of(l.z), &k->key, w));
    }
    return writer_finish(w);
}

static usec_t time_parse(struct reader *in)
{
    uint64_t t = reader_u64(in);
    in->failed |= t > INT64_MAX;
    return (usec_t)(t & INT64_MAX);
}

static err_t key_parse(struct reader *in, uint8_t version, const struct sealer *sealer, struct device_keyring_key *k)
{
    struct label l;
    reader_text16(in, k->id.z, sizeof(k->id.z));
    k->suid = reader_u8(in);
    uint8_t own = reader_u8(in);
    in->failed |= own > 1;
    k->own = own == 1;
    reader_text16(in, k->peer.z, sizeof(k->peer.z));
    k->not_after = time_parse(in);
    k->since = version >= VERSION ? time_parse(in) : 0;
    struct bytes sealed = reader_block16(in);
    if (in->failed) {
        return ERR_MALFORMED_RECORD;
    }
    TRY(label_of(k, version, &l));
    return seal_open(sealer, TABLE_DEVICE, text_of(l.z), sealed, &k->key);
}

static err_t parse(struct bytes b, const struct sealer *sealer, struct device_keyring *out)
{
    struct reader in = reader_of(b);
    uint8_t version = reader_u8(&in);
    uint16_t n = reader_u16(&in);
    if (version < VERSION_PLAIN || version > VERSION || n > DEVICE_KEYRING_MAX) {
        return ERR_MALFORMED_RECORD;
    }
    for (; out->n < n; out->n++) {
        TRY(key_parse(&in, version, sealer, &out->at[out->n]));
    }
    return reader_finish(&in) == ERR_OK ? ERR_OK : ERR_MALFORMED_RECORD;
}

err_t device_keyring_parse(struct bytes b, const struct sealer *sealer, struct device_keyring *out)
{
    *out = (struct device_keyring){.n = 0};
    err_t e = parse(b, sealer, out);
    if (e != ERR_OK) {
        device_keyring_wipe(out);
    }
    return e;
}

err_t device_keyring_find(const struct device_keyring *r, struct text id, usec_t now,
                          const struct device_keyring_key **out)
{
    for (size_t i = 0; i < r->n; i++) {
        if (text_eq_nocase(text_of(r->at[i].id.z), id) && r->at[i].not_after > now) {
            *out = &r->at[i];
            return ERR_OK;
        }
    }
    return ERR_NOT_FOUND;
}

static void drop_at(struct device_keyring *r, size_t i)
{
    r->n--;
    r->at[i] = r->at[r->n];
    ct_wipe(&r->at[r->n], sizeof(r->at[r->n]));
}

void device_keyring_key_wipe(struct device_keyring_key *k)
{
    ct_wipe(k, sizeof(*k));
}

void device_keyring_drop(struct device_keyring *r, struct text id)
{
    for (size_t i = r->n; i-- > 0;) {
        if (text_eq_nocase(text_of(r->at[i].id.z), id)) {
            drop_at(r, i);
        }
    }
}

err_t device_keyring_put(struct device_keyring *r, const struct device_keyring_key *k, usec_t now)
{
    device_keyring_drop(r, text_of(k->id.z));
    for (size_t i = r->n; i-- > 0;) {
        if (r->at[i].not_after <= now) {
            drop_at(r, i);
        }
    }
    if (r->n == DEVICE_KEYRING_MAX) {
        return ERR_LIMIT_CAPACITY;
    }
    r->at[r->n++] = *k;
    return ERR_OK;
}
