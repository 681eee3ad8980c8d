/* Milenage [TS 35.206] over AES-128. Called through aka.h. */
#ifndef KEYSTEAD_AKA_MILENAGE_H
#define KEYSTEAD_AKA_MILENAGE_H

#include "aka/aka.h"

MUST_USE err_t milenage_opc(const struct crypto *c, const struct key_k *k, const struct key_op *op, struct key_opc *out);
MUST_USE err_t milenage_f1(const struct crypto *c, const struct aka_keys *k, const struct aka_f1_input *in,
                           struct aka_mac *out);
MUST_USE err_t milenage_f2345(const struct crypto *c, const struct aka_keys *k, const struct aka_rand *rand,
                              struct aka_output *out);
MUST_USE err_t milenage_f12345(const struct crypto *c, const struct aka_keys *k, const struct aka_f1_input *in,
                               struct aka_mac *mac, struct aka_output *out);
MUST_USE err_t milenage_f5_star(const struct crypto *c, const struct aka_keys *k, const struct aka_rand *rand,
                                struct key_ak *out);

#endif
