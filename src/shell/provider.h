/*
 * OpenSSL's own algorithms, without the kinds of key that no profile here uses. OpenSSL 3.0 looks through all kinds it knows,
 * and through every reader of each, whenever it takes the public key out of a certificate: a sixth of a handshake.
 * Two of them are ours where SHA-256 is asked for, over OpenSSL's SHA-256: the PRF of TLS 1.2 and the MAC of its records.
 */
#ifndef KEYSTEAD_SHELL_PROVIDER_H
#define KEYSTEAD_SHELL_PROVIDER_H

#include "base/err.h"

/* For the calling thread, before it reads keys or makes contexts; a second call does nothing. */
MUST_USE err_t provider_install(void);

#endif
