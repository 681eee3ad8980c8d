/*
 * M2M Authentication Function [TS-0003 8.8]: shares a Master Credential with each client (pre-provisioned, or fetched from
 * the client's MEF in the middle of the first handshake), registers connection keys and hands them to their targets. It assesses
 * every entity that comes to it (R004-09) on behalf of the registrar (R000-44), and may be the M2M-SP's own or a third party's:
 * all it knows of others is its configuration (R000-68, R000-69).
 */
#ifndef KEYSTEAD_ROLE_MAF_MAF_H
#define KEYSTEAD_ROLE_MAF_MAF_H

#include "role/role.h"

extern const struct role role_maf;

#endif
