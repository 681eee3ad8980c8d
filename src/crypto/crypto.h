/*
 * The provider interface: everything the core needs from a cryptographic library, and the
 * randomness and Unicode normalisation it must not have of its own. shell/crypto_openssl.c
 * fills it; tests use the same with a settable random. No library symbol is reached below shell/.
 */
#ifndef KEYSTEAD_CRYPTO_CRYPTO_H
#define KEYSTEAD_CRYPTO_CRYPTO_H

#include "base/secret.h"
#include "base/writer.h"

#define CRYPTO_HASH_LEN 32  /* SHA-256 */
#define CRYPTO_KEY_LEN 32   /* AES-256-GCM */
#define CRYPTO_NONCE_LEN 12 /* AES-GCM */
#define CRYPTO_TAG_LEN 16
#define CRYPTO_SIG_LEN 64 /* Ed25519 */
#define CRYPTO_SIG_KEY_LEN 32
#define CRYPTO_BLOCK_LEN 16 /* AES */
#define CRYPTO_MD5_LEN 16
#define CRYPTO_SHA1_LEN 20

/* Hashes that protocols of others still name. MD5 and SHA-1 stand nowhere else than there [RFC 3310, TS 33.220 5.3.2]. */
enum crypto_hash { CRYPTO_MD5, CRYPTO_SHA1, CRYPTO_SHA256, CRYPTO_HASHES };

/*
 * A provider with state of its own, as the caller of the device library hands one in: it gets itself first. Only what
 * derivations need.
 */
struct crypto_port {
    MUST_USE err_t (*hmac_sha256)(const struct crypto_port *p, struct bytes key, const struct bytes *parts,
                                  size_t count, uint8_t out[CRYPTO_HASH_LEN]);
    MUST_USE err_t (*nfkc)(const struct crypto_port *p, struct text in, struct writer *out);
};

struct crypto_aead; /* the provider's own */
struct crypto_aes;

struct crypto {
    MUST_USE err_t (*sha256)(struct bytes in, uint8_t out[CRYPTO_HASH_LEN]);

    /* HMAC-SHA-256 over the parts one after another; the key may have any length up to SECRET_MAX. */
    MUST_USE err_t (*hmac_sha256)(struct bytes key, const struct bytes *parts, size_t count,
                                  uint8_t out[CRYPTO_HASH_LEN]);

    /* AES-GCM with a key of 32 octets, for ESPrim also 16 or 24: appends ciphertext and tag to out; open appends the plaintext or fails with ERR_CRYPTO_UNSEAL. */
    MUST_USE err_t (*aead_seal)(struct bytes key, struct bytes nonce, struct bytes aad, struct bytes plain,
                                struct writer *out);
    MUST_USE err_t (*aead_open)(struct bytes key, struct bytes nonce, struct bytes aad, struct bytes sealed,
                                struct writer *out);

    /* The same with a key of 32 octets that stays as long as its holder: what is made of it stays beside it, and any thread may use it.
     * drop wipes it, and may get NULL. */
    MUST_USE err_t (*aead_keep)(struct bytes key, struct crypto_aead **out);
    void (*aead_drop)(struct crypto_aead *k);
    MUST_USE err_t (*aead_kept_seal)(struct crypto_aead *k, struct bytes nonce, struct bytes aad, struct bytes plain, struct writer *out);
    MUST_USE err_t (*aead_kept_open)(struct crypto_aead *k, struct bytes nonce, struct bytes aad, struct bytes sealed, struct writer *out);

    /* AES-128 of whole blocks, each for itself: the kernel of Milenage [TS 35.206]; in and out do not overlap. To make a key ready costs ten
     * times what a block does, so it is ready for as many calls as there are, of one thread at a time. drop wipes it, and may get NULL. */
    MUST_USE err_t (*aes_keep)(struct bytes key, struct crypto_aes **out);
    void (*aes_drop)(struct crypto_aes *k);
    MUST_USE err_t (*aes_blocks)(struct crypto_aes *k, struct bytes in, uint8_t *out);

    /* One of the hashes over the parts one after another; crypto_hash_len() octets. */
    MUST_USE err_t (*hash)(enum crypto_hash kind, const struct bytes *parts, size_t count, uint8_t out[CRYPTO_HASH_LEN]);

    /* HMAC-MD5, for the password of AKAv2 alone (RFC 4169). */
    MUST_USE err_t (*hmac_md5)(struct bytes key, struct bytes in, uint8_t out[CRYPTO_MD5_LEN]);

    MUST_USE err_t (*random)(uint8_t *out, size_t n);

    /* Ed25519 over a 32-octet private seed (audit checkpoints). verify: ERR_CRYPTO on a wrong signature. */
    MUST_USE err_t (*sign)(struct bytes seed, struct bytes msg, uint8_t sig[CRYPTO_SIG_LEN]);
    MUST_USE err_t (*sign_public)(struct bytes seed, uint8_t pub[CRYPTO_SIG_KEY_LEN]);
    MUST_USE err_t (*verify)(struct bytes pub, struct bytes msg, struct bytes sig);

    /* Unicode NFKC of UTF-8 text, as UTF-8 [TS-0003 10.3.2]; ERR_MALFORMED_ID for invalid UTF-8. */
    MUST_USE err_t (*nfkc)(struct text in, struct writer *out);

    const struct crypto_port *port; /* NULL, or what takes the place of hmac_sha256 and nfkc; then the rest may be NULL */
};

size_t crypto_hash_len(enum crypto_hash kind);

/* The two that derivations call: by the port if there is one. */
MUST_USE err_t crypto_hmac(const struct crypto *c, struct bytes key, const struct bytes *parts, size_t count,
                           uint8_t out[CRYPTO_HASH_LEN]);
MUST_USE err_t crypto_nfkc(const struct crypto *c, struct text in, struct writer *out);

MUST_USE err_t crypto_aes128(const struct crypto *c, struct bytes key, struct bytes in, uint8_t *out); /* of a key that is needed once */

#endif
