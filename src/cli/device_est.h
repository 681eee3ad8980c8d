/* `keystead device certificate` and `keystead device renew`: a certificate from the MEF by EST, and the next one. */
#ifndef KEYSTEAD_CLI_DEVICE_EST_H
#define KEYSTEAD_CLI_DEVICE_EST_H

#include "cli/device_work.h"

enum { DEVICE_EST_CERTIFICATE_OPTS_N = 7, DEVICE_EST_RENEW_OPTS_N = 8 };
extern const struct cli_opt device_est_certificate_opts[DEVICE_EST_CERTIFICATE_OPTS_N];
extern const struct cli_opt device_est_renew_opts[DEVICE_EST_RENEW_OPTS_N];

int device_est_certificate(const struct cli_args *a);
int device_est_renew(const struct cli_args *a);

/* For a certificate whose key is est.key: when it is to be renewed, and its end; both stay as they are if there is none. */
void device_est_due(const struct device_dir *dir, usec_t *at, usec_t *end);
/* Renews it, with the state open, until w->run.until or by --timeout. */
MUST_USE err_t device_est_again(struct device_work *w);

#endif
