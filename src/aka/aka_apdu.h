/*
 * What is said to a UICC and what it answers, as octets: the commands of TS 31.102 7.1 and TS 102 221 11 that GBA needs, and their
 * answers without the status word. Pure; who carries them is in shell/.
 */
#ifndef KEYSTEAD_AKA_AKA_APDU_H
#define KEYSTEAD_AKA_AKA_APDU_H

#include "aka/aka_card.h"

#define AKA_APDU_MAX 261     /* header, length, 255 octets, Le */
#define AKA_APDU_ANSWER_MAX 258

enum aka_apdu_file { AKA_APDU_IMSI = 0x6F07, AKA_APDU_AD = 0x6FAD, AKA_APDU_UST = 0x6F38 };

/* -- commands ------------------------------------------------------------------------------------------- */
MUST_USE err_t aka_apdu_select_usim(struct writer *w); /* by the beginning of its AID: the first USIM on the card */
MUST_USE err_t aka_apdu_select(struct writer *w, enum aka_apdu_file file);
MUST_USE err_t aka_apdu_read(struct writer *w, uint8_t n);         /* of the selected file, from its beginning */
MUST_USE err_t aka_apdu_get_response(struct writer *w, uint8_t n); /* after 61 n */
MUST_USE err_t aka_apdu_authenticate(struct writer *w, const struct aka_rand *rand, const struct aka_autn *autn); /* 3G context */
MUST_USE err_t aka_apdu_bootstrap(struct writer *w, const struct aka_rand *rand, const struct aka_autn *autn_star); /* GBA context */
MUST_USE err_t aka_apdu_derive(struct writer *w, const struct naf_id *id, struct text impi); /* ERR_LIMIT_SIZE */

/* -- answers -------------------------------------------------------------------------------------------- */
/* What a status word means: ERR_OK (9000, also 61xx: more is there), ERR_DENIED_AUTN (9862), ERR_DENIED_GBA_VARIANT (a context that the card
 * has not), ERR_STATE (nothing was bootstrapped), ERR_SIM_PIN, ERR_SIM_PIN_BLOCKED, ERR_SIM_CARD. */
err_t aka_apdu_status(uint16_t sw);
/* ERR_SQN_RANGE with AUTS; ERR_SIM_CARD: not that answer. With `gba` RES alone. */
MUST_USE err_t aka_apdu_answer(struct bytes b, bool gba, struct aka_answer *out);
MUST_USE err_t aka_apdu_derived(struct bytes b, struct key_ks_ext_naf *out);
/* EF_IMSI with EF_AD, which says how long the MNC is, and EF_UST: has the card GBA (service 68)? */
MUST_USE err_t aka_apdu_impi(struct bytes imsi, struct bytes ad, struct impi *out);
bool aka_apdu_has_gba(struct bytes ust);

#endif
