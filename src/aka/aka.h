/*
 * The authentication and key agreement of 3GPP [TS 33.102 6.3]: what a card and its network share, and the functions
 * f1 to f5* over it, by Milenage [TS 35.206] or TUAK [TS 35.231].
 */
#ifndef KEYSTEAD_AKA_AKA_H
#define KEYSTEAD_AKA_AKA_H

#include "keys/keys_gba.h"

#define AKA_SQN_LEN 6
#define AKA_AMF_LEN 2
#define AKA_MAC_LEN 8 /* in AUTN and AUTS; TUAK could give more, but there is no room for it */
#define AKA_AUTN_LEN (AKA_SQN_LEN + AKA_AMF_LEN + AKA_MAC_LEN)
#define AKA_AUTS_LEN (AKA_SQN_LEN + AKA_MAC_LEN)
#define AKA_F1_MAX 32

struct aka_autn {
    uint8_t b[AKA_AUTN_LEN]; /* SQN ^ AK | AMF | MAC-A */
};
struct aka_auts {
    uint8_t b[AKA_AUTS_LEN]; /* SQN_MS ^ AK* | MAC-S */
};
struct aka_amf {
    uint8_t b[AKA_AMF_LEN];
};

struct key_k { struct secret s; };   /* of the subscriber: 16 octets, for TUAK 16 or 32 */
struct key_op { struct secret s; };  /* of the operator: OP 16 octets, TOP 32 */
struct key_opc { struct secret s; }; /* of both: OPc or TOPc */
struct key_ak { struct secret s; };  /* hides SQN */

enum aka_algorithm { AKA_MILENAGE, AKA_TUAK, AKA_ALGORITHMS };

/* Lengths that TUAK leaves open [TS 35.231 5]; Milenage has one of each. Octets. */
struct aka_lengths {
    uint8_t mac, res, ck, ik;
};

struct aka_keys {
    enum aka_algorithm algorithm;
    struct key_k k;
    struct key_opc opc;
    struct aka_lengths lengths; /* TUAK only; mac counts for aka_f1 */
    uint8_t iterations;         /* of the permutation, TUAK only: 1 or more */
};

struct aka_keys aka_keys_milenage(void); /* without its keys; MAC 8, RES 8, CK and IK 16 */
struct aka_keys aka_keys_tuak(void);     /* without its keys; the same lengths, one iteration */
MUST_USE err_t aka_check_keys(const struct aka_keys *k); /* ERR_MALFORMED_KEY: a length that the algorithm has not */
void aka_keys_wipe(struct aka_keys *k);

/* OPc of OP, TOPc of TOP, for k->k; needs no opc yet. */
MUST_USE err_t aka_opc(const struct crypto *c, const struct aka_keys *k, const struct key_op *op, struct key_opc *out);

/* What one RAND gives. */
struct aka_output {
    struct key_res res;
    struct key_ck ck;
    struct key_ik ik;
    struct key_ak ak;
};
void aka_output_wipe(struct aka_output *o);
MUST_USE err_t aka_f2345(const struct crypto *c, const struct aka_keys *k, const struct aka_rand *rand,
                         struct aka_output *out);
MUST_USE err_t aka_f5_star(const struct crypto *c, const struct aka_keys *k, const struct aka_rand *rand,
                           struct key_ak *out);

/* f1, or f1* of a resynchronisation: k->lengths.mac octets, 8 for Milenage. */
struct aka_f1_input {
    bool star;
    const struct aka_rand *rand;
    uint64_t sqn; /* 48 bits */
    struct aka_amf amf;
};
struct aka_mac {
    uint8_t b[AKA_F1_MAX];
    uint8_t n;
};
MUST_USE err_t aka_f1(const struct crypto *c, const struct aka_keys *k, const struct aka_f1_input *in,
                      struct aka_mac *out);
/* Both of one RAND, for the network: that costs less than one after the other. */
MUST_USE err_t aka_f12345(const struct crypto *c, const struct aka_keys *k, const struct aka_f1_input *in,
                          struct aka_mac *mac, struct aka_output *out);

/* SQN ^ AK, both ways, in six octets. */
void aka_sqn_hide(uint64_t sqn, const struct key_ak *ak, uint8_t out[AKA_SQN_LEN]);
uint64_t aka_sqn_reveal(const uint8_t hidden[AKA_SQN_LEN], const struct key_ak *ak);

#endif
