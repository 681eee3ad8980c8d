#include "shell/crypto_openssl.h"

#include "base/ct.h"
#include "shell/crypto_random.h"
#include "shell/openssl.h"

#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <uninorm.h>
#include <unistr.h>

/*
 * Fetching an algorithm by name costs more than using it, so each is fetched once a process and never changed
 * again; every thread may read it. The contexts that hold a key live for one call: freeing one wipes it, and a
 * context kept for reuse would keep the last key. Only a key that its holder keeps anyway keeps its contexts (aead_keep); those of the
 * hashes stay, too: put back to its beginning, one holds nothing of what it was given. Measured, 100 octets: HMAC 0.9 us (kept context 0.5, HMAC() 1.5),
 * AES-256-GCM 0.6 us (kept 0.6), against some 300 us of a handshake.
 */
static struct {
    EVP_MAC_CTX *hmac; /* HMAC-SHA-256 without a key, to be copied */
    EVP_CIPHER *gcm[3]; /* 128, 192, 256 */
    EVP_CIPHER *aes128;
    struct hasher {
        EVP_MD *md;
        EVP_MD_CTX *kept; /* at its beginning unless busy */
        atomic_bool busy;
    } hashes[CRYPTO_HASHES];
    EVP_MAC_CTX *hmac_md5;
} fetched;
static pthread_once_t fetch_once = PTHREAD_ONCE_INIT;

static EVP_MAC_CTX *fetch_hmac(EVP_MAC *mac, char *digest)
{
    EVP_MAC_CTX *ctx = mac == NULL ? NULL : EVP_MAC_CTX_new(mac); /* holds its own reference */
    const OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
                                 OSSL_PARAM_construct_end()};
    if (ctx != NULL && EVP_MAC_CTX_set_params(ctx, params) == 1) {
        return ctx;
    }
    EVP_MAC_CTX_free(ctx);
    return NULL;
}

/* A context at its beginning; NULL if there is none. */
static EVP_MD_CTX *hash_new(const EVP_MD *md)
{
    EVP_MD_CTX *ctx = md == NULL ? NULL : EVP_MD_CTX_new();
    if (ctx != NULL && EVP_DigestInit_ex2(ctx, md, NULL) == 1) {
        return ctx;
    }
    EVP_MD_CTX_free(ctx);
    return NULL;
}

static void fetch(void)
{
    static const char *const hashes[CRYPTO_HASHES] = {"MD5", "SHA1", "SHA2-256"};
    char sha256_name[] = "SHA2-256", md5_name[] = "MD5";
    static const char *const gcm[] = {"AES-128-GCM", "AES-192-GCM", "AES-256-GCM"};
    for (size_t i = 0; i < ARRAY_LEN(gcm); i++) {
        fetched.gcm[i] = EVP_CIPHER_fetch(NULL, gcm[i], NULL);
    }
    fetched.aes128 = EVP_CIPHER_fetch(NULL, "AES-128-ECB", NULL);
    for (size_t i = 0; i < CRYPTO_HASHES; i++) {
        fetched.hashes[i].md = EVP_MD_fetch(NULL, hashes[i], NULL);
        fetched.hashes[i].kept = hash_new(fetched.hashes[i].md);
    }
    EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    fetched.hmac = fetch_hmac(mac, sha256_name);
    fetched.hmac_md5 = fetch_hmac(mac, md5_name);
    EVP_MAC_free(mac);
}

static void cipher_free(EVP_CIPHER_CTX **c)
{
    EVP_CIPHER_CTX_free(*c);
}

static void mac_free(EVP_MAC_CTX **c)
{
    EVP_MAC_CTX_free(*c);
}

static void md_free(EVP_MD_CTX **c)
{
    EVP_MD_CTX_free(*c);
}

static void pkey_free(EVP_PKEY **k)
{
    EVP_PKEY_free(*k);
}

static err_t ok(int openssl_result)
{
    return openssl_result == 1 ? ERR_OK : ERR_CRYPTO;
}

/* Another thread is at it: nobody waits. */
static bool is_free(atomic_bool *busy)
{
    return !atomic_exchange_explicit(busy, true, memory_order_acquire);
}

static err_t leave(atomic_bool *busy, err_t e)
{
    atomic_store_explicit(busy, false, memory_order_release);
    return e;
}

/* ctx is at its beginning. */
static err_t hash_in(EVP_MD_CTX *ctx, const struct bytes *parts, size_t count, uint8_t out[CRYPTO_HASH_LEN])
{
    unsigned n = 0;
    for (size_t i = 0; i < count; i++) {
        TRY(ok(EVP_DigestUpdate(ctx, parts[i].p, parts[i].n)));
    }
    return ok(EVP_DigestFinal_ex(ctx, out, &n));
}

/* To put the context back clears in it what came of the text, a hash that may be as good as a password: before another can have it. One
 * that does not go back stays busy for ever. */
static err_t hash_kept(struct hasher *h, const struct bytes *parts, size_t count, uint8_t out[CRYPTO_HASH_LEN])
{
    const err_t e = hash_in(h->kept, parts, count, out);
    return EVP_DigestInit_ex2(h->kept, NULL, NULL) == 1 ? leave(&h->busy, e) : ERR_CRYPTO;
}

static err_t hash(enum crypto_hash kind, const struct bytes *parts, size_t count, uint8_t out[CRYPTO_HASH_LEN])
{
    if ((unsigned)kind >= CRYPTO_HASHES || fetched.hashes[kind].kept == NULL) {
        return ERR_CRYPTO;
    }
    struct hasher *h = &fetched.hashes[kind];
    if (is_free(&h->busy)) {
        return hash_kept(h, parts, count, out);
    }
    SCOPED(md_free) EVP_MD_CTX *ctx = hash_new(h->md);
    return ctx == NULL ? ERR_CRYPTO : hash_in(ctx, parts, count, out);
}

static err_t sha256(struct bytes in, uint8_t out[CRYPTO_HASH_LEN])
{
    return hash(CRYPTO_SHA256, &in, 1, out);
}

static err_t hmac_md5(struct bytes key, struct bytes in, uint8_t out[CRYPTO_MD5_LEN])
{
    if (key.n == 0) {
        return ERR_MALFORMED_KEY;
    }
    SCOPED(mac_free) EVP_MAC_CTX *ctx = fetched.hmac_md5 == NULL ? NULL : EVP_MAC_CTX_dup(fetched.hmac_md5);
    if (ctx == NULL) {
        return ERR_CRYPTO;
    }
    size_t n = 0;
    TRY(ok(EVP_MAC_init(ctx, key.p, key.n, NULL)));
    TRY(ok(EVP_MAC_update(ctx, in.p, in.n)));
    return ok(EVP_MAC_final(ctx, out, &n, CRYPTO_MD5_LEN));
}

/* -- AES-128 of whole blocks: struct crypto_aes is a context by another name ------------------------------------------- */
static EVP_CIPHER_CTX *aes_ctx(struct crypto_aes *k)
{
    return (EVP_CIPHER_CTX *)(void *)k;
}

static void aes_drop(struct crypto_aes *k)
{
    EVP_CIPHER_CTX_free(aes_ctx(k)); /* wipes it */
}

static err_t aes_keep(struct bytes key, struct crypto_aes **out)
{
    *out = NULL;
    if (key.n != CRYPTO_BLOCK_LEN) {
        return ERR_MALFORMED_KEY;
    }
    EVP_CIPHER_CTX *ctx = fetched.aes128 == NULL ? NULL : EVP_CIPHER_CTX_new();
    if (ctx == NULL || EVP_EncryptInit_ex2(ctx, fetched.aes128, key.p, NULL, NULL) != 1) {
        EVP_CIPHER_CTX_free(ctx);
        return ERR_CRYPTO;
    }
    *out = (struct crypto_aes *)(void *)ctx;
    return ERR_OK;
}

/* Padding comes with EVP_EncryptFinal_ex, which is never called: whole blocks in, the same number out. */
static err_t aes_blocks(struct crypto_aes *k, struct bytes in, uint8_t *out)
{
    int n = 0;
    if (in.n % CRYPTO_BLOCK_LEN != 0 || in.n > INT_MAX) {
        return ERR_CRYPTO;
    }
    TRY(ok(EVP_EncryptUpdate(aes_ctx(k), out, &n, in.p, (int)in.n)));
    return (size_t)n == in.n ? ERR_OK : ERR_CRYPTO;
}

static err_t hmac_sha256(struct bytes key, const struct bytes *parts, size_t count, uint8_t out[CRYPTO_HASH_LEN])
{
    /* An empty key is a key that was never set. */
    if (key.n == 0 || key.n > SECRET_MAX) {
        return ERR_MALFORMED_KEY;
    }
    SCOPED(mac_free) EVP_MAC_CTX *ctx = fetched.hmac == NULL ? NULL : EVP_MAC_CTX_dup(fetched.hmac);
    if (ctx == NULL) {
        return ERR_CRYPTO;
    }
    TRY(ok(EVP_MAC_init(ctx, key.p, key.n, NULL)));
    for (size_t i = 0; i < count; i++) {
        TRY(ok(EVP_MAC_update(ctx, parts[i].p, parts[i].n)));
    }
    size_t n = 0;
    return ok(EVP_MAC_final(ctx, out, &n, CRYPTO_HASH_LEN));
}

/* AES-GCM by the length of its key: 16, 24 or 32 octets. */
static const EVP_CIPHER *gcm_of(struct bytes key)
{
    return key.n == 16 ? fetched.gcm[0] : key.n == 24 ? fetched.gcm[1] : key.n == CRYPTO_KEY_LEN ? fetched.gcm[2] : NULL;
}

static err_t aead_check(struct bytes key, struct bytes nonce, struct bytes aad, struct bytes text)
{
    if (key.n != 16 && key.n != 24 && key.n != CRYPTO_KEY_LEN) {
        return ERR_MALFORMED_KEY;
    }
    if (nonce.n != CRYPTO_NONCE_LEN || gcm_of(key) == NULL) {
        return ERR_CRYPTO;
    }
    return aad.n > INT_MAX || text.n > INT_MAX - CRYPTO_TAG_LEN ? ERR_LIMIT_SIZE : ERR_OK;
}

/* ctx has the key, this way round. */
static err_t seal_in(EVP_CIPHER_CTX *ctx, struct bytes nonce, struct bytes aad, struct bytes plain, struct writer *out)
{
    uint8_t *at = writer_reserve(out, plain.n + CRYPTO_TAG_LEN);
    if (at == NULL) {
        return ERR_LIMIT_SIZE;
    }
    int n = 0;
    if (EVP_EncryptInit_ex2(ctx, NULL, NULL, nonce.p, NULL) == 1 &&
        EVP_EncryptUpdate(ctx, NULL, &n, aad.p, (int)aad.n) == 1 &&
        EVP_EncryptUpdate(ctx, at, &n, plain.p, (int)plain.n) == 1 &&
        EVP_EncryptFinal_ex(ctx, at + plain.n, &n) == 1 &&
        EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, CRYPTO_TAG_LEN, at + plain.n) == 1) {
        return ERR_OK;
    }
    out->n -= plain.n + CRYPTO_TAG_LEN;
    return ERR_CRYPTO;
}

static err_t open_in(EVP_CIPHER_CTX *ctx, struct bytes nonce, struct bytes aad, struct bytes sealed, struct writer *out)
{
    if (sealed.n < CRYPTO_TAG_LEN) {
        return ERR_CRYPTO_UNSEAL;
    }
    size_t plain_n = sealed.n - CRYPTO_TAG_LEN;
    uint8_t *at = writer_reserve(out, plain_n);
    if (at == NULL) {
        return ERR_LIMIT_SIZE;
    }
    uint8_t tag[CRYPTO_TAG_LEN]; /* OpenSSL takes it through a pointer to non-const */
    memcpy(tag, sealed.p + plain_n, sizeof(tag));
    int n = 0;
    if (EVP_DecryptInit_ex2(ctx, NULL, NULL, nonce.p, NULL) == 1 &&
        EVP_DecryptUpdate(ctx, NULL, &n, aad.p, (int)aad.n) == 1 &&
        EVP_DecryptUpdate(ctx, at, &n, sealed.p, (int)plain_n) == 1 &&
        EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, CRYPTO_TAG_LEN, tag) == 1 &&
        EVP_DecryptFinal_ex(ctx, at + plain_n, &n) == 1) {
        return ERR_OK;
    }
    ct_wipe(at, plain_n); /* what does not authenticate is not seen */
    out->n -= plain_n;
    return ERR_CRYPTO_UNSEAL;
}

/* A context with this key, to seal or to open; NULL if there is none. */
static EVP_CIPHER_CTX *gcm_new(struct bytes key, bool seals)
{
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    if (ctx != NULL && EVP_CipherInit_ex2(ctx, gcm_of(key), key.p, NULL, seals ? 1 : 0, NULL) == 1) {
        return ctx;
    }
    EVP_CIPHER_CTX_free(ctx);
    return NULL;
}

static err_t aead_seal(struct bytes key, struct bytes nonce, struct bytes aad, struct bytes plain, struct writer *out)
{
    TRY(aead_check(key, nonce, aad, plain));
    SCOPED(cipher_free) EVP_CIPHER_CTX *ctx = gcm_new(key, true);
    return ctx == NULL ? ERR_CRYPTO : seal_in(ctx, nonce, aad, plain, out);
}

static err_t aead_open(struct bytes key, struct bytes nonce, struct bytes aad, struct bytes sealed, struct writer *out)
{
    TRY(aead_check(key, nonce, aad, sealed));
    SCOPED(cipher_free) EVP_CIPHER_CTX *ctx = gcm_new(key, false);
    return ctx == NULL ? ERR_CRYPTO_UNSEAL : open_in(ctx, nonce, aad, sealed, out);
}

/* -- a key that stays: its schedule and its table of GCM are made once ---------------------------------------------- */
struct crypto_aead {
    struct secret key;   /* for whoever finds the contexts in use */
    atomic_bool busy;
    EVP_CIPHER_CTX *seals, *opens;
};

static void aead_drop(struct crypto_aead *k)
{
    if (k != NULL) {
        EVP_CIPHER_CTX_free(k->seals); /* wipes it */
        EVP_CIPHER_CTX_free(k->opens);
        ct_wipe(k, sizeof(*k));
        free(k);
    }
}

static err_t aead_keep(struct bytes key, struct crypto_aead **out)
{
    *out = NULL;
    if (key.n != CRYPTO_KEY_LEN) {
        return ERR_MALFORMED_KEY;
    }
    struct crypto_aead *k = calloc(1, sizeof(*k));
    if (k == NULL) {
        return ERR_LIMIT_CAPACITY;
    }
    k->seals = gcm_new(key, true);
    k->opens = gcm_new(key, false);
    if (k->seals == NULL || k->opens == NULL || secret_set(&k->key, key) != ERR_OK) {
        aead_drop(k);
        return ERR_CRYPTO;
    }
    *out = k;
    return ERR_OK;
}

static err_t aead_kept_seal(struct crypto_aead *k, struct bytes nonce, struct bytes aad, struct bytes plain, struct writer *out)
{
    TRY(aead_check(secret_view(&k->key), nonce, aad, plain));
    return is_free(&k->busy) ? leave(&k->busy, seal_in(k->seals, nonce, aad, plain, out)) : aead_seal(secret_view(&k->key), nonce, aad, plain, out);
}

static err_t aead_kept_open(struct crypto_aead *k, struct bytes nonce, struct bytes aad, struct bytes sealed, struct writer *out)
{
    TRY(aead_check(secret_view(&k->key), nonce, aad, sealed));
    return is_free(&k->busy) ? leave(&k->busy, open_in(k->opens, nonce, aad, sealed, out)) : aead_open(secret_view(&k->key), nonce, aad, sealed, out);
}

static err_t seed_key(struct bytes seed, EVP_PKEY **out)
{
    if (seed.n != CRYPTO_SIG_KEY_LEN) {
        return ERR_MALFORMED_KEY;
    }
    *out = EVP_PKEY_new_raw_private_key_ex(NULL, "ED25519", NULL, seed.p, seed.n);
    return *out == NULL ? ERR_CRYPTO : ERR_OK;
}

static err_t sign(struct bytes seed, struct bytes msg, uint8_t sig[CRYPTO_SIG_LEN])
{
    SCOPED(pkey_free) EVP_PKEY *key = NULL;
    TRY(seed_key(seed, &key));
    SCOPED(md_free) EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    if (ctx == NULL) {
        return ERR_CRYPTO;
    }
    size_t n = CRYPTO_SIG_LEN;
    TRY(ok(EVP_DigestSignInit_ex(ctx, NULL, NULL, NULL, NULL, key, NULL)));
    return ok(EVP_DigestSign(ctx, sig, &n, msg.p, msg.n));
}

static err_t sign_public(struct bytes seed, uint8_t pub[CRYPTO_SIG_KEY_LEN])
{
    SCOPED(pkey_free) EVP_PKEY *key = NULL;
    TRY(seed_key(seed, &key));
    size_t n = CRYPTO_SIG_KEY_LEN;
    return ok(EVP_PKEY_get_raw_public_key(key, pub, &n));
}

static err_t verify(struct bytes pub, struct bytes msg, struct bytes sig)
{
    if (pub.n != CRYPTO_SIG_KEY_LEN || sig.n != CRYPTO_SIG_LEN) {
        return ERR_CRYPTO;
    }
    SCOPED(pkey_free) EVP_PKEY *key = EVP_PKEY_new_raw_public_key_ex(NULL, "ED25519", NULL, pub.p, pub.n);
    SCOPED(md_free) EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    if (key == NULL || ctx == NULL) {
        return ERR_CRYPTO;
    }
    TRY(ok(EVP_DigestVerifyInit_ex(ctx, NULL, NULL, NULL, NULL, key, NULL)));
    return ok(EVP_DigestVerify(ctx, sig.p, sig.n, msg.p, msg.n));
}

static bool is_ascii(struct text t)
{
    unsigned char seen = 0;
    for (size_t i = 0; i < t.n; i++) {
        seen |= (unsigned char)t.p[i];
    }
    return seen < 0x80;
}

static err_t nfkc(struct text in, struct writer *out)
{
    if (is_ascii(in)) { /* ASCII is its own NFKC form: nearly every identifier */
        writer_text(out, in);
        return writer_finish(out);
    }
    const uint8_t *utf8 = text_bytes(in).p;
    if (u8_check(utf8, in.n) != NULL) {
        return ERR_MALFORMED_ID;
    }
    size_t n = 0;
    uint8_t *normal = u8_normalize(UNINORM_NFKC, utf8, in.n, NULL, &n);
    if (normal == NULL) {
        return ERR_CRYPTO;
    }
    writer_bytes(out, bytes_of(normal, n));
    free(normal);
    return writer_finish(out);
}

const struct crypto *crypto_openssl(void)
{
    static const struct crypto provider = {
        .sha256 = sha256,
        .hmac_sha256 = hmac_sha256,
        .aead_seal = aead_seal,
        .aead_open = aead_open,
        .aead_keep = aead_keep,
        .aead_drop = aead_drop,
        .aead_kept_seal = aead_kept_seal,
        .aead_kept_open = aead_kept_open,
        .aes_keep = aes_keep,
        .aes_drop = aes_drop,
        .aes_blocks = aes_blocks,
        .hash = hash,
        .hmac_md5 = hmac_md5,
        .random = crypto_random_octets,
        .sign = sign,
        .sign_public = sign_public,
        .verify = verify,
        .nfkc = nfkc,
    };
    (void)pthread_once(&fetch_once, fetch);
    return &provider;
}
