/*
 * The ESPrim receiver of this CSE in the store, so that every worker's originators meet the same one and an object that was
 * taken stays taken after a restart: the random objects in one record, each session of a key in one of
 * ESPRIM_SESSIONS_PER_KEY places. Written only by the writer. The shared object is announced in e2eSecInfo of the CSEBase.
 */
#ifndef KEYSTEAD_ROLE_CSE_CSE_ESPRIM_STATE_H
#define KEYSTEAD_ROLE_CSE_CSE_ESPRIM_STATE_H

#include "proto/esprim.h"
#include "role/cse/cse_ctx.h"

struct cse_esprim_state {
    struct esprim_receiver r;
    struct esprim_session sessions[ESPRIM_SESSIONS_PER_KEY];
    struct esprim_offer offers_before[ESPRIM_OFFERS_MAX];
    struct esprim_session sessions_before[ESPRIM_SESSIONS_PER_KEY];
};

/* The random objects, and no session yet. */
MUST_USE err_t cse_esprim_state_load(const struct cse *cse, struct txn *t, struct cse_esprim_state *s);
/* The sessions of the key with this folded identifier. */
MUST_USE err_t cse_esprim_state_sessions(struct txn *t, struct text kid, struct cse_esprim_state *s);
/* Stages what has changed; `kid` empty: no session. */
MUST_USE err_t cse_esprim_state_save(const struct cse *cse, struct txn *t, struct text kid,
                                     const struct cse_esprim_state *s, usec_t now);
/* Stages the shared object if there is none for the next half of its life. */
MUST_USE err_t cse_esprim_state_seed(const struct cse *cse, struct txn *t, usec_t now);

#endif
