/*
 * The PRF of TLS 1.2 with SHA-256 [RFC 5246 5] as OpenSSL asks its provider for it. OpenSSL's own makes and frees a dozen
 * contexts for a few blocks of SHA-256: 3 to 5 us each time, four times a handshake and once more for an export; this one
 * takes 0.4 to 0.9. docs/decisions/0010-speed.md
 */
#ifndef KEYSTEAD_SHELL_PROVIDER_PRF_H
#define KEYSTEAD_SHELL_PROVIDER_PRF_H

#include <openssl/core_dispatch.h>

/* What takes the place of `theirs`, OpenSSL's table for TLS1-PRF; whatever is not SHA-256 still goes there. NULL if a function
 * that we need is not in it. */
const OSSL_DISPATCH *provider_prf_over(const OSSL_DISPATCH *theirs);

#endif
