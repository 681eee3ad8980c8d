/* Operator commands on clients, registrations and keys, the same at the MAF and the MEF. None of them can print a key. */
#ifndef KEYSTEAD_ROLE_REG_REG_CTL_H
#define KEYSTEAD_ROLE_REG_REG_CTL_H

#include "role/ctl_list.h"
#include "role/reg/reg.h"

enum { REG_CTL_ALLOW_N = 2, REG_CTL_ONE_N = 1, REG_CTL_CONFIGURE_N = 2 };
extern const struct ctl_arg reg_ctl_allow_args[REG_CTL_ALLOW_N], reg_ctl_allow_remove_args[REG_CTL_ONE_N];
extern const struct ctl_arg reg_ctl_ri_args[REG_CTL_ONE_N], reg_ctl_key_args[REG_CTL_ONE_N];
extern const struct ctl_arg reg_ctl_configure_args[REG_CTL_CONFIGURE_N];

/* reg_ctl_allow.c */
ctl_handler reg_ctl_allow_add, reg_ctl_allow_list, reg_ctl_allow_remove;
/* reg_ctl.c */
ctl_handler reg_ctl_client_list, reg_ctl_client_configure, reg_ctl_client_remove;
ctl_handler reg_ctl_key_list, reg_ctl_key_remove;

#define REG_CTL_ROWS                                                                                                   \
    {"client", "allow", reg_ctl_allow_args, REG_CTL_ALLOW_N, true, reg_ctl_allow_add,                                  \
     "let a client register keys, for these targets; adds to what it may already"},                                    \
        {"client", "list", ctl_list_args, CTL_LIST_ARGS_N, false, reg_ctl_allow_list,                                  \
         "who may register keys, for whom"},                                                                           \
        {"client", "remove", reg_ctl_allow_remove_args, REG_CTL_ONE_N, true, reg_ctl_allow_remove,                         \
         "take back all that client allow gave to a client"},                                                          \
        {"registration", "list", ctl_list_args, CTL_LIST_ARGS_N, false, reg_ctl_client_list, "client registrations"},  \
        {"registration", "configure", reg_ctl_configure_args, REG_CTL_CONFIGURE_N, true, reg_ctl_client_configure,     \
         "set what the client of a registration gets as its configuration"},                                           \
        {"registration", "remove", reg_ctl_ri_args, REG_CTL_ONE_N, true, reg_ctl_client_remove,                        \
         "end a client registration, with the keys registered under it"},                                              \
        {"key", "list", ctl_list_args, CTL_LIST_ARGS_N, false, reg_ctl_key_list,                                       \
         "registered keys, without their values"},                                                                     \
    {                                                                                                                  \
        "key", "remove", reg_ctl_key_args, REG_CTL_ONE_N, true, reg_ctl_key_remove,                                    \
            "end a key registration: no target gets the key any more"                                                  \
    }

#endif
