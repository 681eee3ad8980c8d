#include "crypto/kdf.h"
#include "keys/keys_gba.h"

#define FC_GBA 0x01

static err_t derive(const struct crypto *c, const struct key_ha1 *h_a1, const struct bytes *p, size_t count,
                    struct secret *out)
{
    secret_wipe(out);
    return secret_is_set(&h_a1->s) ? kdf_3gpp(c, secret_view(&h_a1->s), FC_GBA, p, count, out) : ERR_MALFORMED_KEY;
}

err_t keys_gba_digest_password(const struct crypto *c, const struct key_ha1 *h_a1, const struct keys_export *exported,
                               struct key_password *out)
{
    const struct bytes p[] = {text_bytes(text_of("GBA_Digest_RESP")), BYTES_ARRAY(exported->b)};
    secret_wipe(&out->s);
    return exported->set ? derive(c, h_a1, p, ARRAY_LEN(p), &out->s) : ERR_STATE;
}

err_t keys_gba_digest_ks(const struct crypto *c, const struct key_ha1 *h_a1, const struct keys_export *exported,
                         const struct key_res *resp, struct key_ks *out)
{
    const struct bytes p[] = {text_bytes(text_of("GBA_Digest_Ks")), BYTES_ARRAY(exported->b), secret_view(&resp->s)};
    secret_wipe(&out->s);
    return exported->set && secret_is_set(&resp->s) ? derive(c, h_a1, p, ARRAY_LEN(p), &out->s) : ERR_STATE;
}
