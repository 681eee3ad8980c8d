/*
 * GSUP, the protocol of osmo-hlr: the one procedure that a BSF needs, Send Authentication Info. It gives vectors of AKA
 * for an IMSI, and takes the AUTS of a card that is out of step. Type, then elements of tag, length, value.
 * The result holds keys: gsup_wipe() it, and never show it.
 */
#ifndef KEYSTEAD_WIRE_GSUP_H
#define KEYSTEAD_WIRE_GSUP_H

#include "keys/keys_gba.h"

#define GSUP_MAX 1024
#define GSUP_TUPLES_MAX 5
#define GSUP_IMSI_MAX 16 /* 15 digits and NUL */
#define GSUP_AUTN_LEN 16
#define GSUP_AUTS_LEN 14

enum gsup_type { GSUP_INFO_REQUEST = 0x08, GSUP_INFO_ERROR = 0x09, GSUP_INFO_RESULT = 0x0a };

struct gsup_resync {
    struct aka_rand rand; /* of the challenge that the card refused */
    uint8_t auts[GSUP_AUTS_LEN];
};

struct gsup_request {
    struct text imsi;                 /* 6 to 15 digits */
    uint8_t vectors;                  /* 1 to GSUP_TUPLES_MAX */
    const struct gsup_resync *resync; /* or NULL */
};
MUST_USE err_t gsup_write_request(const struct gsup_request *q, struct writer *w); /* ERR_MALFORMED_ID, ERR_LIMIT_SIZE */

struct gsup_tuple {
    struct aka_rand rand;
    uint8_t autn[GSUP_AUTN_LEN];
    struct key_res xres;
    struct key_ck ck;
    struct key_ik ik;
};

struct gsup_answer {
    enum gsup_type type;
    char imsi[GSUP_IMSI_MAX];
    uint8_t cause; /* of an error: GMM cause [TS 24.008 10.5.5.14] */
    size_t tuples_n;
    struct gsup_tuple tuples[GSUP_TUPLES_MAX]; /* those of UMTS; of GSM alone there is nothing that GBA could use */
};
/* ERR_MALFORMED_GSUP: not an answer, an element cut off, twice, or of a wrong length, no IMSI, an error without its cause,
 * a result without a vector of UMTS. Unknown elements are passed over, as in other releases. Nothing is left in *out then. */
MUST_USE err_t gsup_parse_answer(struct bytes message, struct gsup_answer *out);
void gsup_wipe(struct gsup_answer *a);

/* What a cause means here: ERR_DENIED_SUBSCRIBER for an IMSI that the HLR does not know, else ERR_PEER_REFUSED. */
MUST_USE err_t gsup_cause_err(uint8_t cause);

#endif
