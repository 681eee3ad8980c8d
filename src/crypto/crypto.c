#include "crypto/crypto.h"

err_t crypto_hmac(const struct crypto *c, struct bytes key, const struct bytes *parts, size_t count,
                  uint8_t out[CRYPTO_HASH_LEN])
{
    return c->port != NULL ? c->port->hmac_sha256(c->port, key, parts, count, out)
                           : c->hmac_sha256(key, parts, count, out);
}

err_t crypto_nfkc(const struct crypto *c, struct text in, struct writer *out)
{
    return c->port != NULL ? c->port->nfkc(c->port, in, out) : c->nfkc(in, out);
}

size_t crypto_hash_len(enum crypto_hash kind)
{
    static const size_t len[CRYPTO_HASHES] = {CRYPTO_MD5_LEN, CRYPTO_SHA1_LEN, CRYPTO_HASH_LEN};
    return (unsigned)kind < CRYPTO_HASHES ? len[kind] : 0;
}

err_t crypto_aes128(const struct crypto *c, struct bytes key, struct bytes in, uint8_t *out)
{
    struct crypto_aes *k = NULL;
    TRY(c->aes_keep(key, &k));
    const err_t e = c->aes_blocks(k, in, out);
    c->aes_drop(k);
    return e;
}
