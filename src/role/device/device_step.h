/* One step of a goal: a row of device.c's table; the functions are in device_enrol.c, device_maf.c, device_cse.c. */
#ifndef KEYSTEAD_ROLE_DEVICE_DEVICE_STEP_H
#define KEYSTEAD_ROLE_DEVICE_DEVICE_STEP_H

#include "role/device/device.h"

typedef bool device_needed_fn(const struct device *d, usec_t now);
typedef err_t device_prepare_fn(struct device *d, usec_t now, struct device_exchange *out);
typedef err_t device_accept_fn(struct device *d, usec_t now, const struct device_outcome *got);

struct device_step {
    enum device_goal goal;
    const char *name;
    const char *clause;
    device_needed_fn *needed; /* NULL: always */
    device_prepare_fn *prepare;
    device_accept_fn *accept;
};

/* Shows the certificate that is configured for this server; ERR_STATE if a part of it is missing. */
MUST_USE err_t device_show_certificate(struct device *d, const struct device_state_server *to,
                                       struct device_exchange *out);

device_prepare_fn device_enrol_fetch_prepare;
device_accept_fn device_enrol_fetch_accept;

device_prepare_fn device_enrol_prepare;
device_accept_fn device_enrol_accept;

device_prepare_fn device_mef_prepare;
device_accept_fn device_mef_accept;

device_needed_fn device_maf_register_needed, device_maf_key_needed;
device_prepare_fn device_maf_register_prepare, device_maf_key_prepare;
device_accept_fn device_maf_register_accept, device_maf_key_accept;

/* MAF Handshake with a certificate or with Km [TS-0003 8.8.2.2]; the request is then the caller's. */
device_prepare_fn device_maf_connect;

device_prepare_fn device_maf_request_prepare;
device_accept_fn device_maf_request_accept;

device_prepare_fn device_manage_prepare;
device_accept_fn device_manage_accept;

device_prepare_fn device_cse_handshake_prepare, device_cse_register_prepare, device_cse_request_prepare;
/* If it says that the AE is gone (deleted by another, or past its expirationTime), the state forgets it. */
void device_cse_refused(struct device *d, err_t why);
device_accept_fn device_cse_handshake_accept, device_cse_register_accept, device_cse_request_accept;

#endif
