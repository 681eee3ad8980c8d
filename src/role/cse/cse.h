/* The IN-CSE as registrar: associations, AE registration, resources and the access decision. */
#ifndef KEYSTEAD_ROLE_CSE_CSE_H
#define KEYSTEAD_ROLE_CSE_CSE_H

#include "role/role.h"

extern const struct role role_cse;

#endif
