/*
 * Bootstrapping Server Function of GBA [TS 33.220 4.4, TS-0003 8.3.3.1]: shares Ks with each device that has a SIM, by Ub, and
 * gives keys derived from it to network application functions. It performs the role of the MEF, in one program with it
 * or alone (R000-26, R001-19, R001-116); the keys of a SIM are what both sides authenticate with (R000-27, R001-20).
 */
#ifndef KEYSTEAD_ROLE_BSF_BSF_H
#define KEYSTEAD_ROLE_BSF_BSF_H

#include "role/role.h"

extern const struct role role_bsf;

#endif
