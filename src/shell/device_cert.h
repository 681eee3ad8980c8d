/*
 * The certificate that the device is to show: its files are looked at once, when they are named. A wrong file is the
 * operator's error then, not a failed handshake later. The state keeps their absolute names; no key is copied.
 */
#ifndef KEYSTEAD_SHELL_DEVICE_CERT_H
#define KEYSTEAD_SHELL_DEVICE_CERT_H

#include "role/device/device_state.h"
#include "role/role.h"

/*
 * In: file, key and trust as somebody wrote them. Out: absolute names, and who the certificate says its holder is: an
 * absolute AE-ID, else the host name in it, else empty. ERR_IO, ERR_FILE_MODE, ERR_CONFIG (no certificate, no anchor),
 * ERR_DENIED_CERT_PROOF (the key is not that of the certificate, R001-13), ERR_DENIED_CERT_PROFILE.
 */
MUST_USE err_t device_cert_look(struct device_state_certificate *c, char detail[static ROLE_DETAIL_MAX]);

/* The same for the anchors alone, of a server that is known by its certificate while the device shows none. ERR_IO, ERR_USAGE. */
MUST_USE err_t device_cert_look_trust(char trust[static DEVICE_STATE_FILE_MAX], char detail[static ROLE_DETAIL_MAX]);

#endif
