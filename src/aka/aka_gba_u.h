/*
 * What makes a vector one of GBA_U [TS 33.220 5.3.2], so that no ME which knows GBA_ME only can use it: MAC* = MAC ^ first 64
 * bits of SHA-1(IK), and the last bit of RES turned. BSF and card do the same.
 */
#ifndef KEYSTEAD_AKA_AKA_GBA_U_H
#define KEYSTEAD_AKA_AKA_GBA_U_H

#include "aka/aka_auc.h"

/* AUTN to AUTN* or back. */
MUST_USE err_t aka_gba_u_autn(const struct crypto *c, const struct key_ik *ik, struct aka_autn *autn);
void aka_gba_u_res(struct key_res *res);
/* Both, for the BSF: what it challenges with and expects. All or nothing. */
MUST_USE err_t aka_gba_u_vector(const struct crypto *c, struct aka_vector *v);

#endif
