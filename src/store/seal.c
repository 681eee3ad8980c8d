#include "store/seal.h"

#include "base/ct.h"
#include "base/reader.h"
#include "store/partition.h"

#define SEAL_VERSION 1 /* AES-256-GCM, random nonce: good for 2^32 seals under one root (NIST SP 800-38D 8.3) */

struct plain {
    uint8_t b[SECRET_MAX];
};

static void plain_wipe(struct plain *p)
{
    ct_wipe(p, sizeof(*p));
}

/* Where the field belongs: moved to another record or table it does not open (R002-62). */
static err_t associated(const struct sealer *s, enum store_table t, struct text id, struct writer *aad)
{
    writer_u8(aad, SEAL_VERSION);
    writer_u16(aad, (uint16_t)t);
    partition_prefix(s->partition, aad);
    writer_text(aad, id);
    return writer_finish(aad);
}

err_t seal_write(const struct sealer *s, enum store_table t, struct text id, const struct secret *in, struct writer *w)
{
    if (s->root.n != CRYPTO_KEY_LEN) {
        return ERR_BUG;
    }
    uint8_t nonce[CRYPTO_NONCE_LEN];
    uint8_t aad_buf[3 + STORE_ID_MAX];
    struct writer aad = WRITER_ARRAY(aad_buf);
    TRY(associated(s, t, id, &aad));
    TRY(s->crypto->random(nonce, sizeof(nonce)));
    size_t mark = writer_mark16(w);
    writer_u8(w, SEAL_VERSION);
    writer_bytes(w, BYTES_ARRAY(nonce));
    const struct bytes n = BYTES_ARRAY(nonce), a = writer_view(&aad);
    TRY(s->kept == NULL ? s->crypto->aead_seal(secret_view(&s->root), n, a, secret_view(in), w)
                        : s->crypto->aead_kept_seal(s->kept, n, a, secret_view(in), w));
    writer_close16(w, mark);
    return writer_finish(w);
}

err_t seal_open(const struct sealer *s, enum store_table t, struct text id, struct bytes sealed, struct secret *out)
{
    secret_wipe(out);
    if (s->root.n != CRYPTO_KEY_LEN) {
        return ERR_BUG;
    }
    struct reader r = reader_of(sealed);
    uint8_t version = reader_u8(&r);
    struct bytes nonce = reader_take(&r, CRYPTO_NONCE_LEN);
    struct bytes box = reader_take(&r, reader_left(&r));
    if (reader_failed(&r) || version != SEAL_VERSION || box.n < CRYPTO_TAG_LEN || box.n > SECRET_MAX + CRYPTO_TAG_LEN) {
        return ERR_CRYPTO_UNSEAL;
    }
    uint8_t aad_buf[3 + STORE_ID_MAX];
    struct writer aad = WRITER_ARRAY(aad_buf);
    TRY(associated(s, t, id, &aad));
    SCOPED(plain_wipe) struct plain plain = {{0}};
    struct writer w = WRITER_ARRAY(plain.b);
    const err_t e = s->kept == NULL ? s->crypto->aead_open(secret_view(&s->root), nonce, writer_view(&aad), box, &w)
                                    : s->crypto->aead_kept_open(s->kept, nonce, writer_view(&aad), box, &w);
    if (e != ERR_OK) {
        return ERR_CRYPTO_UNSEAL;
    }
    TRY(writer_finish(&w));
    return secret_set(out, writer_view(&w));
}

err_t seal_mac(const struct sealer *s, const char *label, struct text data, uint8_t out[CRYPTO_HASH_LEN])
{
    static const char purpose[] = "keystead mac"; /* ended by its NUL, as the label is: no two inputs look alike */
    if (s->root.n != CRYPTO_KEY_LEN) {
        return ERR_BUG;
    }
    uint8_t prefix_buf[STORE_ID_MAX];
    struct writer prefix = WRITER_ARRAY(prefix_buf);
    partition_prefix(s->partition, &prefix);
    TRY(writer_finish(&prefix));
    const struct bytes parts[] = {bytes_of(purpose, sizeof(purpose)), bytes_of(label, text_of(label).n + 1),
                                  writer_view(&prefix), text_bytes(data)};
    return s->crypto->hmac_sha256(secret_view(&s->root), parts, ARRAY_LEN(parts), out);
}

err_t seal_keep(struct sealer *s)
{
    return s->root.n == CRYPTO_KEY_LEN ? s->crypto->aead_keep(secret_view(&s->root), &s->kept) : ERR_BUG;
}

void seal_drop(struct sealer *s)
{
    if (s->kept != NULL) {
        s->crypto->aead_drop(s->kept);
        s->kept = NULL;
    }
}

void seal_wipe(struct sealer *s)
{
    secret_wipe(&s->root);
}
