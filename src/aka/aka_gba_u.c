#include "aka/aka_gba_u.h"

#include "base/ct.h"

err_t aka_gba_u_autn(const struct crypto *c, const struct key_ik *ik, struct aka_autn *autn)
{
    uint8_t h[CRYPTO_HASH_LEN];
    const struct bytes part = secret_view(&ik->s);
    TRY(c->hash(CRYPTO_SHA1, &part, 1, h));
    for (size_t i = 0; i < AKA_MAC_LEN; i++) {
        autn->b[AKA_SQN_LEN + AKA_AMF_LEN + i] ^= h[i];
    }
    ct_wipe(h, sizeof(h));
    return ERR_OK;
}

void aka_gba_u_res(struct key_res *res)
{
    if (res->s.n > 0) {
        res->s.b[res->s.n - 1] ^= 1;
    }
}

err_t aka_gba_u_vector(const struct crypto *c, struct aka_vector *v)
{
    TRY(aka_gba_u_autn(c, &v->ik, &v->autn));
    aka_gba_u_res(&v->xres);
    return ERR_OK;
}
