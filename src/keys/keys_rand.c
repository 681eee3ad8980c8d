#include "keys/keys_gba.h"

#include <string.h>

/* What covers the number: a block of the random part under the key. Without the key all of RAND looks drawn at random. */
static err_t cover(const struct crypto *c, const struct key_rand *k, const struct aka_rand *rand, uint8_t out[CRYPTO_BLOCK_LEN])
{
    uint8_t in[CRYPTO_BLOCK_LEN] = {0};
    memcpy(in, rand->b, KEYS_RAND_DRAWN);
    return crypto_aes128(c, secret_view(&k->s), BYTES_ARRAY(in), out);
}

err_t keys_rand_name(const struct crypto *c, const struct key_rand *k, uint64_t number, struct aka_rand *rand)
{
    uint8_t mask[CRYPTO_BLOCK_LEN];
    if (number > KEYS_RAND_NUMBER_MAX) {
        return ERR_BUG;
    }
    TRY(cover(c, k, rand, mask));
    for (size_t i = 0; i < AKA_RAND_LEN - KEYS_RAND_DRAWN; i++) {
        rand->b[KEYS_RAND_DRAWN + i] = (uint8_t)(mask[i] ^ (number >> (8 * i)));
    }
    return ERR_OK;
}

err_t keys_rand_number(const struct crypto *c, const struct key_rand *k, const struct aka_rand *rand, uint64_t *number)
{
    uint8_t mask[CRYPTO_BLOCK_LEN];
    *number = 0;
    TRY(cover(c, k, rand, mask));
    for (size_t i = 0; i < AKA_RAND_LEN - KEYS_RAND_DRAWN; i++) {
        *number |= (uint64_t)(uint8_t)(mask[i] ^ rand->b[KEYS_RAND_DRAWN + i]) << (8 * i);
    }
    return ERR_OK;
}
