#include "shell/provider_selftest.h"

#include "base/hex.h"
#include "shell/openssl.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <string.h>

#define OCTETS_MAX 100

static err_t octets_of(const char *hex, uint8_t *out, size_t n)
{
    struct writer w = writer_of(out, n);
    return hex_parse(text_of(hex), &w) == ERR_OK && w.n == n ? ERR_OK : ERR_BUG;
}

/* Posted to the TLS working group (msg03416): RFC 5246 has no vector. Its 100 octets end within a block. */
static bool prf(void *context)
{
    uint8_t secret[16], seed[16], want[OCTETS_MAX], got[OCTETS_MAX] = {0};
    char digest[] = "SHA2-256", label[] = "test label";
    bool good = octets_of("9bbe436ba940f017b17652849a71db35", secret, sizeof(secret)) == ERR_OK &&
                octets_of("a0ba9f936cda311827a6f796ffd5198c", seed, sizeof(seed)) == ERR_OK &&
                octets_of("e3f229ba727be17b8d122620557cd453c2aab21d07c3d495329b52d4e61edb5a6b301791e90d35c9c9a46b4e14baf9af"
                          "0fa022f7077def17abfd3797c0564bab4fbc91666e9def9b97fce34f796789baa48082d122ee42c5a72e5a5110fff701"
                          "87347b66", want, sizeof(want)) == ERR_OK;
    const OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SECRET, secret, sizeof(secret)),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SEED, label, strlen(label)),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SEED, seed, sizeof(seed)),
        OSSL_PARAM_construct_end(),
    };
    EVP_KDF *kdf = EVP_KDF_fetch(context, "TLS1-PRF", NULL);
    EVP_KDF_CTX *ctx = kdf == NULL ? NULL : EVP_KDF_CTX_new(kdf);
    good = good && ctx != NULL && EVP_KDF_derive(ctx, got, sizeof(got), params) == 1 && memcmp(got, want, sizeof(got)) == 0;
    EVP_KDF_CTX_free(ctx);
    EVP_KDF_free(kdf);
    return good;
}

/* A record as libssl takes it: a copy of the keyed context is fed and ended. */
static bool mac_of(const EVP_MD_CTX *keyed, const char *text, const char *hex)
{
    uint8_t want[32], got[32] = {0};
    size_t n = sizeof(got);
    EVP_MD_CTX *copy = EVP_MD_CTX_new();
    bool good = copy != NULL && octets_of(hex, want, sizeof(want)) == ERR_OK && EVP_MD_CTX_copy_ex(copy, keyed) == 1 &&
                EVP_DigestSignUpdate(copy, text, strlen(text)) == 1 && EVP_DigestSignFinal(copy, got, &n) == 1 &&
                n == sizeof(got) && memcmp(got, want, sizeof(got)) == 0;
    EVP_MD_CTX_free(copy);
    return good;
}

/* RFC 4231 case 2, twice: the second record finds the key as the first one did. */
static bool mac(void *context)
{
    static const char text[] = "what do ya want for nothing?";
    static const char want[] = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
    const uint8_t key[] = {'J', 'e', 'f', 'e'};
    EVP_PKEY *pkey = EVP_PKEY_new_raw_private_key_ex(context, "HMAC", NULL, key, sizeof(key));
    EVP_MD_CTX *keyed = EVP_MD_CTX_new();
    bool good = pkey != NULL && keyed != NULL &&
                EVP_DigestSignInit_ex(keyed, NULL, "SHA2-256", context, NULL, pkey, NULL) == 1 &&
                mac_of(keyed, text, want) && mac_of(keyed, text, want);
    EVP_MD_CTX_free(keyed);
    EVP_PKEY_free(pkey);
    return good;
}

err_t provider_selftest_run(void *context, const char **failed)
{
    static const struct {
        const char *name;
        bool (*run)(void *context);
    } tests[] = {{"the PRF of TLS 1.2", prf}, {"the MAC of TLS records", mac}};
    for (size_t i = 0; i < ARRAY_LEN(tests); i++) {
        if (!tests[i].run(context)) {
            ERR_clear_error();
            *failed = tests[i].name;
            return ERR_CRYPTO_SELFTEST;
        }
    }
    return ERR_OK;
}
