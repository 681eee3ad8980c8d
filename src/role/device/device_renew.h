/*
 * What a device renews on its own, and when: Ke (and with it Km, the registration and Kc) and Kc, each when nine tenths of
 * its life are over [TS-0003 10.7, CHOICE-57]. Before that nothing is enrolled anew (R000-17).
 */
#ifndef KEYSTEAD_ROLE_DEVICE_DEVICE_RENEW_H
#define KEYSTEAD_ROLE_DEVICE_DEVICE_RENEW_H

#include "role/device/device_keyring.h"
#include "role/device/device_state.h"

enum device_renewal { DEVICE_RENEW_NOTHING, DEVICE_RENEW_KEY, DEVICE_RENEW_ENROLMENT };

struct device_due {
    enum device_renewal what; /* DEVICE_RENEW_NOTHING: there is nothing that ends */
    usec_t at;
    usec_t end; /* of what is to be renewed */
};

/* Once the enrolment is due it comes first: without it there is no other key. */
struct device_due device_renew_next(const struct device_state *s, usec_t now);
/* A usage-constrained key. One that its authority gave no more time is asked for again when half of what is left is over. */
struct device_due device_renew_key(const struct device_keyring_key *k);
void device_renew_key_later(struct device_keyring_key *k, usec_t now);
/* The AE registration: at once if the registrar said that it is gone, else when nine tenths of its life are over. */
struct device_due device_renew_ae(const struct device_state *s);

#endif
