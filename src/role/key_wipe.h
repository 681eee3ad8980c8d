/* Cleanups for SCOPED(), one a rung of the key hierarchy that the roles hold for a moment. */
#ifndef KEYSTEAD_ROLE_KEY_WIPE_H
#define KEYSTEAD_ROLE_KEY_WIPE_H

#include "keys/keys.h"
#include "keys/keys_gba.h"

static inline void key_wipe_ke(struct key_ke *k)
{
    secret_wipe(&k->s);
}

static inline void key_wipe_km(struct key_km *k)
{
    secret_wipe(&k->s);
}

static inline void key_wipe_kpsa(struct key_kpsa *k)
{
    secret_wipe(&k->s);
}

static inline void key_wipe_kc(struct key_kc *k)
{
    secret_wipe(&k->s);
}

static inline void key_wipe_ks(struct key_ks *k)
{
    secret_wipe(&k->s);
}

static inline void key_wipe_ha1(struct key_ha1 *k)
{
    secret_wipe(&k->s);
}

static inline void key_wipe_usage(struct key_usage *k)
{
    secret_wipe(&k->s);
}

#endif
