/* Keccak-f[1600] (FIPS 202 3.3), the bare permutation that TUAK is made of: the library offers SHA-3 only. Constant time. */
#ifndef KEYSTEAD_AKA_KECCAK_H
#define KEYSTEAD_AKA_KECCAK_H

#include "base/bytes.h"

#define KECCAK_LEN 200

/* In place; lanes little-endian, lane (x, y) at octet 8 (x + 5 y). */
void keccak_f1600(uint8_t state[KECCAK_LEN]);

#endif
