/* Both ends of ESPrim as records, for end points that do not run all the time. No key is in them. */
#ifndef KEYSTEAD_PROTO_ESPRIM_STATE_H
#define KEYSTEAD_PROTO_ESPRIM_STATE_H

#include "proto/esprim.h"

#define ESPRIM_STATE_MAX (256U * 1024U)

void esprim_state_originator_write(const struct esprim_originator *o, struct writer *out);
/* Into one that was initialised. ERR_MALFORMED_RECORD. */
MUST_USE err_t esprim_state_originator_parse(struct bytes b, struct esprim_originator *o);

/* With the request that waits for its answer (an empty kid: none). */
void esprim_state_receiver_write(const struct esprim_receiver *r, const struct esprim_exchange *x, struct writer *out);
MUST_USE err_t esprim_state_receiver_parse(struct bytes b, struct esprim_receiver *r, struct esprim_exchange *x);

/* The same in records of their own, for a receiver with many originators (role/cse). */
#define ESPRIM_STATE_SESSION_MAX 4096
void esprim_state_offers_write(const struct esprim_offer offers[ESPRIM_OFFERS_MAX], struct writer *out);
MUST_USE err_t esprim_state_offers_parse(struct bytes b, struct esprim_offer offers[ESPRIM_OFFERS_MAX]);
void esprim_state_session_write(const struct esprim_session *s, struct writer *out);
MUST_USE err_t esprim_state_session_parse(struct bytes b, struct esprim_session *s);

#endif
