/* What the files of the device library share: the caller's callbacks as the core's provider, the core's errors as its results. */
#ifndef KEYSTEAD_LIB_PORT_H
#define KEYSTEAD_LIB_PORT_H

#include "crypto/crypto.h"

#include <keystead/keystead.h>

struct port {
    struct crypto_port head; /* first: the core hands back a pointer to it */
    const keystead_crypto *user;
};
struct port port_of(const keystead_crypto *c); /* c must outlive it */

keystead_result port_result(err_t e);

#endif
