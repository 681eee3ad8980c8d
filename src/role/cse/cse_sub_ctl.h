/*
 * Operator commands on service subscriptions: subscription, node and rule, each add | set | list | remove. They write the
 * same resources as the administrator's AE does by requests; a row in cse_sub_ctl.c says which option is which attribute.
 * And on registrations, list | show | remove: those are made by AEs and CSEs alone.
 */
#ifndef KEYSTEAD_ROLE_CSE_CSE_SUB_CTL_H
#define KEYSTEAD_ROLE_CSE_CSE_SUB_CTL_H

#include "role/ctl_list.h"

enum { CSE_SUB_CTL_SUBSCRIPTION_N = 3, CSE_SUB_CTL_NODE_N = 6, CSE_SUB_CTL_NODE_SET_N = 4, CSE_SUB_CTL_RULE_N = 4,
       CSE_SUB_CTL_ONE_N = 1, CSE_SUB_CTL_NODE_ONE_N = 2, CSE_SUB_CTL_NODES_N = 2, CSE_SUB_CTL_REGISTRATION_N = 1 };
extern const struct ctl_arg cse_sub_ctl_subscription[CSE_SUB_CTL_SUBSCRIPTION_N];
extern const struct ctl_arg cse_sub_ctl_node[CSE_SUB_CTL_NODE_N];
extern const struct ctl_arg cse_sub_ctl_node_set[CSE_SUB_CTL_NODE_SET_N];
extern const struct ctl_arg cse_sub_ctl_rule[CSE_SUB_CTL_RULE_N];
extern const struct ctl_arg cse_sub_ctl_one[CSE_SUB_CTL_ONE_N];
extern const struct ctl_arg cse_sub_ctl_node_one[CSE_SUB_CTL_NODE_ONE_N];
extern const struct ctl_arg cse_sub_ctl_nodes[CSE_SUB_CTL_NODES_N];
extern const struct ctl_arg cse_sub_ctl_registration[CSE_SUB_CTL_REGISTRATION_N];

ctl_handler cse_sub_ctl_subscription_add, cse_sub_ctl_subscription_set, cse_sub_ctl_subscription_list,
    cse_sub_ctl_subscription_remove;
ctl_handler cse_sub_ctl_node_add, cse_sub_ctl_node_change, cse_sub_ctl_node_list, cse_sub_ctl_node_remove;
ctl_handler cse_sub_ctl_rule_add, cse_sub_ctl_rule_set, cse_sub_ctl_rule_list, cse_sub_ctl_rule_remove;
ctl_handler cse_sub_ctl_registration_list, cse_sub_ctl_registration_show, cse_sub_ctl_registration_remove;

#define CSE_SUB_CTL_ROWS                                                                                               \
    {"subscription", "add", cse_sub_ctl_subscription, CSE_SUB_CTL_SUBSCRIPTION_N, true, cse_sub_ctl_subscription_add,  \
     "opens a service subscription; NAME is its M2M-Sub-ID"},                                                          \
        {"subscription", "set", cse_sub_ctl_subscription, CSE_SUB_CTL_SUBSCRIPTION_N, true,                            \
         cse_sub_ctl_subscription_set, "changes its services, or gives the contract a new end, counted from now"},     \
        {"subscription", "list", ctl_list_args, CTL_LIST_ARGS_N, false, cse_sub_ctl_subscription_list,                 \
         "all service subscriptions"},                                                                                 \
        {"subscription", "remove", cse_sub_ctl_one, CSE_SUB_CTL_ONE_N, true, cse_sub_ctl_subscription_remove,          \
         "ends a service subscription with all its nodes, at once"},                                                   \
        {"node", "add", cse_sub_ctl_node, CSE_SUB_CTL_NODE_N, true, cse_sub_ctl_node_add,                              \
         "enrols a node under a service subscription"},                                                                \
        {"node", "set", cse_sub_ctl_node_set, CSE_SUB_CTL_NODE_SET_N, true, cse_sub_ctl_node_change,                   \
         "changes the application rules of a node"},                                                                   \
        {"node", "list", cse_sub_ctl_nodes, CSE_SUB_CTL_NODES_N, false, cse_sub_ctl_node_list,                         \
         "the nodes of a service subscription"},                                                                       \
        {"node", "remove", cse_sub_ctl_node_one, CSE_SUB_CTL_NODE_ONE_N, true, cse_sub_ctl_node_remove,                \
         "ends the enrolment of a node; its applications are refused at once"},                                        \
        {"rule", "add", cse_sub_ctl_rule, CSE_SUB_CTL_RULE_N, true, cse_sub_ctl_rule_add,                              \
         "makes an application rule: these credentials may be used by these applications as these AEs"},               \
        {"rule", "set", cse_sub_ctl_rule, CSE_SUB_CTL_RULE_N, true, cse_sub_ctl_rule_set,                              \
         "replaces lists of an application rule, for all instances of the applications at once"},                      \
        {"registration", "list", ctl_list_args, CTL_LIST_ARGS_N, false, cse_sub_ctl_registration_list,                 \
         "AEs and CSEs that are registered here"},                                                                     \
        {"registration", "show", cse_sub_ctl_registration, CSE_SUB_CTL_REGISTRATION_N, false,                          \
         cse_sub_ctl_registration_show, "one registration"},                                                           \
        {"registration", "remove", cse_sub_ctl_registration, CSE_SUB_CTL_REGISTRATION_N, true,                         \
         cse_sub_ctl_registration_remove, "ends a registration with all below it; its AE or CSE is refused at once"},  \
        {"rule", "list", ctl_list_args, CTL_LIST_ARGS_N, false, cse_sub_ctl_rule_list, "all application rules"},       \
    {                                                                                                                  \
        "rule", "remove", cse_sub_ctl_one, CSE_SUB_CTL_ONE_N, true, cse_sub_ctl_rule_remove,                           \
            "takes an application rule away; who was admitted by it alone is refused at once"                          \
    }

#endif
