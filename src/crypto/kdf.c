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
