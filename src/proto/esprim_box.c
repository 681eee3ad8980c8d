#include "base/base64url.h"
#include "base/ct.h"
#include "base/hex.h"
#include "proto/esprim.h"

#include <string.h>

#define RANDOM_ID 8
#define RANDOM_VALUE 16 /* 128 bit */

void esprim_box_key_wipe(struct esprim_key *k)
{
    ct_wipe(k, sizeof(*k));
}

bool esprim_box_has(const uint8_t *list, size_t n, unsigned id)
{
    return n > 0 && id <= UINT8_MAX && memchr(list, (int)id, n) != NULL;
}

err_t esprim_box_key_check(const struct esprim_key *k, usec_t now)
{
    bool usage = k->suid == 13 || k->suid == 23 || k->suid == 33 || k->suid == 43;
    return usage && k->not_after > now && k->k.s.n >= KEYS_PROVISIONED_MIN ? ERR_OK : ERR_ESPRIM_KEY;
}

/* The prefix says whether it is shared [CHOICE-81]; the value is a letter and 32 digits, so that it is an NCName
 * [CHOICE-18]. Expiry in whole seconds, as it is written. */
err_t esprim_box_rand(const struct crypto *c, const struct esprim_policy *p, const char *prefix, usec_t expiry,
                      struct esprim_rand *out)
{
    uint8_t octets[RANDOM_ID + RANDOM_VALUE];
    *out = (struct esprim_rand){.expiry = expiry - expiry % USEC_PER_SEC, .keygen = {ESPRIM_HMAC_SHA256}, .keygen_n = 1};
    TRY(c->random(octets, sizeof(octets)));
    struct writer id = WRITER_ARRAY(out->id);
    struct writer value = WRITER_ARRAY(out->value);
    writer_z(&id, prefix);
    hex_write_lower(&id, bytes_of(octets, RANDOM_ID));
    writer_z(&value, "r");
    hex_write_lower(&value, bytes_of(octets + RANDOM_ID, RANDOM_VALUE));
    memcpy(out->algs, p->algs, sizeof(out->algs));
    out->algs_n = p->algs_n;
    TRY(writer_finish_z(&id));
    return writer_finish_z(&value);
}

err_t esprim_box_derive(const struct crypto *c, const struct esprim_key *k, const struct esprim_pair *pair,
                        struct key_esprim_session *out)
{
    return keys_esprim_derive(c, &k->k, text_of(pair->receiver->value), text_of(pair->originator->value), out);
}

struct sealed {
    uint8_t b[ESPRIM_INNER_MAX + CRYPTO_TAG_LEN];
};

static void sealed_wipe(struct sealed *s)
{
    ct_wipe(s->b, sizeof(s->b));
}

err_t esprim_box_seal(const struct crypto *c, const struct key_esprim_session *k, const struct esprim_header *h,
                      struct bytes plain, struct writer *out)
{
    uint8_t nonce[CRYPTO_NONCE_LEN];
    char header[2048];
    struct writer text = WRITER_ARRAY(header);
    SCOPED(sealed_wipe) struct sealed sealed;
    struct writer w = WRITER_ARRAY(sealed.b);
    if (plain.n > ESPRIM_INNER_MAX) {
        return ERR_LIMIT_SIZE;
    }
    TRY(c->random(nonce, sizeof(nonce))); /* 96 bit at random (RFC 7518 5.3): a session has far fewer than 2^32 */
    esprim_header_write(h, &text);
    TRY(writer_finish(&text));
    const size_t at = out->n;
    base64url_write(out, writer_view(&text));
    TRY(writer_finish(out));
    const struct keys_esprim_box box = {BYTES_ARRAY(nonce), bytes_of(out->buf + at, out->n - at)};
    TRY(keys_esprim_seal(c, k, h->alg, &box, plain, &w));
    writer_z(out, "..");
    base64url_write(out, BYTES_ARRAY(nonce));
    writer_z(out, ".");
    base64url_write(out, bytes_of(w.buf, w.n - CRYPTO_TAG_LEN));
    writer_z(out, ".");
    base64url_write(out, bytes_of(w.buf + w.n - CRYPTO_TAG_LEN, CRYPTO_TAG_LEN));
    return writer_finish(out);
}

err_t esprim_box_open(const struct crypto *c, const struct key_esprim_session *k, const struct esprim_object *o,
                      struct writer *plain)
{
    uint8_t nonce[CRYPTO_NONCE_LEN];
    struct writer n = WRITER_ARRAY(nonce);
    SCOPED(sealed_wipe) struct sealed sealed;
    struct writer w = WRITER_ARRAY(sealed.b);
    bool good = base64url_parse(o->iv, &n) == ERR_OK && n.n == sizeof(nonce) && !n.overflow &&
                base64url_parse(o->ciphertext, &w) == ERR_OK;
    const size_t before = w.n;
    good = good && base64url_parse(o->tag, &w) == ERR_OK && !w.overflow && w.n - before == CRYPTO_TAG_LEN;
    if (!good) {
        return ERR_OBJECT_MALFORMED;
    }
    const struct keys_esprim_box box = {BYTES_ARRAY(nonce), text_bytes(o->protected)};
    err_t e = keys_esprim_open(c, k, o->h.alg, &box, writer_view(&w), plain);
    return e == ERR_CRYPTO_UNSEAL ? ERR_ESPRIM_TAG : e;
}
