/*
 * JWE and JWS by libjose. What it leaves open is closed here or above: it takes any algorithm (proto/esdata.c has the
 * list), ignores crit (wire/jose.c refuses it), and the one of Debian 12 was built without RSA-OAEP-256, so that CEK is
 * wrapped by libcrypto (docs/decisions/0015-objects.md).
 */
#include "shell/object_jose.h"

#include "base/base64url.h"
#include "base/ct.h"
#include "shell/openssl.h"
#include "wire/jose.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <jose/jose.h>
#include <jose/openssl.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#define RSA_LEAST 2048
#define RSA_MOST 8192

/* libjose prints on stderr unless it is told not to. */
static void silent(void *misc, const char *file, int line, uint64_t err, const char *fmt, va_list ap)
{
    (void)misc, (void)file, (void)line, (void)err, (void)fmt, (void)ap;
}

static jose_cfg_t *config(void)
{
    jose_cfg_t *c = jose_cfg();
    if (c != NULL) {
        jose_cfg_set_err_func(c, silent, NULL);
    }
    return c;
}

static void pkey_free(EVP_PKEY **k)
{
    EVP_PKEY_free(*k);
}

static void pctx_free(EVP_PKEY_CTX **c)
{
    EVP_PKEY_CTX_free(*c);
}

/* A server does without RSA where it meets strangers (shell/provider.c). Here a key of the configuration is used, with an algorithm that
 * fits it: for as long as that takes, OpenSSL as it comes. */
static OSSL_LIB_CTX *whole_openssl(void)
{
    return OSSL_LIB_CTX_set0_default(OSSL_LIB_CTX_get0_global_default());
}

static void context_back(OSSL_LIB_CTX **was)
{
    (void)OSSL_LIB_CTX_set0_default(*was);
}

static void bio_free(BIO **b)
{
    BIO_free(*b);
}

/* -- keys ---------------------------------------------------------------------------------------------------- */

static json_t *octets_jwk(const struct secret *s)
{
    char text[BASE64URL_LEN(SECRET_MAX)];
    struct writer w = WRITER_ARRAY(text);
    base64url_write(&w, secret_view(s));
    json_t *o = json_object();
    bool good = json_set_text(o, "kty", text_of("oct")) && json_set_text(o, "k", writer_view_text(&w));
    ct_wipe(text, sizeof(text));
    if (!good) {
        json_decref(o);
    }
    return good ? o : NULL;
}

/* No prompt for a passphrase, from nobody. */
static int no_passphrase(char *buf, int size, int rwflag, void *u)
{
    (void)buf, (void)size, (void)rwflag, (void)u;
    return -1;
}

static EVP_PKEY *pem_key(struct text t)
{
    if (t.n > INT32_MAX) {
        return NULL;
    }
    for (int kind = 0; kind < 3; kind++) {
        SCOPED(bio_free) BIO *b = BIO_new_mem_buf(t.p, (int)t.n);
        if (b == NULL) {
            return NULL;
        }
        EVP_PKEY *k = NULL;
        if (kind == 0) {
            k = PEM_read_bio_PrivateKey(b, NULL, no_passphrase, NULL);
        } else if (kind == 1) {
            k = PEM_read_bio_PUBKEY(b, NULL, no_passphrase, NULL);
        } else {
            X509 *x = PEM_read_bio_X509(b, NULL, no_passphrase, NULL);
            k = x == NULL ? NULL : X509_get_pubkey(x);
            X509_free(x);
        }
        ERR_clear_error();
        if (k != NULL) {
            return k;
        }
    }
    return NULL;
}

static json_t *text_jwk(struct text t)
{
    json_t *o = NULL;
    if (t.n > 0 && t.p[0] == '{') {
        if (json_parse(text_bytes(t), &o) != ERR_OK) {
            return NULL;
        }
        /* What the key is for is said by its SUID, and by nothing that stands beside it. */
        (void)json_object_del(o, "alg");
        (void)json_object_del(o, "use");
        (void)json_object_del(o, "key_ops");
        return o;
    }
    SCOPED(pkey_free) EVP_PKEY *k = pem_key(t);
    if (k != NULL) {
        return jose_openssl_jwk_from_EVP_PKEY(NULL, k);
    }
    SCOPED(context_back) OSSL_LIB_CTX *was = whole_openssl();
    SCOPED(pkey_free) EVP_PKEY *other = pem_key(t);
    return other == NULL ? NULL : jose_openssl_jwk_from_EVP_PKEY(NULL, other);
}

static json_t *jwk_of(const struct object_key *k)
{
    return k->symmetric != NULL ? octets_jwk(k->symmetric) : text_jwk(k->text);
}

static err_t describe_curve(const json_t *jwk, struct object_key_info *out)
{
    static const struct {
        const char *crv;
        unsigned bits;
    } curves[] = {{"P-256", 256}, {"P-384", 384}, {"P-521", 521}};
    for (size_t i = 0; i < ARRAY_LEN(curves); i++) {
        if (text_eq_z(json_get_text(jwk, "crv"), curves[i].crv)) {
            out->size = curves[i].bits;
            out->kind = OBJECT_EC;
        }
    }
    SCOPED(pkey_free) EVP_PKEY *k = out->size == 0 ? NULL : jose_openssl_jwk_to_EVP_PKEY(NULL, jwk); /* on the curve? */
    ERR_clear_error();
    return k == NULL ? ERR_MALFORMED_KEY : ERR_OK;
}

static err_t describe_rsa(const json_t *jwk, struct object_key_info *out)
{
    SCOPED(context_back) OSSL_LIB_CTX *was = whole_openssl();
    SCOPED(pkey_free) EVP_PKEY *k = jose_openssl_jwk_to_EVP_PKEY(NULL, jwk);
    ERR_clear_error();
    int bits = k == NULL ? 0 : EVP_PKEY_get_bits(k);
    out->kind = OBJECT_RSA;
    out->size = (unsigned)bits;
    return bits < RSA_LEAST || bits > RSA_MOST ? ERR_MALFORMED_KEY : ERR_OK;
}

static err_t describe_octets(const json_t *jwk, struct object_key_info *out)
{
    uint8_t octets[SECRET_MAX];
    struct writer w = WRITER_ARRAY(octets);
    err_t e = base64url_parse(json_get_text(jwk, "k"), &w);
    out->kind = OBJECT_OCTETS;
    out->size = (unsigned)w.n;
    out->has_private = true;
    ct_wipe(octets, sizeof(octets));
    return e != ERR_OK || w.n == 0 || w.overflow ? ERR_MALFORMED_KEY : ERR_OK;
}

static err_t describe(const struct object_key *key, struct object_key_info *out)
{
    SCOPED(json_scope) json_t *jwk = jwk_of(key);
    *out = (struct object_key_info){0};
    if (jwk == NULL) {
        return ERR_MALFORMED_KEY;
    }
    struct text kty = json_get_text(jwk, "kty");
    out->has_private = json_object_get(jwk, "d") != NULL;
    if (text_eq_z(kty, "oct")) {
        return describe_octets(jwk, out);
    }
    if (text_eq_z(kty, "EC")) {
        return describe_curve(jwk, out);
    }
    return text_eq_z(kty, "RSA") ? describe_rsa(jwk, out) : ERR_MALFORMED_KEY;
}

static err_t public_jwk(const struct object_key *key, struct writer *out)
{
    SCOPED(json_scope) json_t *jwk = jwk_of(key);
    if (jwk == NULL || !jose_jwk_pub(NULL, jwk)) {
        return ERR_MALFORMED_KEY;
    }
    return json_write(jwk, out);
}

/* -- RSA-OAEP-256 (RFC 7518 4.3) ----------------------------------------------------------------------------- */

static EVP_PKEY_CTX *oaep(EVP_PKEY *k, int (*init)(EVP_PKEY_CTX *))
{
    EVP_PKEY_CTX *c = k == NULL ? NULL : EVP_PKEY_CTX_new(k, NULL);
    if (c != NULL && init(c) == 1 && EVP_PKEY_CTX_set_rsa_padding(c, RSA_PKCS1_OAEP_PADDING) == 1 &&
        EVP_PKEY_CTX_set_rsa_oaep_md(c, EVP_sha256()) == 1 && EVP_PKEY_CTX_set_rsa_mgf1_md(c, EVP_sha256()) == 1) {
        return c;
    }
    EVP_PKEY_CTX_free(c);
    return NULL;
}

static err_t oaep_wrap(const json_t *jwk, const json_t *cek, json_t *rcp)
{
    uint8_t key[64];
    uint8_t wrapped[RSA_MOST / 8];
    char text[BASE64URL_LEN(RSA_MOST / 8)];
    struct writer k = WRITER_ARRAY(key);
    struct writer t = WRITER_ARRAY(text);
    size_t n = sizeof(wrapped);
    SCOPED(pkey_free) EVP_PKEY *rsa = jose_openssl_jwk_to_EVP_PKEY(NULL, jwk);
    SCOPED(pctx_free) EVP_PKEY_CTX *c = oaep(rsa, EVP_PKEY_encrypt_init);
    bool good = c != NULL && base64url_parse(json_get_text(cek, "k"), &k) == ERR_OK &&
                EVP_PKEY_encrypt(c, wrapped, &n, key, k.n) == 1;
    ct_wipe(key, sizeof(key));
    if (!good) {
        return ERR_CRYPTO;
    }
    base64url_write(&t, bytes_of(wrapped, n));
    return json_set_text(rcp, "encrypted_key", writer_view_text(&t)) ? ERR_OK : ERR_CRYPTO;
}

static json_t *oaep_unwrap(const json_t *jwk, struct text encrypted)
{
    uint8_t wrapped[RSA_MOST / 8];
    uint8_t key[RSA_MOST / 8]; /* the library wants the room of the modulus */
    struct writer w = WRITER_ARRAY(wrapped);
    size_t n = sizeof(key);
    SCOPED(pkey_free) EVP_PKEY *rsa = jose_openssl_jwk_to_EVP_PKEY(NULL, jwk);
    SCOPED(pctx_free) EVP_PKEY_CTX *c = oaep(rsa, EVP_PKEY_decrypt_init);
    struct secret cek = {0};
    json_t *out = NULL;
    if (c != NULL && base64url_parse(encrypted, &w) == ERR_OK && writer_finish(&w) == ERR_OK &&
        EVP_PKEY_decrypt(c, key, &n, wrapped, w.n) == 1 && secret_set(&cek, bytes_of(key, n)) == ERR_OK) {
        out = octets_jwk(&cek);
    }
    secret_wipe(&cek);
    ct_wipe(key, sizeof(key));
    return out;
}

/* -- encrypt and decrypt ------------------------------------------------------------------------------------- */

static bool is_oaep(struct text alg)
{
    return text_eq_z(alg, "RSA-OAEP-256");
}

static json_t *cek_new(const char *enc)
{
    json_t *cek = json_object();
    if (json_set_text(cek, "alg", text_of(enc)) && jose_jwk_gen(NULL, cek)) {
        return cek;
    }
    json_decref(cek);
    return NULL;
}

static bool header_fill(json_t *h, const char *alg, struct text kid)
{
    return json_set_text(h, "alg", text_of(alg)) && (kid.n == 0 || json_set_text(h, "kid", kid));
}

/* Wraps the CEK for one target. `rcp`: the JWE itself, or a member of its recipients. */
static err_t wrap(jose_cfg_t *cfg, json_t *jwe, const struct object_target *t, bool alone, json_t *cek)
{
    SCOPED(json_scope) json_t *jwk = jwk_of(t->key);
    SCOPED(json_scope) json_t *rcp = json_object();
    json_t *header = alone ? json_object_get(jwe, "protected") : json_object();
    if (jwk == NULL || !header_fill(header, t->alg, t->key->id)) {
        return ERR_CRYPTO;
    }
    if (!alone && json_object_set_new(rcp, "header", header) != 0) {
        return ERR_CRYPTO;
    }
    if (!is_oaep(text_of(t->alg))) {
        return jose_jwe_enc_jwk(cfg, jwe, rcp, jwk, cek) ? ERR_OK : ERR_CRYPTO;
    }
    TRY(oaep_wrap(jwk, cek, rcp));
    if (alone) {
        return json_object_update(jwe, rcp) == 0 ? ERR_OK : ERR_CRYPTO;
    }
    json_t *list = json_object_get(jwe, "recipients");
    if (list == NULL) {
        list = json_array();
        if (json_object_set_new(jwe, "recipients", list) != 0) {
            return ERR_CRYPTO;
        }
    }
    return json_array_append(list, rcp) == 0 ? ERR_OK : ERR_CRYPTO;
}

/* Nothing stands outside of the protected header if there is one target: what wrapping added (epk) moves there. */
static err_t protect_header(json_t *jwe)
{
    json_t *header = json_object_get(jwe, "header");
    if (header != NULL) {
        if (json_object_update_missing(json_object_get(jwe, "protected"), header) != 0) {
            return ERR_CRYPTO;
        }
        (void)json_object_del(jwe, "header");
    }
    return ERR_OK;
}

/* libjose writes a single recipient flat and moves it into a list when the second comes; one that was added here before
 * stands in the list already. */
static err_t wrap_all(jose_cfg_t *cfg, json_t *jwe, const struct object_encrypt *in, json_t *cek)
{
    bool alone = in->targets_n == 1;
    SCOPED(json_scope) json_t *list = json_array();
    for (size_t i = 0; i < in->targets_n; i++) {
        SCOPED(json_scope) json_t *one = json_deep_copy(jwe);
        TRY(wrap(cfg, alone ? jwe : one, &in->targets[i], alone, cek));
        if (alone) {
            return protect_header(jwe);
        }
        json_t *flat = json_object_get(one, "recipients");
        json_t *entry = flat == NULL ? json_object() : json_incref(json_array_get(flat, 0));
        if (flat == NULL) {
            (void)json_object_set(entry, "header", json_object_get(one, "header"));
            (void)json_object_set(entry, "encrypted_key", json_object_get(one, "encrypted_key"));
        }
        if (json_array_append_new(list, entry) != 0) {
            return ERR_CRYPTO;
        }
    }
    return json_object_set(jwe, "recipients", list) == 0 ? ERR_OK : ERR_CRYPTO;
}

static err_t encrypt(const struct object_encrypt *in, struct bytes plain, struct writer *out)
{
    jose_cfg_auto_t *cfg = config();
    SCOPED(json_scope) json_t *jwe = json_object();
    bool direct = strcmp(in->targets[0].alg, "dir") == 0;
    SCOPED(json_scope) json_t *cek = direct ? json_object() : cek_new(in->enc);
    json_t *protected = json_object();
    if (cfg == NULL || cek == NULL || json_object_set_new(jwe, "protected", protected) != 0 ||
        !json_set_text(protected, "enc", text_of(in->enc)) ||
        (in->cty.n > 0 && !json_set_text(protected, "cty", in->cty))) {
        return ERR_CRYPTO;
    }
    err_t e = wrap_all(cfg, jwe, in, cek);
    if (e == ERR_OK && !jose_jwe_enc_cek(cfg, jwe, cek, plain.p, plain.n)) {
        e = ERR_CRYPTO;
    }
    ERR_clear_error();
    return e == ERR_OK ? jose_write(jwe, (enum jose_form)in->form, out) : e;
}

static void parsed_wipe(struct jose_object *o)
{
    jose_wipe(o);
}

static err_t take(void *text, size_t n, struct writer *out)
{
    writer_bytes(out, bytes_of(text, n));
    ct_wipe(text, n);
    free(text);
    return writer_finish(out);
}

static err_t decrypt(struct bytes object, size_t part, const struct object_key *k, struct writer *out)
{
    SCOPED(parsed_wipe) struct jose_object o = {0};
    TRY(jose_parse(object, &o));
    jose_cfg_auto_t *cfg = config();
    SCOPED(json_scope) json_t *jwk = jwk_of(k);
    const json_t *list = json_object_get(o.root, "recipients");
    const json_t *rcp = list == NULL ? NULL : json_array_get(list, part);
    if (cfg == NULL || jwk == NULL || part >= o.parts) {
        return ERR_MALFORMED_KEY;
    }
    SCOPED(json_scope) json_t *cek = is_oaep(o.part[part].alg) ? oaep_unwrap(jwk, o.part[part].value)
                                                               : jose_jwe_dec_jwk(cfg, o.root, rcp, jwk);
    size_t n = 0;
    void *plain = cek == NULL ? NULL : jose_jwe_dec_cek(cfg, o.root, cek, &n);
    ERR_clear_error();
    return plain == NULL ? ERR_OBJECT_TAG : take(plain, n, out);
}

/* -- sign and verify ----------------------------------------------------------------------------------------- */

static err_t sign(const struct object_target *source, struct text cty, unsigned form, struct bytes payload,
                  struct writer *out)
{
    jose_cfg_auto_t *cfg = config();
    SCOPED(json_scope) json_t *jwk = jwk_of(source->key);
    SCOPED(json_scope) json_t *jws = json_object();
    SCOPED(json_scope) json_t *sig = json_object();
    json_t *protected = json_object();
    json_t *text = jose_b64_enc(payload.p, payload.n);
    if (cfg == NULL || jwk == NULL || json_object_set_new(sig, "protected", protected) != 0 ||
        json_object_set_new(jws, "payload", text) != 0 || !header_fill(protected, source->alg, source->key->id) ||
        (cty.n > 0 && !json_set_text(protected, "cty", cty))) {
        return ERR_CRYPTO;
    }
    bool good = jose_jws_sig(cfg, jws, sig, jwk);
    ERR_clear_error();
    return good ? jose_write(jws, (enum jose_form)form, out) : ERR_CRYPTO;
}

static bool signature_is_good(jose_cfg_t *cfg, const json_t *jws, const json_t *sig, const json_t *jwk)
{
    if (!text_eq_z(json_get_text(jwk, "kty"), "RSA")) {
        return jose_jws_ver(cfg, jws, sig, jwk, false);
    }
    SCOPED(context_back) OSSL_LIB_CTX *was = whole_openssl();
    return jose_jws_ver(cfg, jws, sig, jwk, false);
}

static err_t verify(struct bytes object, size_t part, const struct object_key *k, struct writer *out)
{
    SCOPED(parsed_wipe) struct jose_object o = {0};
    TRY(jose_parse(object, &o));
    jose_cfg_auto_t *cfg = config();
    SCOPED(json_scope) json_t *jwk = jwk_of(k);
    const json_t *list = json_object_get(o.root, "signatures");
    const json_t *sig = list == NULL ? o.root : json_array_get(list, part);
    if (cfg == NULL || jwk == NULL || sig == NULL) {
        return ERR_MALFORMED_KEY;
    }
    bool good = signature_is_good(cfg, o.root, sig, jwk);
    ERR_clear_error();
    if (!good) {
        return ERR_OBJECT_TAG;
    }
    return base64url_parse(json_get_text(o.root, "payload"), out) == ERR_OK ? writer_finish(out) : ERR_OBJECT_MALFORMED;
}

const struct object_provider *object_jose(void)
{
    static const struct object_provider provider = {describe, public_jwk, encrypt, decrypt, sign, verify};
    return &provider;
}
