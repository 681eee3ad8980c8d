#include "keys/gba_id.h"

#define PREFIX "3GPP-bootstrapping;"
#define PREFIX_CARD "3GPP-bootstrapping-uicc;"

err_t b_tid_of(const struct aka_rand *rand, struct text bsf, struct b_tid *out)
{
    out->z[0] = '\0';
    if (!keyid_is_fqdn(bsf)) {
        return ERR_MALFORMED_ID;
    }
    struct b_tid made;
    struct writer w = WRITER_ARRAY(made.z);
    base64_write(&w, BYTES_ARRAY(rand->b));
    writer_z(&w, "@");
    for (size_t i = 0; i < bsf.n; i++) {
        writer_u8(&w, (uint8_t)text_lower(bsf.p[i]));
    }
    TRY(writer_finish_z(&w));
    *out = made;
    return ERR_OK;
}

err_t b_tid_parse(struct text t, struct b_tid_parts *out)
{
    struct b_tid_parts parts = {.fqdn = text_skip(t, BASE64_LEN(AKA_RAND_LEN) + 1)};
    struct writer w = WRITER_ARRAY(parts.rand.b);
    if (text_find(t, '@') != BASE64_LEN(AKA_RAND_LEN) ||
        base64_parse(text_take(t, BASE64_LEN(AKA_RAND_LEN)), &w) != ERR_OK || w.n != AKA_RAND_LEN ||
        !keyid_is_fqdn(parts.fqdn)) {
        return ERR_MALFORMED_KEY_ID;
    }
    *out = parts;
    return ERR_OK;
}

struct text b_tid_of_psk_identity(struct text identity)
{
    if (b_tid_is_of_card(identity)) {
        return text_skip(identity, sizeof(PREFIX_CARD) - 1);
    }
    return text_starts(identity, PREFIX) ? text_skip(identity, sizeof(PREFIX) - 1) : identity;
}

bool b_tid_is_of_card(struct text identity)
{
    return text_starts(identity, PREFIX_CARD);
}
