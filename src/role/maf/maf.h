/*
 * M2M Authentication Function [TS-0003 8.8]: shares a Master Credential with each client (pre-provisioned, or fetched from
 * the client's MEF in the middle of the first handshake), registers connection keys and hands them to their targets.
 */
#ifndef KEYSTEAD_ROLE_MAF_MAF_H
#define KEYSTEAD_ROLE_MAF_MAF_H

#include "role/role.h"

extern const struct role role_maf;

#endif
