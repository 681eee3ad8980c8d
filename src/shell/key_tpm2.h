/*
 * Private keys that stay in a TPM 2.0. Wherever a private key file is named, this may stand:
 *
 *   tpm2:0x81000001?auth=file:/absolute/path       a persistent key
 *   tpm2:/absolute/path.pem?auth=file:/path        a key sealed by the TPM, in a file "TSS2 PRIVATE KEY"
 *
 * The authorisation value is all octets of that file (mode 0600 or stricter), as tpm2-tools take it, and may not stand in
 * the name; without `?` it is the empty one. Which TPM: the environment's TPM2TOOLS_TCTI, else /dev/tpmrm0.
 */
#ifndef KEYSTEAD_SHELL_KEY_TPM2_H
#define KEYSTEAD_SHELL_KEY_TPM2_H

#include "shell/key_pin.h"

struct evp_pkey_st; /* EVP_PKEY: this header has nothing of OpenSSL, because main includes it by way of key_source.h */

/* The form of the name and the files it names; the TPM is not asked. ERR_CONFIG, ERR_FILE_MODE, ERR_LIMIT_SIZE, ERR_TPM_FILE. */
MUST_USE err_t key_tpm2_check(struct text name, char why[static KEY_PIN_WHY_MAX]);
/* Those, and ERR_TPM_*. The key signs once: what is wrong shows here and not in a handshake. */
MUST_USE err_t key_tpm2_load(struct text name, struct evp_pkey_st **out);
/* Why a signature failed, from a code of OpenSSL's queue; ERR_OK: it is not one of ours. */
err_t key_tpm2_reason(unsigned long code);

#endif
