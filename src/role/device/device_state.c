#include "role/device/device_state.h"

#include "base/ct.h"
#include "base/reader.h"
#include "role/rec.h"

enum { VERSION_KEYS = 1, VERSION = 2 }; /* the first version knew pre-shared keys alone */

void device_state_wipe(struct device_state *s)
{
    ct_wipe(s, sizeof(*s));
}

void device_state_forget_enrolment(struct device_state *s)
{
    ct_wipe(&s->ke, sizeof(s->ke));
    ct_wipe(&s->km, sizeof(s->km));
    ct_wipe(&s->kc, sizeof(s->kc));
    s->ke_id.z[0] = s->km_id.z[0] = s->kc_id.z[0] = s->registration[0] = '\0';
    s->ke_not_after = s->kc_not_after = 0;
}

/* The fields of the record in their order; text and keys by table, so that write and parse cannot part. */
struct text_field {
    size_t offset;
    size_t cap;
    uint8_t since;
};
#define TEXT_FIELD_OF(version, member)                                                                                 \
    {offsetof(struct device_state, member), sizeof(((struct device_state *)0)->member), (version)}
#define TEXT_FIELD(member) TEXT_FIELD_OF(VERSION_KEYS, member)
#define CERTIFICATE_FIELDS(server)                                                                                     \
    TEXT_FIELD_OF(2, server.cert.file), TEXT_FIELD_OF(2, server.cert.key), TEXT_FIELD_OF(2, server.cert.trust),        \
        TEXT_FIELD_OF(2, server.cert.identity)
static const struct text_field text_fields[] = {
    TEXT_FIELD(kpm_id.z),   TEXT_FIELD(mef.fqdn),   TEXT_FIELD(mef.address), TEXT_FIELD(maf.fqdn), TEXT_FIELD(maf.address),
    TEXT_FIELD(ke_id.z),    TEXT_FIELD(km_id.z),    TEXT_FIELD(registration), TEXT_FIELD(cse_id.z), TEXT_FIELD(cse.fqdn),
    TEXT_FIELD(cse.address), TEXT_FIELD(kpsa_id.z), TEXT_FIELD(kc_id.z),      TEXT_FIELD(ae_stem),
    CERTIFICATE_FIELDS(mef), CERTIFICATE_FIELDS(maf), CERTIFICATE_FIELDS(cse),
};

struct key_field {
    size_t offset;
    const char *name; /* associated data of the seal: a key cannot be moved to another field */
};
static const struct key_field key_fields[] = {
    {offsetof(struct device_state, kpm.s), "kpm"}, {offsetof(struct device_state, ke.s), "ke"},
    {offsetof(struct device_state, km.s), "km"},   {offsetof(struct device_state, kpsa.s), "kpsa"},
    {offsetof(struct device_state, kc.s), "kc"},
};

static const size_t time_fields[] = {offsetof(struct device_state, lifetime), offsetof(struct device_state, ke_not_after),
                                     offsetof(struct device_state, kc_not_after)};

err_t device_state_write(const struct device_state *s, const struct sealer *sealer, struct writer *w)
{
    const char *base = (const char *)s;
    writer_u8(w, VERSION);
    writer_u8(w, (uint8_t)s->profile);
    for (size_t i = 0; i < ARRAY_LEN(text_fields); i++) {
        writer_text16(w, base + text_fields[i].offset);
    }
    for (size_t i = 0; i < ARRAY_LEN(time_fields); i++) {
        writer_u64(w, (uint64_t) * (const usec_t *)(const void *)(base + time_fields[i]));
    }
    for (size_t i = 0; i < ARRAY_LEN(key_fields); i++) {
        const struct secret *key = (const struct secret *)(const void *)(base + key_fields[i].offset);
        writer_u8(w, secret_is_set(key));
        if (secret_is_set(key)) {
            TRY(seal_write(sealer, TABLE_DEVICE, text_of(key_fields[i].name), key, w));
        }
    }
    return writer_finish(w);
}

static err_t read_keys(struct reader *r, const struct sealer *sealer, char *base)
{
    for (size_t i = 0; i < ARRAY_LEN(key_fields); i++) {
        if (rec_bool(r)) {
            struct secret *key = (struct secret *)(void *)(base + key_fields[i].offset);
            struct bytes sealed = reader_block16(r);
            if (reader_failed(r)) {
                return ERR_MALFORMED_RECORD;
            }
            TRY(seal_open(sealer, TABLE_DEVICE, text_of(key_fields[i].name), sealed, key));
        }
    }
    return rec_finish(r);
}

err_t device_state_parse(struct bytes b, const struct sealer *sealer, struct device_state *out)
{
    device_state_wipe(out);
    char *base = (char *)out;
    struct reader r = reader_of(b);
    uint8_t version = rec_u8(&r, VERSION_KEYS, VERSION);
    out->profile = (enum credential_profile)rec_u8(&r, CREDENTIAL_R3, CREDENTIAL_SEED);
    for (size_t i = 0; i < ARRAY_LEN(text_fields); i++) {
        if (version >= text_fields[i].since) {
            reader_text16(&r, base + text_fields[i].offset, text_fields[i].cap);
        }
    }
    for (size_t i = 0; i < ARRAY_LEN(time_fields); i++) {
        *(usec_t *)(void *)(base + time_fields[i]) = rec_time(&r);
    }
    err_t e = reader_failed(&r) ? ERR_MALFORMED_RECORD : read_keys(&r, sealer, base);
    if (e != ERR_OK) {
        device_state_wipe(out);
    }
    return e;
}
