/* Where private keys come from: a table. Whoever names a private key names one of these. */
#ifndef KEYSTEAD_SHELL_KEY_SOURCE_H
#define KEYSTEAD_SHELL_KEY_SOURCE_H

#include "shell/key_pin.h"

struct evp_pkey_st; /* EVP_PKEY */

/* Once, before anything of OpenSSL and before any fork. */
void key_source_prepare(void);

bool key_source_is_file(struct text name); /* the name of a PEM file; no scheme stands before it */
/* Form of a name that is no file, and the secret file it names; the key itself is not asked for. */
MUST_USE err_t key_source_check(struct text name, char why[static KEY_PIN_WHY_MAX]);
/* ERR_IO, ERR_FILE_MODE, ERR_CONFIG, ERR_TOKEN_*, ERR_TPM_*. Never prompts. */
MUST_USE err_t key_source_load(const char *name, struct evp_pkey_st **out);

/* Why signing failed, from a code of OpenSSL's queue of reasons; ERR_OK: it says nothing about a key. */
err_t key_source_reason(unsigned long code);
/* The same for the whole queue, which is empty afterwards; `otherwise` if it says nothing. */
err_t key_source_fault(err_t otherwise);

#endif
