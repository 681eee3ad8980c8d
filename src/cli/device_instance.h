/*
 * An AE behind a CSE (R004-13): its local CSE derives the application key when the AE is instantiated, and keeps a state for it
 * beside its own, in which that key stands where the CSE has Km or Kpsa. Everything else of `keystead device` runs on it.
 */
#ifndef KEYSTEAD_CLI_DEVICE_INSTANCE_H
#define KEYSTEAD_CLI_DEVICE_INSTANCE_H

#include "cli/device_work.h"

enum { DEVICE_INSTANCE_OPTS_N = 10, DEVICE_INSTANCE_PATH_MAX = 512 };
extern const struct cli_opt device_instance_opts[DEVICE_INSTANCE_OPTS_N];
int device_instance(const struct cli_args *a);

/* Where the state of this AE is: DIR/ae+SP+CSE+STEM. ERR_LIMIT_SIZE. */
MUST_USE err_t device_instance_path(const char *dir, const char *ae_id, char out[static DEVICE_INSTANCE_PATH_MAX]);

/* The state of the local CSE as it is now: ERR_DENIED_UNPROVISIONED if it has no key of a bootstrap, ERR_DENIED_EXPIRED. The caller closes
 * and wipes both, whatever comes back. */
MUST_USE err_t device_instance_local(const struct cli_args *a, struct device_dir *dir, struct device_state *s,
                                     char detail[static ROLE_DETAIL_MAX]);

#endif
