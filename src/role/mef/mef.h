/*
 * M2M Enrolment Function, pre-provisioned symmetric key framework [TS-0003 8.3.2.1]: an Enrolee that finishes a TLS-PSK
 * handshake with its Kpm is enrolled (Ke, KeId by TLS export); the Enrolment Target, and nobody else, fetches
 * what is derived from Ke at /fetchCredentials. Ke itself never leaves (R001-54). Remote provisioning goes through the MEF
 * alone (R000-21, R000-55, R001-06, R002-51); it shares no store and no secret with a MAF, which may be another operator's (R000-22).
 */
#ifndef KEYSTEAD_ROLE_MEF_MEF_H
#define KEYSTEAD_ROLE_MEF_MEF_H

#include "role/role.h"

extern const struct role role_mef;

#endif
