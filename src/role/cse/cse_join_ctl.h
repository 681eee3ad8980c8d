/* Operator commands of a field CSE: registrar show | leave | join. What they want is done by the engine, soon after. */
#ifndef KEYSTEAD_ROLE_CSE_CSE_JOIN_CTL_H
#define KEYSTEAD_ROLE_CSE_CSE_JOIN_CTL_H

#include "role/role.h"

ctl_handler cse_join_ctl_show, cse_join_ctl_leave, cse_join_ctl_join;

#define CSE_JOIN_CTL_ROWS                                                                                              \
    {"registrar", "show", NULL, 0, false, cse_join_ctl_show, "where this CSE registers, and how that stands"},         \
        {"registrar", "leave", NULL, 0, true, cse_join_ctl_leave, "ends the registration, at both ends"},              \
        {"registrar", "join", NULL, 0, true, cse_join_ctl_join, "registers again after leave"}

#endif
