/* Operator commands of the CSE: credential add | list | show | revoke (kind kpsa; fetched kc are listed too), and those of
 * service subscriptions (cse_sub_ctl.h) and of subscriptions to events (cse_notify_ctl.h), and of any resource
 * (cse_res_ctl.h). */
#ifndef KEYSTEAD_ROLE_CSE_CSE_CTL_H
#define KEYSTEAD_ROLE_CSE_CSE_CTL_H

#include "role/role.h"

enum { CSE_CTL_ROWS_N = 34, CSE_CTL_CREDENTIAL_N = 6 }; /* those of credentials come first */
extern const struct ctl_row cse_ctl_rows[CSE_CTL_ROWS_N];

#endif
