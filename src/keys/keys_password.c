#include "base/ct.h"
#include "keys/keys_gba.h"

struct joined {
    uint8_t b[3 * SECRET_MAX];
};

static void joined_wipe(struct joined *j)
{
    ct_wipe(j, sizeof(*j));
}

err_t keys_password_akav1(const struct key_res *res, struct key_password *out)
{
    secret_wipe(&out->s);
    if (!secret_is_set(&res->s)) {
        return ERR_MALFORMED_KEY;
    }
    out->s = res->s;
    return ERR_OK;
}

static err_t set_base64(struct bytes b, struct key_password *out)
{
    struct writer w = WRITER_ARRAY(out->s.b);
    base64_write(&w, b);
    TRY(writer_finish(&w));
    out->s.n = (uint8_t)w.n;
    return ERR_OK;
}

err_t keys_password_akav2(const struct crypto *c, const struct key_res *res, const struct key_ik *ik,
                          const struct key_ck *ck, struct key_password *out)
{
    SCOPED(joined_wipe) struct joined key = {{0}}, mac = {{0}};
    secret_wipe(&out->s);
    if (!secret_is_set(&res->s) || !secret_is_set(&ik->s) || !secret_is_set(&ck->s)) {
        return ERR_MALFORMED_KEY;
    }
    struct writer w = WRITER_ARRAY(key.b);
    writer_bytes(&w, secret_view(&res->s));
    writer_bytes(&w, secret_view(&ik->s));
    writer_bytes(&w, secret_view(&ck->s));
    TRY(writer_finish(&w));
    TRY(c->hmac_md5(writer_view(&w), text_bytes(text_of("http-digest-akav2-password")), mac.b));
    return set_base64(bytes_of(mac.b, CRYPTO_MD5_LEN), out);
}

err_t keys_password_naf(const struct secret *naf_key, struct key_password *out)
{
    secret_wipe(&out->s);
    return naf_key->n == KEYS_DERIVED_LEN ? set_base64(secret_view(naf_key), out) : ERR_MALFORMED_KEY;
}
