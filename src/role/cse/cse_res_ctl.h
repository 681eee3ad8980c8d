/* Operator commands on resources of any type, and on access control policies: resource and acp, each list | show | remove. */
#ifndef KEYSTEAD_ROLE_CSE_CSE_RES_CTL_H
#define KEYSTEAD_ROLE_CSE_CSE_RES_CTL_H

#include "role/ctl_list.h"

enum { CSE_RES_CTL_ONE_N = 1, CSE_RES_CTL_BELOW_N = 2 };
extern const struct ctl_arg cse_res_ctl_one[CSE_RES_CTL_ONE_N];
extern const struct ctl_arg cse_res_ctl_below[CSE_RES_CTL_BELOW_N];

ctl_handler cse_res_ctl_list, cse_res_ctl_show, cse_res_ctl_remove;
ctl_handler cse_res_ctl_acp_list, cse_res_ctl_acp_show, cse_res_ctl_acp_remove;

enum { CSE_RES_CTL_ROWS_N = 6 };
#define CSE_RES_CTL_ROWS                                                                                               \
    {"resource", "list", cse_res_ctl_below, CSE_RES_CTL_BELOW_N, false, cse_res_ctl_list,                              \
     "what stands directly below a resource"},                                                                         \
        {"resource", "show", cse_res_ctl_one, CSE_RES_CTL_ONE_N, false, cse_res_ctl_show,                              \
         "one resource: whose it is, since and until when, its attributes; never the content of an instance"},         \
        {"resource", "remove", cse_res_ctl_one, CSE_RES_CTL_ONE_N, true, cse_res_ctl_remove,                           \
         "deletes a resource with all below it, whatever its policies say"},                                           \
        {"acp", "list", ctl_list_args, CTL_LIST_ARGS_N, false, cse_res_ctl_acp_list,                                   \
         "all access control policies that are in force"},                                                             \
        {"acp", "show", cse_res_ctl_one, CSE_RES_CTL_ONE_N, false, cse_res_ctl_acp_show,                               \
         "one access control policy with its rules"},                                                                  \
    {                                                                                                                  \
        "acp", "remove", cse_res_ctl_one, CSE_RES_CTL_ONE_N, true, cse_res_ctl_acp_remove,                             \
            "deletes an access control policy: from now on it grants nothing"                                          \
    }

#endif
