/*
 * Private keys that stay in a PKCS#11 token. Wherever a private key file is named, an RFC 7512 URI may stand:
 *
 *   pkcs11:token=NAME;object=NAME;type=private?pin-source=file:/absolute/path
 *
 * The PIN is read from that file (mode 0600 or stricter) and may not stand in the URI. Which module is used, the engine
 * `pkcs11` of OpenSSL says: the environment's PKCS11_MODULE_PATH, else all that p11-kit knows.
 */
#ifndef KEYSTEAD_SHELL_KEY_PKCS11_H
#define KEYSTEAD_SHELL_KEY_PKCS11_H

#include "shell/key_pin.h"

struct evp_pkey_st; /* EVP_PKEY: this header has nothing of OpenSSL, because main includes it */

/* Before anything else of OpenSSL: at exit its cleaning would call into modules whose destructors have already run. */
void key_pkcs11_prepare(void);

bool key_pkcs11_is(struct text name); /* a URI, not the name of a file */

/* The form of the URI and its PIN file; the token is not asked. ERR_CONFIG, ERR_FILE_MODE, ERR_LIMIT_SIZE. */
MUST_USE err_t key_pkcs11_check(struct text uri, char why[static KEY_PIN_WHY_MAX]);

/* Those, and ERR_TOKEN_ENGINE, ERR_TOKEN_PIN, ERR_TOKEN_KEY. One try with the PIN: tokens lock after a few. */
MUST_USE err_t key_pkcs11_load(struct text uri, struct evp_pkey_st **out);

#endif
