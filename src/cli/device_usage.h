/* The verbs of `keystead device` about usage-constrained keys at a MAF or MEF, and about the client registration at the MEF. */
#ifndef KEYSTEAD_CLI_DEVICE_USAGE_H
#define KEYSTEAD_CLI_DEVICE_USAGE_H

#include "cli/device_work.h"
#include "role/device/device_renew.h"
#include "role/device/device_use.h"

enum { DEVICE_USAGE_REGISTER_OPTS_N = 10, DEVICE_USAGE_KEY_OPTS_N = 6, DEVICE_USAGE_UPDATE_OPTS_N = 8,
       DEVICE_USAGE_LIST_OPTS_N = 3, DEVICE_USAGE_MEF_OPTS_N = 6, DEVICE_USAGE_MEF_UPDATE_OPTS_N = 8 };
extern const struct cli_opt device_usage_register_opts[DEVICE_USAGE_REGISTER_OPTS_N];
extern const struct cli_opt device_usage_key_opts[DEVICE_USAGE_KEY_OPTS_N];
extern const struct cli_opt device_usage_update_opts[DEVICE_USAGE_UPDATE_OPTS_N];
extern const struct cli_opt device_usage_list_opts[DEVICE_USAGE_LIST_OPTS_N];
extern const struct cli_opt device_usage_mef_opts[DEVICE_USAGE_MEF_OPTS_N];
extern const struct cli_opt device_usage_mef_update_opts[DEVICE_USAGE_MEF_UPDATE_OPTS_N];

device_work_body device_usage_register, device_usage_retrieve, device_usage_change, device_usage_list, device_usage_mef;

/* Registers a key where its SUID belongs, and keeps it. */
MUST_USE err_t device_usage_make(struct device_work *w, const struct device_use *u, struct device_keyring_key *out);

/* Those of the ring whose authority is one of this state: when the first is to be renewed; and the renewal of all that are due.
 * An own key is prolonged by as long again, a retrieved one is retrieved again. *any: one has got more time. */
struct device_due device_usage_due(const struct device_work *w);
MUST_USE err_t device_usage_again(struct device_work *w, bool *any);

/* Asks the MEF for this client's configuration and puts it into w->state, not on disk; ERR_NOT_FOUND: it has none. */
MUST_USE err_t device_usage_configuration(struct device_work *w, bool *moved);

/* DIR/keys: all usage-constrained keys of the device; none is an empty ring. */
MUST_USE err_t device_usage_load(const struct device_dir *d, struct device_keyring *out);

#endif
