/* --certificate, --private-key and --trust: who the device is by a certificate, and whom it believes. */
#ifndef KEYSTEAD_CLI_DEVICE_CERT_OPTS_H
#define KEYSTEAD_CLI_DEVICE_CERT_OPTS_H

#include "cli/device_work.h"

#define DEVICE_CERT_OPTS                                                                                               \
    {"--certificate", 0, "PEM file of the device's own certificate, its chain behind it"},                            \
        {"--private-key", 0, "PEM file of the key of --certificate, mode 0600, or a pkcs11: or tpm2: name; it is not copied"},  \
    {"--trust", 0, "PEM file with the trust anchors that the other side's certificate must lead to"}

/* All three or none; *given says which. The files are looked at; *out is whole or untouched. */
MUST_USE err_t device_cert_opts_take(struct device_work *w, struct device_state_certificate *out, bool *given);

/* --trust alone, for `of` (https://HOST:PORT): the device shows no certificate there. Needed, unless `trust` has one already; looked at. */
MUST_USE err_t device_cert_opts_trust(struct device_work *w, const char *of, char trust[static DEVICE_STATE_FILE_MAX]);

#endif
