#include "crypto/kdf.h"
#include "keys/keys_gba.h"

#define FC_GBA 0x01 /* one code for all of GBA [TS 33.220 B.2.2] */
#define LABEL_ME "gba-me"
#define LABEL_U "gba-u"
#define TMPI_OCTETS 24

err_t keys_ks_join(const struct key_ck *ck, const struct key_ik *ik, struct key_ks *out)
{
    secret_wipe(&out->s);
    if (!secret_is_set(&ck->s) || !secret_is_set(&ik->s) || ck->s.n + ik->s.n > SECRET_MAX) {
        return ERR_MALFORMED_KEY;
    }
    struct writer w = WRITER_ARRAY(out->s.b);
    writer_bytes(&w, secret_view(&ck->s));
    writer_bytes(&w, secret_view(&ik->s));
    TRY(writer_finish(&w));
    out->s.n = (uint8_t)w.n;
    return ERR_OK;
}

static err_t derive(const struct crypto *c, const struct key_ks *ks, const char *label,
                    const struct keys_ks_context *x, struct secret *out)
{
    secret_wipe(out);
    if (ks->s.n < KEYS_DERIVED_LEN) {
        return ERR_MALFORMED_KEY;
    }
    if (!impi_is(x->impi) || x->naf_id->n == 0) {
        return ERR_MALFORMED_ID;
    }
    const struct bytes p[] = {text_bytes(text_of(label)), BYTES_ARRAY(x->rand->b), text_bytes(x->impi),
                              naf_id_view(x->naf_id)};
    return kdf_3gpp(c, secret_view(&ks->s), FC_GBA, p, ARRAY_LEN(p), out);
}

err_t keys_ks_naf(const struct crypto *c, const struct key_ks *ks, const struct keys_ks_context *x,
                  struct key_ks_naf *out)
{
    return derive(c, ks, LABEL_ME, x, &out->s);
}

err_t keys_ks_ext_naf(const struct crypto *c, const struct key_ks *ks, const struct keys_ks_context *x,
                      struct key_ks_ext_naf *out)
{
    return derive(c, ks, LABEL_ME, x, &out->s); /* not a slip: B.3 gives it the label of GBA_ME */
}

err_t keys_ks_int_naf(const struct crypto *c, const struct key_ks *ks, const struct keys_ks_context *x,
                      struct key_ks_int_naf *out)
{
    return derive(c, ks, LABEL_U, x, &out->s);
}

static void naf_key_wipe(struct key_ks_naf *k)
{
    secret_wipe(&k->s);
}

static err_t tmpi_write(const struct secret *naf_key, struct writer *out)
{
    if (naf_key->n < TMPI_OCTETS) {
        return ERR_MALFORMED_KEY;
    }
    base64_write(out, bytes_of(naf_key->b, TMPI_OCTETS));
    writer_z(out, "@tmpi.bsf.3gppnetwork.org");
    return writer_finish(out);
}

err_t keys_ks_tmpi_of(const struct key_ks_ext_naf *key, struct writer *out)
{
    return tmpi_write(&key->s, out);
}

err_t keys_ks_tmpi(const struct crypto *c, const struct key_ks *ks, const struct aka_rand *rand, struct text impi,
                   struct text bsf, struct writer *out)
{
    SCOPED(naf_key_wipe) struct key_ks_naf k = {{{0}, 0}};
    struct naf_id id;
    TRY(naf_id_of(bsf, naf_id_ua_tmpi(), &id));
    const struct keys_ks_context x = {rand, impi, &id};
    TRY(keys_ks_naf(c, ks, &x, &k));
    return tmpi_write(&k.s, out);
}
