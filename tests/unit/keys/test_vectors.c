/* Runs tests/vectors/derive.txt: each expected value and each refusal [R001-34, R001-37, R001-53, R001-63, R001-85, R001-86]. */
#include "keys/keyid.h"
#include "shell/crypto_openssl.h"
#include "shell/openssl.h"
#include "vectors.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/core_names.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

static err_t put_id(struct vector *v, const struct keys_relative *relative)
{
    struct keyid id;
    TRY(keyid_of_relative(relative, vectors_value(v, "fqdn"), &id));
    writer_z(&v->w, "key_id ");
    writer_z(&v->w, id.z);
    writer_z(&v->w, "\n");
    return ERR_OK;
}

/* -- one function a derivation --------------------------------------------------------------------------- */

/* RFC 5246 5 and RFC 5705 4, from the library: what tls_export() gives for these secrets. */
static err_t run_export(struct vector *v)
{
    struct octets master, client, server;
    TRY(vectors_octets(v, "master_secret", &master));
    TRY(vectors_octets(v, "client_random", &client));
    TRY(vectors_octets(v, "server_random", &server));
    struct text label = vectors_value(v, "label");
    char digest[] = "SHA256";
    uint8_t out[KEYS_EXPORT_LEN];
    const OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SECRET, master.b, master.n),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SEED, (void *)(uintptr_t)label.p, label.n),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SEED, client.b, client.n),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SEED, server.b, server.n),
        OSSL_PARAM_construct_end()};
    EVP_KDF *kdf = EVP_KDF_fetch(NULL, "TLS1-PRF", NULL);
    EVP_KDF_CTX *ctx = EVP_KDF_CTX_new(kdf);
    int ok = EVP_KDF_derive(ctx, out, sizeof(out), params);
    EVP_KDF_CTX_free(ctx);
    EVP_KDF_free(kdf);
    vectors_put(v, "export", BYTES_ARRAY(out));
    return ok == 1 ? ERR_OK : ERR_CRYPTO;
}

static err_t exported(const struct vector *v, struct keys_export *x)
{
    struct octets o;
    TRY(vectors_octets(v, "export", &o));
    if (o.n != sizeof(x->b)) {
        return ERR_MALFORMED_KEY;
    }
    memcpy(x->b, o.b, sizeof(x->b));
    x->set = true;
    return ERR_OK;
}

static err_t run_ke(struct vector *v)
{
    struct keys_export x = {0};
    struct key_ke ke = {0};
    struct keys_relative relative;
    TRY(exported(v, &x));
    TRY(keys_ke_split(&x, &ke, &relative));
    vectors_put(v, "ke", secret_view(&ke.s));
    return put_id(v, &relative);
}

static err_t run_kc(struct vector *v)
{
    struct keys_export x = {0};
    struct key_kc kc = {0};
    struct keys_relative relative;
    TRY(exported(v, &x));
    TRY(keys_kc_split(&x, &kc, &relative));
    vectors_put(v, "kc", secret_view(&kc.s));
    return put_id(v, &relative);
}

static err_t run_key_id(struct vector *v)
{
    struct octets o;
    struct keys_relative relative;
    TRY(vectors_octets(v, "relative", &o));
    if (o.n != sizeof(relative.b)) {
        return ERR_MALFORMED_KEY_ID;
    }
    memcpy(relative.b, o.b, sizeof(relative.b));
    return put_id(v, &relative);
}

static err_t run_km(struct vector *v)
{
    struct key_ke ke = {0};
    struct key_km km = {0};
    TRY(vectors_key(v, "ke", &ke.s));
    TRY(keys_km_derive(crypto_openssl(), &ke, vectors_value(v, "maf-id"), &km));
    vectors_put(v, "km", secret_view(&km.s));
    return ERR_OK;
}

static err_t run_kpsa(struct vector *v)
{
    struct key_ke ke = {0};
    struct key_kpsa kpsa = {0};
    TRY(vectors_key(v, "ke", &ke.s));
    TRY(keys_kpsa_derive(crypto_openssl(), &ke, vectors_value(v, "target"), &kpsa));
    vectors_put(v, "kpsa", secret_view(&kpsa.s));
    return ERR_OK;
}

static err_t run_usage(struct vector *v)
{
    struct key_ke ke = {0};
    struct key_usage k = {0};
    uint64_t suid = 0;
    TRY(vectors_key(v, "ke", &ke.s));
    if (text_u64(vectors_value(v, "suid"), 999, &suid) != ERR_OK) {
        return ERR_MALFORMED_SUID;
    }
    TRY(keys_usage_derive(crypto_openssl(), &ke, (unsigned)suid, vectors_value(v, "target"), &k));
    vectors_put(v, "usage_key", secret_view(&k.s));
    return ERR_OK;
}

static err_t run_application(struct vector *v)
{
    struct key_ke ke = {0};
    struct key_application k = {0};
    uint64_t suid = 0;
    TRY(vectors_key(v, "ke", &ke.s));
    if (text_u64(vectors_value(v, "suid"), 999, &suid) != ERR_OK) {
        return ERR_MALFORMED_SUID;
    }
    TRY(keys_application_derive(crypto_openssl(), &ke.s, (unsigned)suid, vectors_value(v, "ae-id"), &k));
    vectors_put(v, "application_key", secret_view(&k.s));
    return ERR_OK;
}

static err_t run_ke2e(struct vector *v)
{
    struct key_kpsa kpsa = {0};
    struct key_ke2e k = {0};
    struct octets salt;
    TRY(vectors_key(v, "kpsa", &kpsa.s));
    TRY(vectors_octets(v, "salt", &salt));
    TRY(keys_ke2e_derive(crypto_openssl(), &kpsa, bytes_of(salt.b, salt.n), &k));
    vectors_put(v, "ke2e_master", secret_view(&k.master));
    vectors_put(v, "ke2e_msg_auth", secret_view(&k.msg_auth));
    vectors_put(v, "ke2e_msg_conf", secret_view(&k.msg_conf));
    vectors_put(v, "ke2e_att_auth", secret_view(&k.att_auth));
    vectors_put(v, "ke2e_att_conf", secret_view(&k.att_conf));
    return ERR_OK;
}

static err_t run_esprim(struct vector *v)
{
    struct key_esprim_pairwise k = {0};
    struct key_esprim_session session = {0};
    struct octets r, o;
    TRY(vectors_key(v, "key", &k.s));
    TRY(vectors_octets(v, "receiver-hex", &r));
    TRY(vectors_octets(v, "originator-hex", &o));
    struct text receiver = r.n > 0 ? text_span((char *)r.b, r.n) : vectors_value(v, "receiver");
    struct text originator = o.n > 0 ? text_span((char *)o.b, o.n) : vectors_value(v, "originator");
    TRY(keys_esprim_derive(crypto_openssl(), &k, receiver, originator, &session));
    vectors_put(v, "esprim_session", secret_view(&session.s));
    return ERR_OK;
}

static const struct vectors_kind kinds[] = {
    {"export", run_export, 3},     {"ke", run_ke, 3},       {"kc", run_kc, 1},
    {"key-id", run_key_id, 5},     {"km", run_km, 20},      {"kpsa", run_kpsa, 12},
    {"usage-key", run_usage, 22}, {"application-key", run_application, 7},  {"ke2e", run_ke2e, 5},   {"esprim-session", run_esprim, 5},
};

static void every_vector_of_the_file(void **state)
{
    (void)state;
    vectors_run("derive.txt", kinds, ARRAY_LEN(kinds));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_vector_of_the_file)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
