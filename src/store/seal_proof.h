/*
 * A sealed record that every store has: it opens under the root secret of this store and under no other. With the wrong
 * root secret a server would start, refuse every key it holds and seal new ones that the right secret does not open.
 */
#ifndef KEYSTEAD_STORE_SEAL_PROOF_H
#define KEYSTEAD_STORE_SEAL_PROOF_H

#include "store/seal.h"

/* Inside an open write transaction of `st`: makes the record in a store that has none. ERR_CRYPTO_UNSEAL. */
MUST_USE err_t seal_proof_check(const struct sealer *s, struct store *st, struct arena *a);

#endif
