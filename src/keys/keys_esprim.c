#include "crypto/kdf.h"
#include "keys/keys.h"
#include "keys/keys_id.h"

#define LABEL "oneM2M HMAC-SHA256 sessionESPrimKey derivation algorithm"
_Static_assert(sizeof(LABEL) - 1 == 56, "TS-0003 10.3.8.2");

static err_t random_check(struct text t)
{
    if (t.n == 0) {
        return ERR_MISSING;
    }
    return t.n > KEYS_ID_MAX ? ERR_LIMIT_SIZE : ERR_OK;
}

/* The two esprimRandValue strings exactly as received, the receiver's first [CHOICE-17]. No normalisation: that they
 * are NCNames is for who parses the message. */
err_t keys_esprim_derive(const struct crypto *c, const struct key_esprim_pairwise *k, struct text receiver,
                         struct text originator, struct key_esprim_session *out)
{
    secret_wipe(&out->s);
    if (k->s.n < KEYS_PROVISIONED_MIN) {
        return ERR_MALFORMED_KEY;
    }
    TRY(random_check(receiver));
    TRY(random_check(originator));
    const struct bytes parts[] = {text_bytes(receiver), text_bytes(originator), text_bytes(text_of(LABEL))};
    return kdf_hmac(c, secret_view(&k->s), parts, ARRAY_LEN(parts), &out->s);
}

void keys_esprim_session_wipe(struct key_esprim_session *k)
{
    secret_wipe(&k->s);
}

static err_t gcm_key(const struct key_esprim_session *k, unsigned alg, struct bytes *out)
{
    static const uint8_t octets[] = {16, 24, 32};
    const unsigned first = 10;
    if (k->s.n != KEYS_DERIVED_LEN || alg < first || alg - first >= sizeof(octets)) {
        return ERR_MALFORMED_KEY;
    }
    *out = bytes_of(secret_view(&k->s).p, octets[alg - first]);
    return ERR_OK;
}

err_t keys_esprim_seal(const struct crypto *c, const struct key_esprim_session *k, unsigned alg,
                       const struct keys_esprim_box *box, struct bytes plain, struct writer *out)
{
    struct bytes key;
    TRY(gcm_key(k, alg, &key));
    return c->aead_seal(key, box->nonce, box->aad, plain, out);
}

err_t keys_esprim_open(const struct crypto *c, const struct key_esprim_session *k, unsigned alg,
                       const struct keys_esprim_box *box, struct bytes sealed, struct writer *out)
{
    struct bytes key;
    TRY(gcm_key(k, alg, &key));
    return c->aead_open(key, box->nonce, box->aad, sealed, out);
}
