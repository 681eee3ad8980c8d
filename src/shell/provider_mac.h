/*
 * The MAC of TLS records as libssl asks its provider for it: the signature algorithm "HMAC". OpenSSL's own copies three
 * contexts of SHA-256 twice for each record. docs/decisions/0010-speed.md
 */
#ifndef KEYSTEAD_SHELL_PROVIDER_MAC_H
#define KEYSTEAD_SHELL_PROVIDER_MAC_H

#include <openssl/core_dispatch.h>

/* Of the keys, which stay OpenSSL's: returns `theirs`, and remembers how to read one. Before the other. */
const OSSL_DISPATCH *provider_mac_keys(const OSSL_DISPATCH *theirs);
/* What takes the place of `theirs`, OpenSSL's signature "HMAC"; whatever is not SHA-256 still goes there. NULL if a function that
 * we need is not in it. */
const OSSL_DISPATCH *provider_mac_over(const OSSL_DISPATCH *theirs);

#endif
