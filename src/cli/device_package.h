/*
 * Provisioning packages (R000-18): `keystead device package` makes one where the keys are, `keystead device provision` takes it in where they are
 * needed. The contents are role/device/device_package.h, the envelope an ESData object under a key that both ends hold.
 */
#ifndef KEYSTEAD_CLI_DEVICE_PACKAGE_H
#define KEYSTEAD_CLI_DEVICE_PACKAGE_H

#include "cli/cli.h"
#include "cli/object_file.h"

enum { DEVICE_PACKAGE_OPTS_N = 5, DEVICE_PROVISION_OPTS_N = 6 };
extern const struct cli_opt device_package_opts[DEVICE_PACKAGE_OPTS_N], device_provision_opts[DEVICE_PROVISION_OPTS_N];
int device_package_make(const struct cli_args *a);
int device_provision(const struct cli_args *a);

/* Is the SIM in software in it one, if there is one? ERR_SIM_FILE and what else is wrong with a line; the detail names it. */
struct device_package;
MUST_USE err_t device_package_card(const struct device_package *p, char *detail);

/* The key of a package: 32 octets in hex, of a file; a public key would prove nobody. ERR_USAGE, ERR_MALFORMED_KEY. */
MUST_USE err_t device_package_key(const char *spec, struct object_file_key *out);

#endif
