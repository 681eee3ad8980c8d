#include "base/ct.h"
#include "base/hex.h"
#include "keys/keys_gba.h"

#define HEX_MAX (2 * CRYPTO_HASH_LEN)

/* A hash in hex, as Digest feeds one into the next. Wiped: that of A1 is as good as the password. */
struct hex {
    char z[HEX_MAX];
    size_t n;
};

static void hex_wipe(struct hex *h)
{
    ct_wipe(h, sizeof(*h));
}

static void set_hex(struct hex *out, struct bytes b)
{
    struct writer w = WRITER_ARRAY(out->z);
    hex_write_lower(&w, b);
    out->n = w.n;
}

static err_t hash(const struct crypto *c, enum crypto_hash kind, const struct bytes *parts, size_t count,
                  struct secret *out)
{
    secret_wipe(out);
    if (kind != CRYPTO_MD5 && kind != CRYPTO_SHA256) {
        return ERR_CRYPTO;
    }
    TRY(c->hash(kind, parts, count, out->b));
    out->n = (uint8_t)crypto_hash_len(kind);
    return ERR_OK;
}

static struct bytes hex_view(const struct hex *h)
{
    return bytes_of(h->z, h->n);
}

err_t keys_digest_ha1(const struct crypto *c, enum crypto_hash kind, struct text username, struct text realm,
                      const struct key_password *password, struct key_ha1 *out)
{
    const struct bytes colon = bytes_of(":", 1);
    const struct bytes parts[] = {text_bytes(username), colon, text_bytes(realm), colon, secret_view(&password->s)};
    return hash(c, kind, parts, ARRAY_LEN(parts), &out->s);
}

/* H(A2) = H(method ":" uri [":" H(body)]) */
static err_t h_a2(const struct crypto *c, const struct keys_digest *d, struct hex *out)
{
    SCOPED(secret_wipe) struct secret h = {{0}, 0};
    const struct bytes colon = bytes_of(":", 1);
    struct hex body = {{0}, 0};
    struct bytes parts[5] = {text_bytes(d->method), colon, text_bytes(d->uri), bytes_empty(), bytes_empty()};
    if (d->integrity) {
        TRY(hash(c, d->hash, &d->body, 1, &h));
        set_hex(&body, secret_view(&h));
        parts[3] = colon;
        parts[4] = hex_view(&body);
    }
    TRY(hash(c, d->hash, parts, ARRAY_LEN(parts), &h));
    set_hex(out, secret_view(&h));
    return ERR_OK;
}

err_t keys_digest_response(const struct crypto *c, const struct keys_digest *d, const struct key_ha1 *h_a1,
                           char out[KEYS_DIGEST_CAP])
{
    SCOPED(hex_wipe) struct hex a1 = {{0}, 0};
    SCOPED(secret_wipe) struct secret h = {{0}, 0};
    struct hex a2 = {{0}, 0};
    out[0] = '\0';
    if (!secret_is_set(&h_a1->s) || h_a1->s.n != crypto_hash_len(d->hash)) {
        return ERR_MALFORMED_KEY;
    }
    set_hex(&a1, secret_view(&h_a1->s));
    TRY(h_a2(c, d, &a2));
    const struct bytes colon = bytes_of(":", 1);
    const struct bytes parts[] = {
        hex_view(&a1), colon, text_bytes(d->nonce), colon, text_bytes(d->nc), colon, text_bytes(d->cnonce), colon,
        text_bytes(text_of(d->integrity ? "auth-int" : "auth")), colon, hex_view(&a2)};
    TRY(hash(c, d->hash, parts, ARRAY_LEN(parts), &h));
    struct writer w = writer_of(out, KEYS_DIGEST_CAP);
    hex_write_lower(&w, secret_view(&h));
    return writer_finish_z(&w);
}

err_t keys_digest_check(const struct crypto *c, const struct keys_digest *d, const struct key_ha1 *h_a1,
                        struct text given)
{
    char want[KEYS_DIGEST_CAP];
    TRY(keys_digest_response(c, d, h_a1, want));
    return ct_eq(text_bytes(text_of(want)), text_bytes(given)) ? ERR_OK : ERR_DENIED_DIGEST;
}
