/*
 * Sealing of secret fields: AES-256-GCM under a root secret that lives outside the store, with
 * the table, the partition and the record id as associated data, so that a sealed field cannot be moved to another
 * record or another instance. Sealed form: version(1) nonce(12) ciphertext tag(16).
 */
#ifndef KEYSTEAD_STORE_SEAL_H
#define KEYSTEAD_STORE_SEAL_H

#include "crypto/crypto.h"
#include "store/store.h"

#define SEAL_OVERHEAD (1 + CRYPTO_NONCE_LEN + CRYPTO_TAG_LEN)
#define SEAL_MAX (SECRET_MAX + SEAL_OVERHEAD)

struct sealer {
    const struct crypto *crypto;
    struct secret root; /* 32 octets */
    struct crypto_aead *kept; /* of the root, borrowed; NULL: it is made ready for each field anew */
    struct text partition; /* borrowed; whose records these are (partition.h) */
};

/* Appends a block16 with the sealed form. */
MUST_USE err_t seal_write(const struct sealer *s, enum store_table t, struct text id, const struct secret *in,
                          struct writer *w);
/* `sealed` is the content of that block16. ERR_CRYPTO_UNSEAL. */
MUST_USE err_t seal_open(const struct sealer *s, enum store_table t, struct text id, struct bytes sealed,
                         struct secret *out);
/*
 * A value that only this authority can make, and makes again in any of its processes: HMAC-SHA-256 under the root secret
 * over a label and data.
 */
MUST_USE err_t seal_mac(const struct sealer *s, const char *label, struct text data, uint8_t out[CRYPTO_HASH_LEN]);
/* Makes the root ready once; whoever calls this drops it with seal_drop(), before seal_wipe() and after all copies. */
MUST_USE err_t seal_keep(struct sealer *s);
void seal_drop(struct sealer *s);
void seal_wipe(struct sealer *s);

#endif
