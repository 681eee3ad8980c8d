/*
 * A private key in a TPM 2.0, reached through tpm2-tss. Each use connects, does what it has to and leaves again: nothing
 * stays in the TPM, no connection outlives a fork, and a TPM that was away is there for the next use. All processes of
 * one program take turns, so a transport for one client at a time (/dev/tpm0, swtpm) serves them too. A TPM that hangs holds
 * a caller for five seconds, once: until it goes on, all others are told at once that none answers.
 */
#ifndef KEYSTEAD_SHELL_TPM2_H
#define KEYSTEAD_SHELL_TPM2_H

#include "base/bytes.h"
#include "shell/key_pin.h"

#define TPM2_AREA_MAX 1024 /* a public or private area of any P-256 key, or what ESYS keeps of it */
#define TPM2_COORDINATE_LEN 32
#define TPM2_AUTH_MAX 64

struct tpm2_area {
    uint8_t at[TPM2_AREA_MAX];
    size_t n;
};

struct tpm2_key {
    uint32_t handle;           /* the key's own, persistent; with `wrapped` that of the parent */
    bool wrapped;              /* pub and priv are what stood in the file */
    struct tpm2_area pub;      /* TPM2B_PUBLIC */
    struct tpm2_area priv;     /* TPM2B_PRIVATE: sealed by the parent */
    struct tpm2_area resource; /* of a persistent key: spares reading its public area each time */
    struct key_pin auth;       /* n 0: the empty one */
    uint8_t x[TPM2_COORDINATE_LEN], y[TPM2_COORDINATE_LEN];
};

struct tpm2_signature {
    uint8_t r[TPM2_COORDINATE_LEN], s[TPM2_COORDINATE_LEN];
};

/* Before any fork: what the processes take turns by. The library writes to stderr only if TSS2_LOG says so. */
void tpm2_prepare(void);

/* The loadable key of a file "TSS2 PRIVATE KEY", in DER. Fills handle, wrapped, pub and priv. ERR_TPM_FILE. */
MUST_USE err_t tpm2_file_parse(struct bytes der, struct tpm2_key *out);

/* Finds the key, looks whether it can serve and lets it sign once: fills pub, x, y, resource. ERR_TPM_*. */
MUST_USE err_t tpm2_look(struct tpm2_key *k);
/* `digest`: 32, 48 or 64 octets. ERR_TPM_*. */
MUST_USE err_t tpm2_sign(const struct tpm2_key *k, struct bytes digest, struct tpm2_signature *out);

#endif
