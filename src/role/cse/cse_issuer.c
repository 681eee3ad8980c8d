#include "role/cse/cse_issuer.h"

#include "base/hex.h"
#include "crypto/crypto.h"
#include "role/detail.h"

static err_t mark(const struct crypto *c, struct text key, char out[static CSE_ISSUER_MARK])
{
    uint8_t hash[CRYPTO_HASH_LEN];
    struct writer w = writer_of(out, CSE_ISSUER_MARK);
    TRY(c->sha256(text_bytes(key), hash));
    hex_write_lower(&w, bytes_of(hash, (CSE_ISSUER_MARK - 1) / 2));
    return writer_finish_z(&w);
}

/* A key shared with the issuer would make tokens as well as check them: public keys alone. */
static err_t key_take(const struct role_env *env, struct text pem, char out[static OBJECT_JWK_MAX], char *detail)
{
    struct object_key_info info;
    const struct object_key key = {.id = text_empty(), .text = pem};
    if (env->objects == NULL || env->objects->describe(&key, &info) != ERR_OK || info.kind == OBJECT_OCTETS) {
        return detail_fail(detail, ERR_CONFIG, "[das] key is no public key or certificate, of P-256, P-384, P-521 or RSA of 2048 bits and more", text_empty());
    }
    if (info.has_private) {
        return detail_fail(detail, ERR_CONFIG, "[das] key is a private key: give the public one", text_empty());
    }
    struct writer w = writer_of(out, OBJECT_JWK_MAX);
    TRY(env->objects->jwk(&key, &w));
    return writer_finish_z(&w);
}

err_t cse_issuer_configure(struct cse_issuers *out, const struct conf *cf, const struct role_env *env, struct text self,
                           char detail[static ROLE_DETAIL_MAX])
{
    const char *arg;
    for (size_t i = 0; (arg = conf_section_arg(cf, "das", i)) != NULL; i++) {
        struct text id = conf_text(cf, "das", arg, "id");
        if (out->n == CSE_ISSUERS_MAX) {
            return detail_fail(detail, ERR_CONFIG, "[das]: at most 8", text_of(arg));
        }
        struct cse_issuer *d = &out->at[out->n];
        *d = (struct cse_issuer){.fqdn = text_of(arg), .url = conf_text(cf, "das", arg, "url"),
                                 .everywhere = text_eq_z(conf_text(cf, "das", arg, "scope"), "all")};
        if (m2mid_absolute(id, self, &d->id) != ERR_OK || cse_issuer_by_id(out, text_of(d->id.z)) != NULL) {
            return detail_fail(detail, ERR_CONFIG, "[das] id is no AE-ID or CSE-ID, or stands twice", id);
        }
        if (d->url.n == 0 && !d->everywhere) {
            return detail_fail(detail, ERR_CONFIG, "[das] scope = named needs the url by which resources name it", text_of(arg));
        }
        struct text pem = conf_text(cf, "das", arg, "key");
        TRY(key_take(env, pem, d->jwk, detail));
        TRY(mark(env->crypto, pem, d->mark));
        out->n++;
    }
    return ERR_OK;
}

const struct cse_issuer *cse_issuer_by_id(const struct cse_issuers *l, struct text absolute)
{
    for (size_t i = 0; i < l->n; i++) {
        if (m2mid_same(text_of(l->at[i].id.z), absolute)) {
            return &l->at[i];
        }
    }
    return NULL;
}

const struct cse_issuer *cse_issuer_of(const struct cse_issuers *l, struct text named_id)
{
    const struct text fqdn = text_skip(named_id, text_find(named_id, '@') + 1);
    for (size_t i = 0; i < l->n; i++) {
        if (text_eq_nocase(l->at[i].fqdn, fqdn)) {
            return &l->at[i];
        }
    }
    return NULL;
}
