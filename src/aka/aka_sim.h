/*
 * What a device asks of its card, whichever it is: one in software (aka_card.h, aka_sim_file.h), or one that somebody drives. A
 * row that is NULL is nothing that this card does. `self` is the card's.
 */
#ifndef KEYSTEAD_AKA_AKA_SIM_H
#define KEYSTEAD_AKA_AKA_SIM_H

#include "aka/aka_card.h"

/*
 * What a card does of GBA. With GBA_ME CK and IK come out; with GBA_U Ks stays inside. A card that is the Secure Environment
 * for provisioning lets only Ks_int_NAF be used (R001-143).
 */
enum aka_sim_gba { AKA_SIM_ME, AKA_SIM_U, AKA_SIM_SECURE, AKA_SIM_KINDS };
const char *aka_sim_gba_name(enum aka_sim_gba kind); /* "me", "u", "secure-environment" */

struct aka_sim {
    void *self;
    enum aka_sim_gba gba;
    struct impi impi; /* that the card says; empty: it says none */
    /* As aka_card_authenticate(), aka_card_bootstrap(), aka_card_derive(); what changed is durable when they return. */
    MUST_USE err_t (*authenticate)(void *self, const struct aka_rand *rand, const struct aka_autn *autn, struct aka_answer *out);
    MUST_USE err_t (*bootstrap)(void *self, const struct aka_rand *rand, const struct aka_autn *autn_star, struct aka_answer *out);
    MUST_USE err_t (*derive)(void *self, struct text impi, const struct naf_id *id, struct key_ks_ext_naf *out);
    /* As aka_card_int_master(). */
    MUST_USE err_t (*int_master)(void *self, const struct naf_id *id, const struct aka_card_prf *prf, uint8_t *out);
};

#endif
