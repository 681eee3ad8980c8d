/* Operator commands: what this CSE announces elsewhere. */
#ifndef KEYSTEAD_ROLE_CSE_CSE_ANNOUNCE_CTL_H
#define KEYSTEAD_ROLE_CSE_CSE_ANNOUNCE_CTL_H

#include "role/ctl_list.h"

ctl_handler cse_announce_ctl_list;
#define CSE_ANNOUNCE_CTL_ROWS                                                                                          \
    {"announcement", "list", ctl_list_args, CTL_LIST_ARGS_N, false, cse_announce_ctl_list,                             \
     "what this CSE announces at others, and how that stands"}

#endif
