#include "crypto/kdf.h"

#include "base/ct.h"

struct digest {
    uint8_t b[CRYPTO_HASH_LEN];
};

static void digest_wipe(struct digest *d)
{
    ct_wipe(d, sizeof(*d));
}

err_t kdf_hmac(const struct crypto *c, struct bytes key, const struct bytes *parts, size_t count, struct secret *out)
{
    SCOPED(digest_wipe) struct digest d = {{0}};
    secret_wipe(out);
    TRY(crypto_hmac(c, key, parts, count, d.b));
    return secret_set(out, BYTES_ARRAY(d.b));
}

err_t kdf_3gpp(const struct crypto *c, struct bytes key, uint8_t fc, const struct bytes *p, size_t count,
               struct secret *out)
{
    uint8_t lengths[KDF_3GPP_PARTS][2];
    struct bytes parts[1 + 2 * KDF_3GPP_PARTS];
    secret_wipe(out);
    if (count > KDF_3GPP_PARTS) {
        return ERR_LIMIT_SIZE;
    }
    parts[0] = bytes_of(&fc, 1);
    for (size_t i = 0; i < count; i++) {
        if (p[i].n > UINT16_MAX) {
            return ERR_LIMIT_SIZE;
        }
        lengths[i][0] = (uint8_t)(p[i].n >> 8);
        lengths[i][1] = (uint8_t)(p[i].n & 255U);
        parts[1 + 2 * i] = p[i];
        parts[2 + 2 * i] = BYTES_ARRAY(lengths[i]);
    }
    return kdf_hmac(c, key, parts, 1 + 2 * count, out);
}
