/* An identifier as it enters a derivation: N(x) of TS-0003 10.3.2, checked and in a buffer of its own. */
#ifndef KEYSTEAD_KEYS_KEYS_ID_H
#define KEYSTEAD_KEYS_KEYS_ID_H

#include "keys/keys.h"

#define KEYS_ID_MAX 255     /* octets given */
#define KEYS_ID_NFKC_MAX 512 /* octets after normalisation, which may lengthen */

struct keys_id {
    char b[KEYS_ID_NFKC_MAX];
    size_t n;
};

/* ERR_MALFORMED_ID: empty, not UTF-8, or with a white space or control octet after normalisation.
 * ERR_LIMIT_SIZE: beyond KEYS_ID_MAX, or KEYS_ID_NFKC_MAX after normalisation. */
MUST_USE err_t keys_id_normalise(const struct crypto *c, struct text id, struct keys_id *out);
struct text keys_id_view(const struct keys_id *id);

/* HMAC(Ke, label || middle || N(id)): the shape of 10.3.2, 10.3.3 and 10.3.7. ERR_MALFORMED_KEY unless ke has 32 octets. */
MUST_USE err_t keys_id_derive(const struct crypto *c, const struct key_ke *ke, const char *label, struct bytes middle,
                              const struct keys_id *id, struct secret *out);

#endif
