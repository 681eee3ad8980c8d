/* TUAK [TS 35.231] over Keccak-f[1600]. Called through aka.h; lengths were checked there. */
#ifndef KEYSTEAD_AKA_TUAK_H
#define KEYSTEAD_AKA_TUAK_H

#include "aka/aka.h"

#define TUAK_TOP_LEN 32

MUST_USE err_t tuak_topc(const struct aka_keys *k, const struct key_op *top, struct key_opc *out);
MUST_USE err_t tuak_f1(const struct aka_keys *k, const struct aka_f1_input *in, struct aka_mac *out);
MUST_USE err_t tuak_f2345(const struct aka_keys *k, const struct aka_rand *rand, struct aka_output *out);
MUST_USE err_t tuak_f5_star(const struct aka_keys *k, const struct aka_rand *rand, struct key_ak *out);

#endif
