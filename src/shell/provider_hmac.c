#define OPENSSL_SUPPRESS_DEPRECATED /* SHA256_Init and its kin: the one SHA-256 whose state is copied by assignment */
#include "shell/openssl.h"

#include "shell/provider_hmac.h"

#include "base/ct.h"

#include <string.h>

static void padded(SHA256_CTX *c, uint8_t pad[static SHA256_CBLOCK], uint8_t with)
{
    for (size_t i = 0; i < SHA256_CBLOCK; i++) {
        pad[i] ^= with;
    }
    (void)SHA256_Init(c);
    (void)SHA256_Update(c, pad, SHA256_CBLOCK);
}

void provider_hmac_key(struct provider_hmac *h, struct bytes key)
{
    uint8_t pad[SHA256_CBLOCK] = {0};
    if (key.n > sizeof(pad)) {
        (void)SHA256(key.p, key.n, pad);
    } else if (key.n > 0) {
        memcpy(pad, key.p, key.n);
    }
    padded(&h->in, pad, 0x36);
    padded(&h->out, pad, 0x36 ^ 0x5c);
    ct_wipe(pad, sizeof(pad));
}

void provider_hmac_end(const struct provider_hmac *h, SHA256_CTX *now, uint8_t out[static SHA256_DIGEST_LENGTH])
{
    uint8_t inner[SHA256_DIGEST_LENGTH];
    (void)SHA256_Final(inner, now);
    *now = h->out;
    (void)SHA256_Update(now, inner, sizeof(inner));
    (void)SHA256_Final(out, now);
    ct_wipe(inner, sizeof(inner));
}
