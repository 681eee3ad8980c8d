/* Operator commands on subscriptions to events: notification list | show | remove. (`subscription` is the service subscription.) */
#ifndef KEYSTEAD_ROLE_CSE_CSE_NOTIFY_CTL_H
#define KEYSTEAD_ROLE_CSE_CSE_NOTIFY_CTL_H

#include "role/ctl_list.h"

enum { CSE_NOTIFY_CTL_ONE_N = 1 };
extern const struct ctl_arg cse_notify_ctl_one[CSE_NOTIFY_CTL_ONE_N];

ctl_handler cse_notify_ctl_list, cse_notify_ctl_show, cse_notify_ctl_remove;

enum { CSE_NOTIFY_CTL_ROWS_N = 3 };
#define CSE_NOTIFY_CTL_ROWS                                                                                            \
    {"notification", "list", ctl_list_args, CTL_LIST_ARGS_N, false, cse_notify_ctl_list,                               \
     "all subscriptions to events of resources"},                                                                      \
        {"notification", "show", cse_notify_ctl_one, CSE_NOTIFY_CTL_ONE_N, false, cse_notify_ctl_show,                 \
         "one of them, and what waits for each of its targets"},                                                       \
    {                                                                                                                  \
        "notification", "remove", cse_notify_ctl_one, CSE_NOTIFY_CTL_ONE_N, true, cse_notify_ctl_remove,               \
            "ends one of them; what still waits is not told"                                                           \
    }

#endif
