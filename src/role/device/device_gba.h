/*
 * The device side of the GBA-based framework [TS-0003 8.3.3.1]: what Ub leaves in the state, and the key that a target is met with.
 * Ub itself is proto/ub_ue.h, the card aka/aka_sim.h. By TS 24.109 with the BSF and TS 33.222 with the target, which asks by TS 29.109 (R000-74).
 */
#ifndef KEYSTEAD_ROLE_DEVICE_DEVICE_GBA_H
#define KEYSTEAD_ROLE_DEVICE_DEVICE_GBA_H

#include "aka/aka_sim.h"
#include "proto/ub_ue.h"
#include "role/device/device_state.h"
#include "role/role.h"

/* Which key this card gives for targets, if `wanted` is: NULL for what suits it. ERR_USAGE, ERR_DENIED_GBA_VARIANT. */
MUST_USE err_t device_gba_choose(enum aka_sim_gba card, const char *wanted, uint8_t *out);
const char *device_gba_key_name(uint8_t naf_key); /* "me", "ext", "int" */
bool device_gba_card_keeps_ks(const struct device_state *s);

/* By its address, https://HOST:PORT: its TLS has a certificate, and where it is a target each request and answer is proved by HTTP Digest [TS 33.222 5.3]. */
#define DEVICE_GBA_HTTPS "https://"
bool device_gba_is_https(const struct device_state_server *server);

/* Ks is still good: the handshake is left out (R001-128). */
bool device_gba_is_live(const struct device_state *s, usec_t now);
/* TMPI of the Ks that is there, in the state or in this card; empty if there is none. */
MUST_USE err_t device_gba_tmpi(const struct device_state *s, const struct aka_sim *sim, const struct crypto *c, struct writer *out);
/* Ub is over: a new set of everything that comes from an enrolment. */
MUST_USE err_t device_gba_bootstrapped(struct device_state *s, const struct ub_ue *u, usec_t now);

/* In the handshake with a target: psk_identity and key (R001-136 .. R001-142). */
struct device_gba_ask {
    const struct device_state *state;
    const struct aka_sim *sim; /* NULL with GBA_ME, which needs no card any more */
    const struct crypto *crypto;
    struct text fqdn, hint; /* of the NAF */
    uint16_t suite;
};
struct device_gba_key {
    char identity[KEYID_MAX];
    struct naf_id id;
    struct secret key; /* not set: Ks_int_NAF, in the card under this NAF_Id */
};
void device_gba_key_wipe(struct device_gba_key *k);
MUST_USE err_t device_gba_key(const struct device_gba_ask *q, struct device_gba_key *out);

#endif
