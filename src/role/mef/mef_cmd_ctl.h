/* Operator commands on MEF client commands, as rows for mef.c. */
#ifndef KEYSTEAD_ROLE_MEF_MEF_CMD_CTL_H
#define KEYSTEAD_ROLE_MEF_MEF_CMD_CTL_H

#include "role/mef/mef_ctx.h"

enum { MEF_CMD_CTL_ADD_N = 4, MEF_CMD_CTL_LIST_N = 2, MEF_CMD_CTL_ONE_N = 2 };
extern const struct ctl_arg mef_cmd_ctl_add_args[MEF_CMD_CTL_ADD_N], mef_cmd_ctl_list_args[MEF_CMD_CTL_LIST_N];
extern const struct ctl_arg mef_cmd_ctl_one_args[MEF_CMD_CTL_ONE_N];
ctl_handler mef_cmd_ctl_add, mef_cmd_ctl_list, mef_cmd_ctl_show, mef_cmd_ctl_cancel;

#define MEF_CMD_CTL_ROWS                                                                                               \
    {"command", "add", mef_cmd_ctl_add_args, MEF_CMD_CTL_ADD_N, true, mef_cmd_ctl_add,                                 \
     "give a client a command, to be done after those it has already"},                                                \
        {"command", "list", mef_cmd_ctl_list_args, MEF_CMD_CTL_LIST_N, false, mef_cmd_ctl_list,                        \
         "commands of clients, oldest first, and what came of them"},                                                  \
        {"command", "show", mef_cmd_ctl_one_args, MEF_CMD_CTL_ONE_N, false, mef_cmd_ctl_show, "one command"},          \
    {                                                                                                                  \
        "command", "cancel", mef_cmd_ctl_one_args, MEF_CMD_CTL_ONE_N, true, mef_cmd_ctl_cancel,                        \
            "take a command back that is not yet done"                                                                 \
    }

#endif
