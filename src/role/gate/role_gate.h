/* The gate in front of another CSE: associations, From and access control here, resources there. */
#ifndef KEYSTEAD_ROLE_GATE_ROLE_GATE_H
#define KEYSTEAD_ROLE_GATE_ROLE_GATE_H

#include "role/role.h"

extern const struct role role_gate;

#endif
