/* What Digest AKA carries in nonce and auts [RFC 3310 3.2, 3.4]: base64 of octets, nothing more. Not secret. */
#ifndef KEYSTEAD_WIRE_AKA_NONCE_H
#define KEYSTEAD_WIRE_AKA_NONCE_H

#include "base/base64.h"

#define AKA_NONCE_PART 16 /* RAND, AUTN */
#define AKA_NONCE_DATA_MAX 64
#define AKA_NONCE_AUTS 14
#define AKA_NONCE_TEXT_MAX BASE64_LEN(2 * AKA_NONCE_PART + AKA_NONCE_DATA_MAX)

struct aka_nonce {
    uint8_t rand[AKA_NONCE_PART];
    uint8_t autn[AKA_NONCE_PART];
    uint8_t data[AKA_NONCE_DATA_MAX]; /* the server's own, or nothing */
    size_t data_n;
};
MUST_USE err_t aka_nonce_write(const struct aka_nonce *n, struct writer *w);
MUST_USE err_t aka_nonce_parse(struct text t, struct aka_nonce *out); /* ERR_MALFORMED_NONCE */

MUST_USE err_t aka_nonce_write_auts(const uint8_t auts[AKA_NONCE_AUTS], struct writer *w);
MUST_USE err_t aka_nonce_parse_auts(struct text t, uint8_t auts[AKA_NONCE_AUTS]); /* ERR_MALFORMED_NONCE */

#endif
