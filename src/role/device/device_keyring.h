/*
 * Usage-constrained keys of a device beside its state [TS-0003 8.3.5, 8.8; SUIDs of TS-0004 6.3.4.2.39]: those it registered at
 * a MAF or MEF, and those it retrieved there as their target. One sealed record; what a key is for is bound to its seal.
 */
#ifndef KEYSTEAD_ROLE_DEVICE_DEVICE_KEYRING_H
#define KEYSTEAD_ROLE_DEVICE_DEVICE_KEYRING_H

#include "keys/keyid.h"
#include "store/seal.h"
#include "wire/m2mid.h"

#define DEVICE_KEYRING_MAX 32
#define DEVICE_KEYRING_RECORD_MAX (DEVICE_KEYRING_MAX * (KEYID_MAX + M2MID_MAX + SEAL_MAX + 40))

struct device_keyring_key {
    struct keyid id;
    uint8_t suid;
    bool own;            /* registered here; else retrieved */
    struct m2mid peer;   /* own: the first target; else its Source, or empty */
    usec_t not_after;
    usec_t since; /* of this life, by which it is renewed (device_renew.h); 0: not known, or it is left to end */
    struct secret key;
};

struct device_keyring {
    struct device_keyring_key at[DEVICE_KEYRING_MAX];
    size_t n;
};
void device_keyring_wipe(struct device_keyring *r);

MUST_USE err_t device_keyring_write(const struct device_keyring *r, const struct sealer *sealer, struct writer *w);
/* ERR_MALFORMED_RECORD, ERR_CRYPTO_UNSEAL; then *out is empty. */
MUST_USE err_t device_keyring_parse(struct bytes b, const struct sealer *sealer, struct device_keyring *out);

/* By identifier in any case; one that has ended is not there. ERR_NOT_FOUND. */
MUST_USE err_t device_keyring_find(const struct device_keyring *r, struct text id, usec_t now,
                                   const struct device_keyring_key **out);
/* In place of one of the same name; those that have ended make room. ERR_LIMIT_CAPACITY. */
MUST_USE err_t device_keyring_put(struct device_keyring *r, const struct device_keyring_key *k, usec_t now);
void device_keyring_drop(struct device_keyring *r, struct text id);
void device_keyring_key_wipe(struct device_keyring_key *k);

#endif
