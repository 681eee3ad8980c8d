/* The key of a target in the middle of the device's handshake with it, from Ks or from the card. */
#ifndef KEYSTEAD_SHELL_DEVICE_NAF_H
#define KEYSTEAD_SHELL_DEVICE_NAF_H

#include "role/device/device_gba.h"
#include "shell/client_tls.h"
#include "shell/provider_prf.h"
#include "shell/sim.h"

struct device_naf {
    struct device_gba_ask ask;
    struct device_gba_key key;
    struct sim sim;
    struct provider_prf_key name; /* what OpenSSL has for Ks_int_NAF, which stays in the card */
    char detail[ROLE_DETAIL_MAX];
};

/* For one handshake with `server`; opens the card if the key is in it. The caller closes it when the connection is over. */
MUST_USE err_t device_naf_open(struct device_naf *n, const struct device_state *s, const char *fqdn);
void device_naf_close(struct device_naf *n);
/* The same as octets, for HTTP Digest on a session of this suite: B-TID and key are in n->key. ERR_DENIED_GBA_VARIANT: it stays in the card. */
MUST_USE err_t device_naf_digest(struct device_naf *n, uint16_t suite);
client_tls_psk_fn device_naf_psk; /* arg: struct device_naf */

#endif
