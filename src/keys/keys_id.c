#include "keys/keys_id.h"

#include "crypto/kdf.h"

/* Two sides that disagree about an invisible octet would only see that their keys differ. */
static bool is_plain(struct text t)
{
    for (size_t i = 0; i < t.n; i++) {
        unsigned char u = (unsigned char)t.p[i];
        if (u <= 0x20 || u == 0x7F) {
            return false;
        }
    }
    return t.n > 0;
}

err_t keys_id_normalise(const struct crypto *c, struct text id, struct keys_id *out)
{
    out->n = 0;
    if (id.n > KEYS_ID_MAX) {
        return ERR_LIMIT_SIZE;
    }
    struct writer w = WRITER_ARRAY(out->b);
    TRY(crypto_nfkc(c, id, &w));
    if (!is_plain(writer_view_text(&w))) {
        return ERR_MALFORMED_ID;
    }
    out->n = w.n;
    return ERR_OK;
}

struct text keys_id_view(const struct keys_id *id)
{
    return text_span(id->b, id->n);
}

err_t keys_id_derive(const struct crypto *c, const struct key_ke *ke, const char *label, struct bytes middle,
                     const struct keys_id *id, struct secret *out)
{
    secret_wipe(out);
    if (ke->s.n != KEYS_DERIVED_LEN) {
        return ERR_MALFORMED_KEY;
    }
    const struct bytes parts[] = {text_bytes(text_of(label)), middle, text_bytes(keys_id_view(id))};
    return kdf_hmac(c, secret_view(&ke->s), parts, ARRAY_LEN(parts), out);
}
