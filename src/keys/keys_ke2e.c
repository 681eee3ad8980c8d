#include "crypto/kdf.h"
#include "keys/keys.h"

/* The standard's names: message keys say "Authentication", attribute keys "Authenticity" [TS-0003 10.3.6]. */
static const char *const labels[] = {
    "E2E Message Authentication Key",
    "E2E Message Confidentiality Key",
    "E2E Attribute Authenticity Key",
    "E2E Attribute Confidentiality Key",
};

void keys_ke2e_wipe(struct key_ke2e *k)
{
    secret_wipe(&k->master);
    secret_wipe(&k->msg_auth);
    secret_wipe(&k->msg_conf);
    secret_wipe(&k->att_auth);
    secret_wipe(&k->att_conf);
}

/* HKDF-Extract: the salt is the HMAC key; absent, it is HashLen zero octets (RFC 5869 2.2). */
static err_t extract(const struct crypto *c, struct bytes salt, const struct secret *kpsa, struct secret *master)
{
    static const uint8_t no_salt[CRYPTO_HASH_LEN];
    const struct bytes ikm = secret_view(kpsa);
    return kdf_hmac(c, salt.n > 0 ? salt : BYTES_ARRAY(no_salt), &ikm, 1, master);
}

static err_t derive(const struct crypto *c, const struct key_kpsa *kpsa, struct bytes salt, struct key_ke2e *out)
{
    if (kpsa->s.n < KEYS_PROVISIONED_MIN || salt.n > SECRET_MAX) {
        return ERR_MALFORMED_KEY;
    }
    TRY(extract(c, salt, &kpsa->s, &out->master));
    struct secret *const t[] = {&out->msg_auth, &out->msg_conf, &out->att_auth, &out->att_conf};
    _Static_assert(ARRAY_LEN(t) == ARRAY_LEN(labels), "one label a key");
    struct bytes previous = bytes_empty(); /* T0 */
    for (uint8_t i = 0; i < ARRAY_LEN(t); i++) {
        /* Not HKDF-Expand: the information changes with each block. */
        const uint8_t counter = (uint8_t)(i + 1);
        const struct bytes parts[] = {previous, text_bytes(text_of(labels[i])), bytes_of(&counter, 1)};
        TRY(kdf_hmac(c, secret_view(&out->master), parts, ARRAY_LEN(parts), t[i]));
        previous = secret_view(t[i]);
    }
    return ERR_OK;
}

err_t keys_ke2e_derive(const struct crypto *c, const struct key_kpsa *kpsa, struct bytes salt, struct key_ke2e *out)
{
    keys_ke2e_wipe(out);
    err_t e = derive(c, kpsa, salt, out);
    if (e != ERR_OK) {
        keys_ke2e_wipe(out); /* all five or none */
    }
    return e;
}
